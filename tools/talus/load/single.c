/* single.c: workloads of one thread with malloc and free; see load.h and workloads.c. */
#include "tools/talus/load/load.h"

static uint32_t sizes[TL_SIZES_COUNT]; /* the one thread */

/* Allocate, use, free, at once. n = 0: sizes from the table; else always n bytes. */
void tl_run_pair(const struct tl_load *load, struct tl_load_result *result)
{
    uint64_t ops = tl_load_ops(load);
    size_t   size = load->n;
    tl_load_sizes(sizes, load);
    uint64_t start = tl_load_now();
    if (size != 0) {
        for (uint64_t i = 0; i < ops; i++)
            tl_load_give(tl_load_take(size));
    } else {
        for (uint64_t i = 0; i < ops; i++)
            tl_load_give(tl_load_take(sizes[i % TL_SIZES_COUNT]));
    }
    result->ns = tl_load_now() - start;
    result->ops = ops;
}

enum { ORDER_SAME, ORDER_REVERSE, ORDER_RANDOM, ORDERS };

static void batch_free(void **blocks, const uint32_t *shuffled, uint32_t n, unsigned order)
{
    if (order == ORDER_SAME) {
        for (uint32_t i = 0; i < n; i++)
            tl_load_give(blocks[i]);
    } else if (order == ORDER_REVERSE) {
        for (uint32_t i = n; i-- > 0;)
            tl_load_give(blocks[i]);
    } else {
        for (uint32_t i = 0; i < n; i++)
            tl_load_give(blocks[shuffled[i]]);
    }
}

/* n allocations, then n frees. peers = 0: the order of frees changes from batch to batch (same,
 * reverse, random); else always order peers - 1. */
void tl_run_batch(const struct tl_load *load, struct tl_load_result *result)
{
    uint32_t      n = load->n;
    uint64_t      batches = tl_load_ops(load) / n + 1;
    void        **blocks = tl_load_map(n * sizeof *blocks);
    uint32_t     *shuffled = tl_load_map(n * sizeof *shuffled);
    struct tl_rng rng = { load->seed };
    for (uint32_t i = 0; i < n; i++)
        shuffled[i] = i;
    for (uint32_t i = n - 1; i > 0; i--) {
        uint32_t other = tl_rng_below(&rng, i + 1), mine = shuffled[i];
        shuffled[i] = shuffled[other];
        shuffled[other] = mine;
    }
    for (unsigned i = 0; i < TL_SIZES_COUNT; i++)
        sizes[i] = load->size_min + tl_rng_below(&rng, load->size_max - load->size_min + 1);
    uint64_t start = tl_load_now();
    unsigned cursor = 0;
    for (uint64_t b = 0; b < batches; b++) {
        for (uint32_t i = 0; i < n; i++)
            blocks[i] = tl_load_take(sizes[cursor++ % TL_SIZES_COUNT]);
        batch_free(blocks, shuffled, n,
                   load->peers != 0 ? load->peers - 1 : (unsigned)(b % ORDERS));
    }
    result->ns = tl_load_now() - start;
    result->ops = batches * n;
    tl_load_unmap(blocks, n * sizeof *blocks);
    tl_load_unmap(shuffled, n * sizeof *shuffled);
}

/* A working set of n blocks; a random one is replaced by a new one of another size, again and
 * again. */
void tl_run_replace(const struct tl_load *load, struct tl_load_result *result)
{
    uint32_t      n = load->n;
    uint64_t      ops = tl_load_ops(load);
    void        **slots = tl_load_map(n * sizeof *slots);
    struct tl_rng rng = { load->seed };
    tl_load_sizes(sizes, load);
    uint64_t start = tl_load_now();
    for (uint32_t i = 0; i < n; i++)
        slots[i] = tl_load_take(sizes[i % TL_SIZES_COUNT]);
    for (uint64_t i = 0; i < ops; i++) {
        uint32_t at = tl_rng_below(&rng, n);
        tl_load_give(slots[at]);
        slots[at] = tl_load_take(sizes[i % TL_SIZES_COUNT]);
    }
    for (uint32_t i = 0; i < n; i++)
        tl_load_give(slots[i]);
    result->ns = tl_load_now() - start;
    result->ops = ops + n;
    tl_load_unmap(slots, n * sizeof *slots);
}

/* A burst of n blocks, of which a random twentieth outlives the next burst; between two bursts n
 * pairs of small blocks. */
void tl_run_burst(const struct tl_load *load, struct tl_load_result *result)
{
    uint32_t n = load->n;
    uint64_t bursts = tl_load_ops(load) / (2 * (uint64_t)n) + 1;
    void   **slots = tl_load_map(2 * (size_t)n * sizeof *slots); /* two generations; NULL: freed */
    struct tl_rng rng = { load->seed };
    tl_load_sizes(sizes, load);
    uint64_t start = tl_load_now();
    for (uint64_t b = 0; b < bursts; b++) {
        void **now = slots + (b % 2) * n;
        for (uint32_t i = 0; i < n; i++) {
            if (now[i] != NULL)
                tl_load_give(now[i]); /* outlived the burst in between */
            now[i] = tl_load_take(sizes[tl_rng_next(&rng) % TL_SIZES_COUNT]);
        }
        for (uint32_t i = 0; i < n; i++) {
            if (tl_rng_below(&rng, 20) != 0) {
                tl_load_give(now[i]);
                now[i] = NULL;
            }
        }
        for (uint32_t i = 0; i < n; i++)
            tl_load_give(tl_load_take(16 + i % 64));
    }
    for (uint32_t i = 0; i < 2 * n; i++) {
        if (slots[i] != NULL)
            tl_load_give(slots[i]);
    }
    result->ns = tl_load_now() - start;
    result->ops = bursts * 2 * n;
    tl_load_unmap(slots, 2 * (size_t)n * sizeof *slots);
}
