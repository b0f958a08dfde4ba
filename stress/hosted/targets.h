/* targets.h: the heaps that talus-stress can drive. */
#ifndef STRESS_HOSTED_TARGETS_H
#define STRESS_HOSTED_TARGETS_H

#include "stress/lib/target.h"

/* NULL: no such name. */
struct st_target *st_target_find(const char *name);
struct st_target *st_target_list(size_t i); /* NULL after the last */

extern struct st_target st_target_toy; /* broken on purpose: proves the oracle */

#endif
