/* host.h: the suites in a process: threads of POSIX, a clock, results for people and programs. */
#ifndef STRESS_HOSTED_HOST_H
#define STRESS_HOSTED_HOST_H

#include "stress/suites/suite.h"

/* Seconds since some moment. */
double st_now(void);

#endif
