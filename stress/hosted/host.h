/* host.h: the suites in a process: threads of POSIX, a clock, results for people and programs. */
#ifndef STRESS_HOSTED_HOST_H
#define STRESS_HOSTED_HOST_H

#include "stress/suites/suite.h"

/* Runs the suite for `seconds` and prints its line, or why it is skipped; a failure ends the
 * process. `json`: one object a line on standard output as well. */
void st_hosted_run(const struct st_suite *suite, struct st_run *run, double seconds, bool json);

/* Seconds since some moment. */
double st_now(void);

/* No operation by anybody for so long, or no end of a thread: far beyond what a busy machine
 * explains. */
#define ST_STUCK_SECONDS 45.0

#endif
