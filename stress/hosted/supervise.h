/* supervise.h: each suite in a process of its own, and one that watches over it. */
#ifndef STRESS_HOSTED_SUPERVISE_H
#define STRESS_HOSTED_SUPERVISE_H

#include "stress/hosted/results.h"

/* Runs a suite in this process, for some seconds; a failure ends the process (lib/report.h). */
void st_run_here(const struct st_suite *suite, struct st_target *target, uint64_t seed,
                 double seconds);

/* Runs the suites that were chosen, each in a child, until the last has ended or the user has had
 * enough; says what became of each, writes the files. Returns the exit status. */
int st_supervise(void);

#endif
