/* run.h: one suite from its opening to its account. */
#ifndef STRESS_LIB_RUN_H
#define STRESS_LIB_RUN_H

#include "stress/suites/suite.h"

/* Why the suite cannot run on the target, or NULL. */
const char *st_suite_lacks(const struct st_suite *suite, const struct st_target *target);

/* Runs `suite` with all that its target offers, and sets *total; a failure ends the run of the
 * program. Sets run->suite; and run->handlers, where the suite is about them. */
void st_run_suite(const struct st_suite *suite, struct st_run *run, struct st_counts *total);

/* All blocks are freed: fails the run ("lost") when `target` believes more than `before` bytes to
 * be in use. */
void st_check_lost(const struct st_target *target, size_t before);

#endif
