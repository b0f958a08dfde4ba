/* report.h: what a process adds to reports: the line that repeats a run, and crashes. */
#ifndef STRESS_HOSTED_REPORT_H
#define STRESS_HOSTED_REPORT_H

#include "stress/lib/report.h"

#include <stdbool.h>

/* Exit status of the program. */
enum { ST_PASSED = 0, ST_FAILURE = 1, ST_USAGE = 2 }; /* and 128 + a signal that ended it */

/* Whether a failure of this kind may mean only that the suite was cut short. */
bool st_for_want_of_time(const char *kind);

/* From now on each line begins with this name; NULL: none does. For processes that speak at the
 * same time. */
void st_report_name(const char *name);

/* Catches crashes (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT) in every worker, on a stack of its
 * own. */
void st_report_setup(void);
void st_report_thread_start(unsigned worker);

#endif
