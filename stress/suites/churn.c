/* churn.c: threads that come, allocate, leave blocks behind, and go.
 * 1 Hunts       An idle cache that two threads claim; blocks freed to an owner who just died; a
 *               cache taken over while somebody still pushes to it; a flush at thread exit that
 *               forgets a store; allocation inside of thread-exit destructors, after the cache was
 *               given up once already.
 * 2 Pressure    Every worker starts children by the handful; a child swaps blocks with the whole
 *               team, so that most are freed by others and after their owner's death; every other
 *               child leaves a block to a destructor, which frees it and allocates anew.
 * 3 Must catch  adopt_unclaimed; under ThreadSanitizer claim_drop_relaxed */
#include "stress/suites/suite.h"

#include "stress/lib/preempt.h"
#include "stress/lib/report.h"

#include <string.h>

#define SLOTS            2048u
#define CHILDREN_AT_ONCE 3u /* of one worker */
#define CHILD_BLOCKS_MAX 200u
#define SIZE_MAX_CHURN   ((size_t)4096)

static struct st_mailbox box;
static pthread_key_t     exit_key; /* constant while the suite runs */

struct child {
    pthread_t         thread;
    struct st_worker *parent;
    uint64_t          seed;
    unsigned          id;
    struct st_block   last; /* the child, then its destructor */
};

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

/* Runs while the thread exits, before or after the heap's own destructor: the order is the
 * system's. */
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

static void *child_main(void *argument)
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
    if (st_rng_one_in(&worker->rng, 2) && st_block_alloc(worker, &child->last, size))
        pthread_setspecific(exit_key, child);
    st_worker_leave(worker);
    return NULL;
}

static void body(struct st_worker *worker, void *shared)
{
    struct child children[CHILDREN_AT_ONCE];
    unsigned     most = ST_CHILDREN_MAX / worker->team->size;

    (void)shared;
    if (most > CHILDREN_AT_ONCE)
        most = CHILDREN_AT_ONCE;
    while (st_team_runs(worker)) {
        unsigned count = 1 + st_rng_below(&worker->rng, most);
        memset(children, 0, sizeof(children));
        st_preempt_pause();
        for (unsigned n = 0; n < count; n++) {
            children[n].parent = worker;
            children[n].seed = st_rng_next(&worker->rng);
            children[n].id = ST_TEAM_MAX + 1 + worker->index * most + n;
            int error = pthread_create(&children[n].thread, NULL, child_main, &children[n]);
            if (error != 0)
                st_fail("setup", "  pthread_create: %s", strerror(error));
        }
        st_preempt_resume();
        for (unsigned n = 0; n < 32; n++)
            swap_one(worker, st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, SIZE_MAX_CHURN));
        st_preempt_pause();
        for (unsigned n = 0; n < count; n++)
            pthread_join(children[n].thread, NULL);
        st_preempt_resume();
    }
}

static void run_suite(const struct st_run *run)
{
    struct st_team team = { .run = run, .body = body };

    box.slots = SLOTS;
    if (pthread_key_create(&exit_key, at_exit) != 0)
        st_fail("setup", "  pthread_key_create");
    st_team_run(&team, run->threads, run->seconds);
    st_suite_empty_mailbox(run, &box);
    pthread_key_delete(exit_key);
}

const struct st_suite st_suite_churn = {
    .name = "churn",
    .hunts = "threads that end: adoption, blocks freed after their owner's death, exit destructors",
    .main = run_suite,
};
