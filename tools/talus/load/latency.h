/* latency.h: how long single calls take, as a histogram.
 * 1 Purpose     Quantiles of millions of calls in 8 KiB, without malloc: exact up to 63 ns, above
 *               that 32 cells to each doubling, so that a figure is at most 3.2 % above the truth.
 * 2 Invariants  the cells' sum is `samples`
 * 3 Clock       tl_load_now before and after the call. Its own cost is part of every figure and is
 *               not taken off; tl_latency_clock tells it.
 * 4 Contexts    thread; a histogram belongs to one thread until tl_latency_add */
#ifndef TALUS_TOOLS_LATENCY_H
#define TALUS_TOOLS_LATENCY_H

#include "tools/talus/load/load.h"

#include <stdio.h>

#define TL_LATENCY_CELLS  1024u
#define TL_LATENCY_NS_MAX ((UINT64_C(1) << 36) - 1) /* 68 s: what takes longer counts as this */

struct tl_latency {
    uint64_t samples, max;
    uint64_t cells[TL_LATENCY_CELLS];
};

/* A value of the top bit 5 + shift is in cell shift * 32 + (ns >> shift), the latter 32..63. */
static inline void tl_latency_note(struct tl_latency *latency, uint64_t ns)
{
    ns = ns < TL_LATENCY_NS_MAX ? ns : TL_LATENCY_NS_MAX;
    unsigned shift = ns < 64 ? 0 : 58 - (unsigned)__builtin_clzll(ns);
    latency->cells[shift * 32 + (ns >> shift)]++;
    latency->samples++;
    if (ns > latency->max)
        latency->max = ns;
}

/* Adds the samples of `more` to `sum`. */
void tl_latency_add(struct tl_latency *sum, const struct tl_latency *more);
/* The highest value of the cell that `share` (0 to 1) of the samples do not exceed, or the maximum
 * if that is lower; 0 without samples. */
uint64_t tl_latency_quantile(const struct tl_latency *latency, double share);
/* Prints "latency CALL p50 N p99 N p999 N max N samples N", in ns. */
void     tl_latency_print(const struct tl_latency *latency, const char *call, FILE *to);
uint64_t tl_latency_clock(void); /* median ns between two readings with nothing in between */

#endif
