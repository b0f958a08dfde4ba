/* host.h: the images as what the stress suites run on (stress/lib/host.h): one job of the scheduler
 * is one run of a suite. Theory: host.c. */
#ifndef TALUS_TESTS_BARE_HOST_H
#define TALUS_TESTS_BARE_HOST_H

#include "stress/suites/suite.h"

/* Runs main() as a thread of CPU 0, in a job with seats for `threads_per_cpu` more on each CPU, and
 * returns when it has. `plugged`: the second half of the CPUs are for children alone, and come and
 * go with them. Context: CPU 0, outside of any job. */
void host_run(void (*main)(void), unsigned cpus, unsigned threads_per_cpu, bool plugged);

/* CPUs that went, in all runs so far. */
uint32_t host_cpus_gone(void);

#endif
