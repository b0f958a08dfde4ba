/* reserve.c: handlers that use memory, in the midst of threads that do (handlers.c).
 * 1 Hunts       A block of the reserve that two were given, or that a refill wrote over; a free
 *               from a handler that touches what the interrupted thread was changing; blocks that
 *               are lost on the way from a handler to their owner, or in the heap's own inbox; a
 *               handler that waits for what it interrupted (R32).
 * 2 Pressure    Workers allocate and free the sizes that handlers do, so that they share lists, and
 *               swap blocks with the handlers all the time.
 * 3 Must catch  slots_take_split, slots_put_store, interrupt_free_cached
 * 4 Skipped     on targets that are not talus. */
#include "stress/suites/suite.h"

#include "stress/lib/handlers.h"

#define TABLE_BLOCKS 96u
#define SMALL_MAX    ((size_t)2048)
#define LARGE_MAX    ((size_t)300000)

static const size_t same_sizes[] = { 48, 700 }; /* as reserves have */

static void step(struct st_worker *worker, struct st_block *block)
{
    bool   same = st_rng_one_in(&worker->rng, 2); /* as the reserves' blocks: shared lists */
    size_t most = st_rng_one_in(&worker->rng, 64) ? LARGE_MAX : SMALL_MAX;
    size_t size = same ? same_sizes[st_rng_below(&worker->rng, 2)]
                       : st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, most);

    if (block->p == NULL) {
        st_block_alloc(worker, block, size);
    } else if (st_rng_one_in(&worker->rng, 3)) {
        void *p = st_handlers_swap(&worker->rng, block->p);
        block->p = NULL;
        if (p != NULL)
            *block = st_block_received(p);
    } else if (st_rng_one_in(&worker->rng, 8)) {
        st_block_resize(worker, block, size);
    } else {
        st_block_free(worker, block);
    }
}

static void body(struct st_worker *worker, void *shared)
{
    struct st_block *table = st_team_table(worker);

    (void)shared;
    while (st_team_runs(worker))
        for (unsigned n = 0; n < 64; n++)
            step(worker, &table[st_rng_below(&worker->rng, TABLE_BLOCKS)]);
    for (unsigned n = 0; n < TABLE_BLOCKS; n++)
        st_block_free(worker, &table[n]);
}

static void run_suite(const struct st_run *run)
{
    struct st_team team = { .run = run, .body = body };
    st_team_run(&team, run->threads, run->amount);
}

ST_SUITE(reserve) = {
    .name = "reserve",
    .hunts = "handlers that take, use and free memory in the midst of malloc and free",
    .needs_instances = true,
    .handlers = &st_handlers,
    .main = run_suite,
};
