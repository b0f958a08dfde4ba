/* shadow.h: the oracle's memory in a process. */
#ifndef STRESS_HOSTED_SHADOW_H
#define STRESS_HOSTED_SHADOW_H

#include <stdbool.h>

/* Reserves it. Before any thread starts. False: no address space for even a small one. */
bool st_shadow_start(void);

#endif
