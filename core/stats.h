/* stats.h: totals of a heap, added up from the caches' and the pool's counters when somebody asks
 * (R40). Context: thread. */
#ifndef TL_CORE_STATS_H
#define TL_CORE_STATS_H

#include "core/heap.h"

/* `stats` is all zero. */
TL_SLOW void tl_stats_fill(struct tl_heap *heap, talus_heap_stats_t *stats);

/* Writes the default heap's totals at process exit: to standard error, or to `path` unless that is
 * NULL; it is kept by pointer. */
void tl_stats_at_exit(const char *path);

#endif
