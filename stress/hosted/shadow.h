/* shadow.h: the oracle's memory in a process. */
#ifndef STRESS_HOSTED_SHADOW_H
#define STRESS_HOSTED_SHADOW_H

#include <stdbool.h>
#include <stdint.h>

/* Reserves it, up to `most` leaves of it, for 4 MiB of touched addresses each (UINT32_MAX: as many
 * as are of use). Before any thread starts. False: no address space for even a small one. */
bool st_shadow_start(uint32_t most);

/* Gives it back: tests have one after the other. No thread uses it. */
void st_shadow_end(void);

#endif
