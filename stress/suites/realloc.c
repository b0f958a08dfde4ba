/* realloc.c: blocks that grow and shrink while strangers free their neighbours.
 * 1 Hunts       A block that grows into pages that somebody else has taken meanwhile; the rest of
 *               one that shrinks, joined to a neighbour that is being freed; a block whose pages
 *               move while others look up theirs; a copy whose old block goes home to another
 *               thread's span; contents lost on the way.
 * 2 Parts       comb: each worker lays a row of blocks, most of them runs of pages side by side,
 *               hands every other one to strangers, who free it or make it longer, and grows and
 *               shrinks those between; chain: buffers that grow from a few bytes to a few pages,
 *               in a different worker's hands at every step.
 * 3 Pressure    The larger blocks all come from one page pool, whose lock is all that keeps a
 *               growth and a free of the same pages apart.
 * 4 Must catch  extend_stale */
#include "stress/suites/suite.h"

#define TEETH_MAX   24u
#define ROUNDS      3u
#define SLOTS       128u
#define CHAIN_STEPS 64u
#define CHAIN_MAX   ((size_t)20000)
#define LARGE_LEAST ((size_t)9000) /* a few pages */

static struct st_mailbox box;
static size_t            tooth_max; /* bytes; constant while the suite runs */

static void meet_stranger(struct st_worker *worker)
{
    void *p = st_mailbox_take(&box, (unsigned)st_rng_next(&worker->rng));
    if (p == NULL)
        return;
    struct st_block block = st_block_received(p);
    if (st_rng_one_in(&worker->rng, 3))
        st_block_resize(worker, &block, block.size + st_rng_size(&worker->rng, 1, block.size));
    st_block_free(worker, &block);
}

static void give(struct st_worker *worker, struct st_block *block)
{
    void *p = st_mailbox_swap(&box, (unsigned)st_rng_next(&worker->rng), block->p);
    block->p = NULL;
    if (p != NULL) {
        *block = st_block_received(p);
        st_block_free(worker, block);
    }
}

static void comb(struct st_worker *worker)
{
    struct st_block *teeth = st_team_table(worker);
    unsigned         count = 4 + st_rng_below(&worker->rng, TEETH_MAX - 3);
    bool             large = !st_rng_one_in(&worker->rng, 3);
    size_t           size = large ? st_rng_size(&worker->rng, LARGE_LEAST, tooth_max)
                                  : st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, LARGE_LEAST);

    for (unsigned n = 0; n < count; n++)
        if (!st_block_alloc(worker, &teeth[n], size))
            teeth[n].p = NULL;
    for (unsigned n = 1; n < count; n += 2)
        if (teeth[n].p != NULL)
            give(worker, &teeth[n]);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned n = 0; n < count; n += 2) {
            size_t most = round % 2 == 0 ? 2 * size : size;
            if (teeth[n].p != NULL)
                st_block_resize(worker, &teeth[n],
                                st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, most));
            meet_stranger(worker);
        }
    }
    for (unsigned n = 0; n < count; n += 2)
        st_block_free(worker, &teeth[n]);
}

static void chain(struct st_worker *worker)
{
    struct st_block block;

    if (!st_block_alloc(worker, &block, ST_BLOCK_PASSABLE))
        return;
    for (unsigned n = 0; n < CHAIN_STEPS && block.p != NULL; n++) {
        void *p = st_mailbox_swap(&box, (unsigned)st_rng_next(&worker->rng), block.p);
        block.p = NULL;
        if (p == NULL)
            return;
        block = st_block_received(p);
        if (block.size > CHAIN_MAX)
            st_block_free(worker, &block);
        else
            st_block_resize(worker, &block, block.size + st_rng_size(&worker->rng, 1, block.size));
    }
    st_block_free(worker, &block);
}

static void body(struct st_worker *worker, void *shared)
{
    (void)shared;
    while (st_team_runs(worker)) {
        if (st_rng_one_in(&worker->rng, 2))
            comb(worker);
        else
            chain(worker);
    }
}

static void run_suite(const struct st_run *run)
{
    struct st_team team = { .run = run, .body = body };
    size_t         each = run->memory / run->threads;

    tooth_max = each / (4 * TEETH_MAX);
    tooth_max = tooth_max < 2 * LARGE_LEAST ? 2 * LARGE_LEAST : tooth_max;
    box.slots = SLOTS;
    st_team_run(&team, run->threads, run->amount);
    st_mailbox_empty(run, &box);
}

ST_SUITE(realloc) = {
    .name = "realloc",
    .hunts = "blocks that grow, shrink and move while strangers free their neighbours",
    .main = run_suite,
};
