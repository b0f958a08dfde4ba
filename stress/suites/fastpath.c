/* fastpath.c: each worker allocates and frees its own blocks as fast as it can, and is cut by its
 * timer anywhere within.
 * 1 Hunts       A list head that two hold after a refill; a list operation that a signal or a
 *               switch leaves half done; a counter that runs past its slow exit; a free list that
 *               survives in two places.
 * 2 Pressure    Few sizes at a time, so that one class fills and drains: pairs, bursts longer than
 *               a span's list taken back in three orders, random replacement. More workers than
 *               CPUs.
 * 3 Must catch  cache_head_twice, frees_counted_twice */
#include "stress/suites/suite.h"

#define TABLE_BLOCKS  512u
#define SIZE_MAX_FAST ((size_t)1024)

static void pairs(struct st_worker *worker, struct st_block *table)
{
    size_t size = 1 + st_rng_below(&worker->rng, SIZE_MAX_FAST);

    for (unsigned n = 0; n < 64; n++) {
        st_block_free(worker, &table[0]);
        if (st_block_alloc(worker, &table[0], size))
            st_block_free(worker, &table[0]);
    }
}

static void burst(struct st_worker *worker, struct st_block *table)
{
    unsigned count = 1 + st_rng_below(&worker->rng, TABLE_BLOCKS);
    size_t   size = st_rng_size(&worker->rng, 1, SIZE_MAX_FAST);
    unsigned order = st_rng_below(&worker->rng, 3);

    for (unsigned n = 0; n < count; n++) {
        st_block_free(worker, &table[n]);
        st_block_alloc(worker, &table[n], size);
    }
    for (unsigned n = 0; n < count; n++) {
        unsigned which = order == 0   ? n
                         : order == 1 ? count - 1 - n
                                      : st_rng_below(&worker->rng, count);
        st_block_free(worker, &table[which]);
    }
}

static void replace(struct st_worker *worker, struct st_block *table)
{
    for (unsigned n = 0; n < 256; n++) {
        struct st_block *block = &table[st_rng_below(&worker->rng, TABLE_BLOCKS)];
        st_block_free(worker, block);
        st_block_alloc(worker, block, st_rng_size(&worker->rng, 1, SIZE_MAX_FAST));
    }
}

static void body(struct st_worker *worker, void *shared)
{
    struct st_block *table = st_team_table(worker);

    (void)shared;
    while (st_team_runs(worker)) {
        switch (st_rng_below(&worker->rng, 3)) {
        case 0:
            pairs(worker, table);
            break;
        case 1:
            burst(worker, table);
            break;
        default:
            replace(worker, table);
            break;
        }
    }
    for (unsigned n = 0; n < TABLE_BLOCKS; n++)
        st_block_free(worker, &table[n]);
}

static void run_suite(const struct st_run *run)
{
    struct st_team team = { .run = run, .body = body };
    st_team_run(&team, run->threads, run->amount);
}

ST_SUITE(fastpath) = {
    .name = "fastpath",
    .hunts = "the lock-free fast path, cut anywhere by timer signals",
    .main = run_suite,
};
