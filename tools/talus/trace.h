/* trace.h: counts the instructions of chosen calls in another process, one by one. */
#ifndef TALUS_TOOLS_TRACE_H
#define TALUS_TOOLS_TRACE_H

#include "tools/talus/tool.h"

#define TL_TRACE_KINDS 2u

/* The calls of one kind. */
struct tl_trace {
    double  *counts; /* instructions of each call, from the callee's first to its return; room for
                 * calls_max */
    size_t   calls, calls_max;
    uint64_t instructions, locked, system_calls; /* sums over the calls */
};

/* Runs talus-pathlen-load (argv) on the peer and fills `traces` until it ends, or one has
 * calls_max, or `steps_max` instructions were counted. Returns NULL, or what went wrong. x86-64
 * Linux only: elsewhere it says so. */
const char *tl_trace_run(char *const *argv, const struct tl_peer *peer,
                         struct tl_trace traces[TL_TRACE_KINDS], uint64_t steps_max);

#endif
