/* report.h: how a run speaks: progress, results, and the one failure that ends it. */
#ifndef STRESS_LIB_REPORT_H
#define STRESS_LIB_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* Exit status of the program. */
enum { ST_PASSED = 0, ST_FAILURE = 1, ST_USAGE = 2 };

/* What the failure report needs in order to be repeated; filled by main, `suite` by each suite's
 * start. */
struct st_replay {
    const char *program;
    const char *suite;
    const char *target;
    const char *pin;
    uint64_t    seed;
    unsigned    threads;
    double      seconds;
    unsigned    preempt_us;
    unsigned    yield_one_in;
    bool        json;
};
extern struct st_replay st_replay;

/* Catches crashes (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT) in every worker, on a stack of its
 * own. */
void st_report_setup(void);
void st_report_thread_start(unsigned worker);

/* Writes one line without allocating. */
void st_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes text of any length as it is. */
void st_say_text(const char *text);

/* Reports a failure of `kind` (overlap, corrupt, lost, crash, stuck, misuse, ...), the last
 * operations of the calling worker and of up to one other (0: none), the line that repeats the run,
 * and ends the process with ST_FAILURE. The first caller wins. */
_Noreturn void st_fail(const char *kind, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
_Noreturn void st_fail_with(unsigned other, const char *kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
