/* report.h: what a process adds to reports: the line that repeats a run, and crashes. */
#ifndef STRESS_HOSTED_REPORT_H
#define STRESS_HOSTED_REPORT_H

#include "stress/lib/report.h"

#include <stdbool.h>
#include <stdint.h>

/* Exit status of the program. */
enum { ST_PASSED = 0, ST_FAILURE = 1, ST_USAGE = 2 };

/* What the failure report needs in order to be repeated; filled by main, `suite` before each
 * suite. */
struct st_replay {
    const char *program;
    const char *suite;
    const char *target;
    const char *preempt; /* the ways (preempt.h) */
    uint64_t    seed;
    unsigned    threads;
    double      seconds;
    unsigned    period_us;
    unsigned    yield_one_in;
    bool        json;
};
extern struct st_replay st_replay;

/* Catches crashes (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT) in every worker, on a stack of its
 * own. */
void st_report_setup(void);
void st_report_thread_start(unsigned worker);

#endif
