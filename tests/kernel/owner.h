/* owner.h: what a heap's owner does while others use it: gives blocks, marks blocks to drain, takes
 * marks off, contracts, shrinks, trims (R13, R16, R17). */
#ifndef TALUS_TESTS_OWNER_H
#define TALUS_TESTS_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include <talus/heap.h>

/* The owner's part of a heap's options: low water, and where blocks that were given come back. */
void owner_options(talus_heap_options *options);

/* Draws by `seed` what to do to `heap` next, until owner_stop was called. */
void owner_work(talus_heap *heap, uint64_t seed);
void owner_stop(void);

/* Whether it did each of it often enough for a run to show anything. By any thread. */
bool owner_did_enough(void);

/* Marks all that was given, while nobody else uses the heap; when each CPU's cache was flushed
 * everything must be back that holds none of the heap's own data. */
void owner_ends(talus_heap *heap);

/* What is wrong with the books; NULL: nothing. Prints what was done. */
const char *owner_problem(void);

/* The program's: whether the calling thread is pinned. */
bool owner_is_pinned(void);

#endif
