#include "lib/pattern.h"

#include <string.h>

/* The eight bytes at offset 8 * index. */
static uint64_t pattern_word(uint64_t key, size_t index)
{
    return (key + index) * UINT64_C(0x9e3779b97f4a7c15) + (key << 17 | 1);
}

/* Bytes `from` to `to` - 1: written, or compared with what is there (then the first wrong offset,
 * or SIZE_MAX). */
static void fill_range(unsigned char *block, size_t from, size_t to, uint64_t key)
{
    while (from < to) {
        uint64_t word = pattern_word(key, from / 8);
        size_t   skip = from % 8;
        size_t   bytes = 8 - skip < to - from ? 8 - skip : to - from;

        memcpy(block + from, (const unsigned char *)&word + skip, bytes);
        from += bytes;
    }
}

static size_t check_range(const unsigned char *block, size_t from, size_t to, uint64_t key)
{
    while (from < to) {
        uint64_t             word = pattern_word(key, from / 8);
        const unsigned char *expected = (const unsigned char *)&word;
        size_t               skip = from % 8;
        size_t               bytes = 8 - skip < to - from ? 8 - skip : to - from;
        uint64_t             found;

        if (bytes == 8) { /* nearly always */
            memcpy(&found, block + from, 8);
            bytes = found == word ? 0 : 8;
        }
        for (size_t i = 0; i < bytes; i++)
            if (block[from + i] != expected[skip + i])
                return from + i;
        from += 8 - skip;
    }
    return SIZE_MAX;
}

void pattern_fill(void *block, size_t bytes, uint64_t key)
{
    if (bytes <= PATTERN_DENSE) {
        fill_range(block, 0, bytes, key);
        return;
    }
    fill_range(block, 0, PATTERN_DENSE, key);
    for (size_t at = PATTERN_DENSE; at + 8 <= bytes; at += PATTERN_STRIDE)
        fill_range(block, at, at + 8, key);
    fill_range(block, bytes - PATTERN_TAIL, bytes, key);
}

size_t pattern_check(const void *block, size_t prefix, size_t bytes, uint64_t key)
{
    size_t dense = prefix < PATTERN_DENSE ? prefix : PATTERN_DENSE;
    size_t wrong = check_range(block, 0, dense, key);

    for (size_t at = PATTERN_DENSE; wrong == SIZE_MAX && at + 8 <= prefix; at += PATTERN_STRIDE)
        wrong = check_range(block, at, at + 8, key);
    if (wrong == SIZE_MAX && prefix == bytes && bytes > PATTERN_DENSE)
        wrong = check_range(block, bytes - PATTERN_TAIL, bytes, key);
    return wrong;
}
