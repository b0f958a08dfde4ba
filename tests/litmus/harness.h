/* harness.h: runs one litmus shape on the CPU, over many cells at a time, and counts what came of
 * it.
 *
 * 1 Rounds     A round is a thousand cells, filled with zeroes. The threads go through them in
 *              the same order, chunk by chunk; before each chunk they meet, each waits a random
 *              moment, and the roles change; every few cells each waits again. So the same cell is
 *              used by all of them within nanoseconds, in ever other alignments. Then one thread
 *              judges all cells.
 * 2 Plumbing   C11's own atomics, sequentially consistent: not what is tested.
 * 3 Pressure   An overlap is two neighbouring cells of one chunk that ended differently: one thread
 *              overtook the other in between. Without overlaps the threads ran one after the other,
 *              and that no forbidden outcome came says nothing: such a run fails.
 * 4 More threads than CPUs: each also gives its CPU away at a random cell of each chunk. */
#ifndef TALUS_LITMUS_HARNESS_H
#define TALUS_LITMUS_HARNESS_H

#include "litmus/cell.h"

enum { LITMUS_OUTCOMES_MAX = 64, LITMUS_OVERLAPS_MIN = 100 };

struct litmus_bounds {
    unsigned ms;           /* runs so long at least */
    unsigned ms_max;       /* and goes on until here where overlaps are too few still */
    bool     until_caught; /* ends with the first forbidden outcome, or after ms_max */
    uint64_t seed;
};

struct litmus_count {
    struct litmus_outcome outcome;
    enum litmus_verdict   verdict;
    uint64_t              times;
};

struct litmus_found {
    uint64_t            cells;
    uint64_t            weak;
    uint64_t            forbidden;
    uint64_t            overlaps;
    double              seconds;
    unsigned            outcomes; /* different ones */
    bool                more;     /* than LITMUS_OUTCOMES_MAX */
    struct litmus_count count[LITMUS_OUTCOMES_MAX];
};

/* Returns false if threads or memory could not be had. */
bool litmus_run(const struct litmus_shape *shape, const struct litmus_bounds *bounds,
                struct litmus_found *found);

#endif
