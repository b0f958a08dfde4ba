/* run.h: one suite from its opening to its account. */
#ifndef STRESS_LIB_RUN_H
#define STRESS_LIB_RUN_H

#include "stress/suites/suite.h"

/* Runs `suite` and prints its line; a failure ends the process. `json`: one object a line on
 * standard output as well. */
void st_run_suite(const struct st_suite *suite, struct st_run *run, bool json);

/* All blocks are freed: fails the run ("lost") when `target` believes more than `before` bytes to
 * be in use. */
void st_check_lost(const struct st_target *target, size_t before);

#endif
