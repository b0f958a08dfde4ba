/* pattern.h: contents of a block that tell whose they are.
 *
 * Every byte follows from a key and its offset, so that a prefix can be checked after realloc.
 * Blocks above PATTERN_DENSE bytes are written in full up to there, then one word per
 * PATTERN_STRIDE and the last PATTERN_TAIL bytes. */
#ifndef TALUS_TESTS_PATTERN_H
#define TALUS_TESTS_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERN_DENSE  ((size_t)16 * 1024)
#define PATTERN_STRIDE ((size_t)1024)
#define PATTERN_TAIL   ((size_t)64)

/* Writes the pattern of `key` over `bytes` bytes. */
void pattern_fill(void *block, size_t bytes, uint64_t key);

/* Compares the first `prefix` bytes of a block that was filled with `bytes` bytes (prefix <=
 * bytes).
 * Returns the offset of the first wrong byte, or SIZE_MAX when all are right. */
size_t pattern_check(const void *block, size_t prefix, size_t bytes, uint64_t key);

static inline bool pattern_holds(const void *block, size_t bytes, uint64_t key)
{
    return pattern_check(block, bytes, bytes, key) == SIZE_MAX;
}

#endif
