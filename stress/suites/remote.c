/* remote.c: blocks freed by another thread than the one that allocated them, in the four ways in
 * which programs do it.
 * 1 Hunts       A push into an inbox that loses the blocks of another push; a drain that overlooks
 *               a push; a foreign block that lands on its span's own list; a batch given to an
 *               owner who no longer is; memory handed back without the order that makes its
 *               contents the receiver's.
 * 2 Parts       random: everybody swaps blocks with everybody; one way: pairs of a giver and a
 *               taker; many to one; one to many. The hand-over makes no order from taker to giver
 *               (mailbox.h), so that it must come from the heap.
 * 3 Pressure    Few sizes, in bursts, so that batches form, bounds are reached and owners run dry.
 * 4 Must catch  inbox_push_lost, inbox_drain_split, drain_tail_lost (by the account of lost
 *               blocks at the end), remote_as_own; under ThreadSanitizer inbox_push_relaxed,
 *               inbox_drain_relaxed */
#include "stress/suites/suite.h"

#define SIZE_MAX_REMOTE ((size_t)2048)
#define FULL_SLOTS_MAX  4u /* a giver who finds so many lets the takers run */
#define BURST           48u

/* One box for each pair in "one way", else the first for all. */
static struct st_mailbox boxes[ST_TEAM_MAX / 2];

static void free_received(struct st_worker *worker, void *p)
{
    if (p == NULL)
        return;
    struct st_block block = st_block_received(p);
    st_block_free(worker, &block);
}

static void random_owners(struct st_worker *worker, void *shared)
{
    (void)shared;
    while (st_team_runs(worker)) {
        size_t   size = st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, SIZE_MAX_REMOTE);
        unsigned start = (unsigned)st_rng_next(&worker->rng);
        for (unsigned n = 0; n < BURST; n++) {
            struct st_block block;
            if (st_block_alloc(worker, &block, size))
                free_received(worker, st_mailbox_swap(&boxes[0], start + n * 7, block.p));
        }
    }
}

static void give(struct st_worker *worker, struct st_mailbox *box)
{
    size_t   size = st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, SIZE_MAX_REMOTE);
    unsigned start = (unsigned)st_rng_next(&worker->rng), full = 0;

    for (unsigned n = 0; n < BURST && full < FULL_SLOTS_MAX; n++) {
        struct st_block block;
        if (!st_block_alloc(worker, &block, size))
            continue;
        if (!st_mailbox_try_give(box, start + n, block.p)) {
            full++;
            st_block_free(worker, &block);
        }
    }
    if (full == FULL_SLOTS_MAX)
        st_host_yield(); /* full: let the takers run */
}

static void take(struct st_worker *worker, struct st_mailbox *box)
{
    unsigned start = (unsigned)st_rng_next(&worker->rng), taken = 0;

    for (unsigned n = 0; n < 2 * BURST; n++) {
        void *p = st_mailbox_take(box, start + n);
        taken += p != NULL;
        free_received(worker, p);
    }
    /* A taker allocates, too, now and then: foreign blocks are free blocks first. */
    if (st_rng_one_in(&worker->rng, 8)) {
        struct st_block block;
        if (st_block_alloc(worker, &block, st_rng_size(&worker->rng, 1, SIZE_MAX_REMOTE)))
            st_block_free(worker, &block);
    }
    if (taken == 0)
        st_host_yield();
}

static void one_way(struct st_worker *worker, void *shared)
{
    struct st_mailbox *box = &boxes[worker->index / 2];

    (void)shared;
    while (st_team_runs(worker)) {
        if (worker->index % 2 == 0)
            give(worker, box);
        else
            take(worker, box);
    }
}

static void many_to_one(struct st_worker *worker, void *shared)
{
    (void)shared;
    while (st_team_runs(worker)) {
        if (worker->index != 0)
            give(worker, &boxes[0]);
        else
            take(worker, &boxes[0]);
    }
}

static void one_to_many(struct st_worker *worker, void *shared)
{
    (void)shared;
    while (st_team_runs(worker)) {
        if (worker->index == 0)
            give(worker, &boxes[0]);
        else
            take(worker, &boxes[0]);
    }
}

static void run_suite(const struct st_run *run)
{
    static const struct {
        const char *name;
        void (*body)(struct st_worker *worker, void *shared);
        unsigned slots;
    } parts[] = {
        { "random owners", random_owners, 1024 },
        { "one way", one_way, 512 },
        { "many to one", many_to_one, 1024 },
        { "one to many", one_to_many, 1024 },
    };
    const unsigned count = sizeof(parts) / sizeof(parts[0]);
    unsigned       threads = run->threads < 2 ? 2 : run->threads & ~1u;

    for (unsigned part = 0; part < count; part++) {
        struct st_team team = { .run = run, .part = parts[part].name, .body = parts[part].body };
        for (unsigned b = 0; b < ST_TEAM_MAX / 2; b++)
            boxes[b].slots = parts[part].slots;
        st_team_run(&team, threads, run->amount / count);
        for (unsigned b = 0; b < ST_TEAM_MAX / 2; b++)
            st_mailbox_empty(run, &boxes[b]);
    }
}

ST_SUITE(remote) = {
    .name = "remote",
    .hunts = "blocks freed by strangers: random owners, one way, N to 1, 1 to N",
    .main = run_suite,
};
