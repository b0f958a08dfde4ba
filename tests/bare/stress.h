/* stress.h: the stress suites (stress/suites) in an image. */
#ifndef TALUS_TESTS_BARE_STRESS_H
#define TALUS_TESTS_BARE_STRESS_H

#include "stress/suites/suite.h"

/* Starts the heap and the oracle's shadow. Context: CPU 0, once, before the first job. */
void stress_start(void);

/* Runs a suite with the handlers at work, and counts what is wrong as findings. A failure that the
 * suite itself reports ends the image. Context: CPU 0, outside of any job. */
void stress_run(const struct st_suite *suite);

#endif
