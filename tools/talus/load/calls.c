/* calls.c: workloads of one thread with the other calls of the malloc family; see load.h. */
#include "tools/talus/load/load.h"

#include <string.h>

static uint32_t sizes[TL_SIZES_COUNT]; /* the one thread */

/* Looks at what tl_load_touch is about to write: a block of calloc must be zero there. */
static void check_zero(const void *block, size_t size)
{
    const unsigned char *bytes = block;
    unsigned             seen = bytes[size - 1];
    for (size_t at = 0; at < size; at += TL_LOAD_PAGE)
        seen |= bytes[at];
    if (seen != 0)
        tl_load_die(4, "calloc returned a block that is not zero");
}

/* A working set of n blocks of calloc, replaced at random. */
void tl_run_calloc(const struct tl_load *load, struct tl_load_result *result)
{
    uint32_t      n = load->n;
    uint64_t      ops = tl_load_ops(load);
    void        **slots = tl_load_map(n * sizeof *slots);
    struct tl_rng rng = { load->seed };
    tl_load_sizes(sizes, load);
    uint64_t start = tl_load_now();
    for (uint64_t i = 0; i < ops; i++) {
        uint32_t at = tl_rng_below(&rng, n);
        if (slots[at] != NULL)
            tl_load_give(slots[at]);
        size_t size = sizes[i % TL_SIZES_COUNT];
        slots[at] = calloc(1, size);
        if (slots[at] == NULL)
            tl_load_die(3, "calloc returned NULL");
        check_zero(slots[at], size);
        tl_load_touch(slots[at], size);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (slots[i] != NULL)
            tl_load_give(slots[i]);
    }
    result->ns = tl_load_now() - start;
    result->ops = ops;
    tl_load_unmap(slots, n * sizeof *slots);
}

/* A working set of n blocks of aligned_alloc, replaced at random. peers = 1: alignments from 256
 * to 1024 as well, which some allocators get wrong (Debian's mimalloc 2.0.9 does): then the run
 * ends with status 4. */
void tl_run_aligned(const struct tl_load *load, struct tl_load_result *result)
{
    static const uint16_t alignments[2][8] = { { 64, 32, 64, 128, 64, 32, 64, 4096 },
                                               { 64, 32, 64, 128, 256, 512, 1024, 4096 } };
    uint32_t              n = load->n;
    uint64_t              ops = tl_load_ops(load);
    void                **slots = tl_load_map(n * sizeof *slots);
    struct tl_rng         rng = { load->seed };
    tl_load_sizes(sizes, load);
    uint64_t start = tl_load_now();
    for (uint64_t i = 0; i < ops; i++) {
        uint32_t at = tl_rng_below(&rng, n);
        if (slots[at] != NULL)
            tl_load_give(slots[at]);
        size_t align = alignments[load->peers][i % 8];
        size_t size = (sizes[i % TL_SIZES_COUNT] + align - 1) & ~(align - 1);
        slots[at] = aligned_alloc(align, size);
        if (slots[at] == NULL)
            tl_load_die(3, "aligned_alloc returned NULL");
        if (((uintptr_t)slots[at] & (align - 1)) != 0)
            tl_load_die(4, "aligned_alloc returned a block that is not aligned");
        tl_load_touch(slots[at], size);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (slots[i] != NULL)
            tl_load_give(slots[i]);
    }
    result->ns = tl_load_now() - start;
    result->ops = ops;
    tl_load_unmap(slots, n * sizeof *slots);
}

/* Grows one buffer to `size` bytes and uses the new part; its first 8 bytes must be there. */
static void *grow_one(void *block, size_t old_size, size_t size)
{
    uint64_t mark = 0;
    if (block != NULL)
        memcpy(&mark, block, sizeof mark);
    char *grown = realloc(block, size);
    if (grown == NULL)
        tl_load_die(3, "realloc returned NULL");
    if (block != NULL && memcmp(grown, &mark, sizeof mark) != 0)
        tl_load_die(4, "realloc lost the content");
    for (size_t at = old_size; at < size; at += TL_LOAD_PAGE)
        grown[at] = 1;
    grown[size - 1] = 1;
    *(uint64_t *)(void *)grown = tl_load_mark(grown);
    return grown;
}

/* n buffers grown in turn, each by half, from size_min to size_max bytes; then freed. */
void tl_run_grow(const struct tl_load *load, struct tl_load_result *result)
{
    uint32_t n = load->n;
    uint64_t ladders = tl_load_ops(load), steps = 0;
    void   **blocks = tl_load_map(n * sizeof *blocks);
    uint64_t start = tl_load_now();
    for (uint64_t l = 0; l < ladders; l++) {
        size_t old_size = 0, size = load->size_min;
        while (size <= load->size_max) {
            for (uint32_t i = 0; i < n; i++)
                blocks[i] = grow_one(blocks[i], old_size, size);
            steps += n;
            old_size = size;
            size += size / 2;
        }
        for (uint32_t i = 0; i < n; i++) {
            if (blocks[i] != NULL)
                tl_load_give(blocks[i]);
            blocks[i] = NULL;
        }
    }
    result->ns = tl_load_now() - start;
    result->ops = steps;
    tl_load_unmap(blocks, n * sizeof *blocks);
}

/* n buffers, each at a step of its own: a random one is grown by half, and freed instead when that
 * would take it above size_max, as strings and vectors are that a program fills side by side. */
void tl_run_grow_apart(const struct tl_load *load, struct tl_load_result *result)
{
    uint32_t      n = load->n;
    uint64_t      ops = tl_load_ops(load), steps = 0;
    void        **blocks = tl_load_map(n * sizeof *blocks);
    uint32_t     *lengths = tl_load_map(n * sizeof *lengths);
    struct tl_rng rng = { load->seed };
    uint64_t      start = tl_load_now();
    for (uint64_t i = 0; i < ops; i++) {
        uint32_t at = tl_rng_below(&rng, n), length = lengths[at];
        uint32_t grown = length != 0 ? length + length / 2 : load->size_min;
        if (grown <= load->size_max) {
            blocks[at] = grow_one(blocks[at], length, grown);
            lengths[at] = grown;
            steps++;
        } else {
            tl_load_give(blocks[at]);
            blocks[at] = NULL;
            lengths[at] = 0;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        if (blocks[i] != NULL)
            tl_load_give(blocks[i]);
    }
    result->ns = tl_load_now() - start;
    result->ops = steps;
    tl_load_unmap(blocks, n * sizeof *blocks);
    tl_load_unmap(lengths, n * sizeof *lengths);
}
