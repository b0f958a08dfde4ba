/* arena.h: what a kernel's manager of memory does for these tests: pages of one range of addresses,
 * first fit. Several threads at once. */
#ifndef TALUS_TESTS_ARENA_H
#define TALUS_TESTS_ARENA_H

#include <stddef.h>

#define ARENA_BYTES ((size_t)64 << 20)

/* `bytes`, a multiple of TALUS_PAGE_SIZE, full of old contents; NULL: there is no such stretch. */
void *arena_take(size_t bytes);

/* Takes back what arena_take returned, whole; what lies there is overwritten. */
void arena_give(void *block, size_t bytes);

#endif
