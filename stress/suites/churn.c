/* churn.c: threads that come, allocate, leave blocks behind, and go.
 * 1 Hunts       An idle cache that two threads claim; blocks freed to an owner who just died; a
 *               cache taken over while somebody still pushes to it; a flush at thread exit that
 *               forgets a store; allocation inside of thread-exit destructors, after the cache was
 *               given up once already.
 * 2 Pressure    Every worker starts children by the handful; a child swaps blocks with the whole
 *               team, so that most are freed by others and after their owner's death; every other
 *               child leaves a block to a destructor, which frees it and allocates anew (where
 *               threads have any). In an image children run on CPUs that come for them and go.
 * 3 Must catch  adopt_unclaimed, adopted_span_listed; under ThreadSanitizer claim_drop_relaxed */
#include "stress/suites/suite.h"

#define SLOTS            2048u
#define CHILDREN_AT_ONCE 3u /* of one worker */
#define CHILD_BLOCKS_MAX 200u
#define SIZE_MAX_CHURN   ((size_t)4096)

static struct st_mailbox box;

struct child {
    struct st_thread  thread;
    struct st_worker *parent;
    uint64_t          seed;
    unsigned          id;
    struct st_block   last; /* the child, then its destructor */
};

static struct child all_children[ST_TEAM_MAX][CHILDREN_AT_ONCE]; /* their parent */

static void swap_one(struct st_worker *worker, size_t size)
{
    struct st_block block;

    if (!st_block_alloc(worker, &block, size))
        return;
    void *p = st_mailbox_swap(&box, (unsigned)st_rng_next(&worker->rng), block.p);
    if (p == NULL)
        return;
    block = st_block_received(p);
    st_block_free(worker, &block);
}

/* Runs while the thread exits. */
static void at_exit(void *argument)
{
    struct child     *child = argument;
    struct st_worker *worker = st_worker_enter(child->id, child->parent->target, child->seed + 1);
    struct st_block   block;

    st_block_free(worker, &child->last);
    if (st_block_alloc(worker, &block, st_rng_size(&worker->rng, 1, SIZE_MAX_CHURN)))
        st_block_free(worker, &block);
    swap_one(worker, st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, SIZE_MAX_CHURN));
    st_worker_leave(worker);
}

static void child_main(void *argument)
{
    struct child     *child = argument;
    struct st_worker *worker = st_worker_enter(child->id, child->parent->target, child->seed);
    unsigned          count = st_rng_below(&worker->rng, CHILD_BLOCKS_MAX);
    size_t            size = st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, SIZE_MAX_CHURN);

    st_count_add(&worker->counts.threads, 1);
    worker->team = child->parent->team;
    for (unsigned n = 0; n < count; n++) {
        if (st_rng_one_in(&worker->rng, 16))
            size = st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, SIZE_MAX_CHURN);
        swap_one(worker, size);
    }
    if (st_rng_one_in(&worker->rng, 2) && st_block_alloc(worker, &child->last, size) &&
        !st_host_at_exit(at_exit, child))
        st_block_free(worker, &child->last);
    st_worker_leave(worker);
}

static void body(struct st_worker *worker, void *shared)
{
    struct child *children = all_children[worker->index];
    unsigned      most = ST_CHILDREN_MAX / worker->team->size;

    (void)shared;
    if (most > CHILDREN_AT_ONCE)
        most = CHILDREN_AT_ONCE;
    while (st_team_runs(worker)) {
        unsigned count = 1 + st_rng_below(&worker->rng, most);
        for (unsigned n = 0; n < count; n++) {
            children[n] = (struct child){ .parent = worker,
                                          .seed = st_rng_next(&worker->rng),
                                          .id = ST_TEAM_MAX + 1 + worker->index * most + n };
            children[n].thread =
                (struct st_thread){ .main = child_main, .argument = &children[n], .child = true };
            st_host_start(&children[n].thread);
        }
        for (unsigned n = 0; n < 32; n++)
            swap_one(worker, st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, SIZE_MAX_CHURN));
        for (unsigned n = 0; n < count; n++)
            st_host_join(&children[n].thread);
    }
}

static void run_suite(const struct st_run *run)
{
    struct st_team team = { .run = run, .body = body };

    box.slots = SLOTS;
    st_team_run(&team, run->threads, run->amount);
    st_mailbox_empty(run, &box);
}

ST_SUITE(churn) = {
    .name = "churn",
    .hunts = "threads that end: adoption, blocks freed after their owner's death, exit destructors",
    .children = true,
    .main = run_suite,
};
