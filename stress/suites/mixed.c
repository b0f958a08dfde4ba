/* mixed.c: every kind of request, from 1 byte to several MiB, kept and handed around.
 * 1 Hunts       Runs cut or joined wrongly in the page pool; large blocks over small ones; a page
 *               map entry that is stale or early;
 *               realloc that loses contents, or grows into a neighbour; calloc over pages that are
 *               not zero; alignment.
 * 2 Pressure    A table per worker under a bound of bytes, so that pages go back and forth between
 *               sizes all the time; one block in four is swapped with a stranger.
 * 3 Must catch  lock_no_wait, avail_link_kept, kept_put_twice */
#include "stress/suites/suite.h"

#define TABLE_BLOCKS 256u
#define SLOTS        256u
#define LARGE_MAX    ((size_t)4 << 20)
#define SMALL_MAX    ((size_t)8192)
#define ALIGN_BITS   17u /* 16 bytes to 1 MiB */
#define LARGE_HELD   6u  /* large blocks that a worker may hold */

static struct st_mailbox box;
static size_t            held_max;  /* bytes that one worker holds; constant while the suite runs */
static size_t            large_max; /* the same */

static size_t any_size(struct st_worker *worker)
{
    if (st_rng_one_in(&worker->rng, 16))
        return st_rng_size(&worker->rng, 1, large_max);
    return st_rng_size(&worker->rng, 1, SMALL_MAX);
}

static void get(struct st_worker *worker, struct st_block *block)
{
    size_t size = any_size(worker);

    switch (st_rng_below(&worker->rng, 8)) {
    case 0: {
        size_t align = (size_t)16 << st_rng_below(&worker->rng,
                                                  st_rng_one_in(&worker->rng, 8) ? ALIGN_BITS : 9);
        st_block_aligned(worker, block, align < large_max ? align : 16, size);
        break;
    }
    case 1:
    case 2:
        st_block_zalloc(worker, block, size);
        break;
    default:
        st_block_alloc(worker, block, size);
        break;
    }
}

/* Small blocks change among small ones and large ones by halves and doubles, as growing buffers do;
 * some jump. */
static void resize(struct st_worker *worker, struct st_block *block)
{
    size_t size;

    if (st_rng_one_in(&worker->rng, 6))
        size = any_size(worker);
    else if (st_rng_one_in(&worker->rng, 2))
        size = block->size + block->size / 2 + st_rng_below(&worker->rng, 64);
    else
        size = block->size - st_rng_below(&worker->rng, (uint32_t)block->size);
    st_block_resize(worker, block, size < 1 ? 1 : size > large_max ? large_max : size);
}

static void exchange(struct st_worker *worker, struct st_block *block)
{
    void *p = st_mailbox_swap(&box, (unsigned)st_rng_next(&worker->rng), block->p);
    block->p = NULL;
    if (p != NULL)
        *block = st_block_received(p);
}

static void step(struct st_worker *worker, struct st_block *block)
{
    if (block->p == NULL)
        get(worker, block);
    else if (st_rng_one_in(&worker->rng, 4))
        resize(worker, block);
    else if (block->size >= ST_BLOCK_PASSABLE && st_rng_one_in(&worker->rng, 3))
        exchange(worker, block);
    else
        st_block_free(worker, block);
}

static void body(struct st_worker *worker, void *shared)
{
    struct st_block *table = st_team_table(worker);
    size_t           held = 0;

    (void)shared;
    while (st_team_runs(worker)) {
        for (unsigned n = 0; n < 64; n++) {
            struct st_block *block = &table[st_rng_below(&worker->rng, TABLE_BLOCKS)];
            held -= block->p != NULL ? block->size : 0;
            if (held > held_max)
                st_block_free(worker, block);
            else
                step(worker, block);
            held += block->p != NULL ? block->size : 0;
        }
    }
    for (unsigned n = 0; n < TABLE_BLOCKS; n++)
        st_block_free(worker, &table[n]);
}

static void run_suite(const struct st_run *run)
{
    struct st_team team = { .run = run, .body = body };

    held_max = run->memory / run->threads;
    large_max = held_max / LARGE_HELD < LARGE_MAX ? held_max / LARGE_HELD : LARGE_MAX;
    box.slots = SLOTS;
    st_team_run(&team, run->threads, run->amount);
    st_mailbox_empty(run, &box);
}

ST_SUITE(mixed) = {
    .name = "mixed",
    .hunts = "all sizes to 4 MiB, realloc, calloc, alignment, on one page pool",
    .main = run_suite,
};
