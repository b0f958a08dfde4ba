/* fork.c: threads that fork while others allocate.
 * 1 Hunts       A child that finds the heap in the midst of a change, or behind a lock that nobody
 *               holds any more; a child that hands out what its parent's other threads had in hand;
 *               blocks of these threads that a child cannot free; a parent that goes on with what
 *               the fork left half done.
 * 2 Pressure    Every worker allocates, frees and swaps blocks of all sizes; every other one forks
 *               now and then, so that several do at once, cut anywhere within. Each child frees
 *               what its thread held and all that lay in the mailbox, allocates, resizes, forks
 *               again, and ends with a verdict.
 *               Some blocks are large, so that forks meet others at work on the page pool.
 * 3 Promises    A child passes or says what it found, which is the suite's failure. One that slept
 *               for most of some seconds is stuck: one that a busy machine keeps waiting is ready
 *               to run, which the system counts (schedstat). What was in the
 *               hands of other threads at the fork is lost to the child, untouched: the oracle's
 *               shadow, which is the child's own from then on, still has it as theirs.
 *               What the child's pool counts is what it has: behind a trim nothing is dirty.
 * 4 Must catch  fork_pool_held, fork_pool_unwaited
 * 5 Children    have one thread, no timers and no handlers: those stay with the parent. */
#include "stress/suites/suite.h"

#include "stress/hosted/report.h"
#include "stress/hosted/stuck.h"
#include "stress/lib/target.h"

#include <talus/heap.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TABLE_BLOCKS  128u
#define SLOTS         256u
#define SMALL_MAX     ((size_t)2048)
#define LARGE_MAX     ((size_t)300000)
#define LARGE_ONE_IN  8u
#define FORKERS_EACH  2u /* workers, of which one forks */
#define FORK_ONE_IN   4u /* turns */
#define DEPTH         2u /* children of children */
#define CHILD_BLOCKS  96u
#define STUCK_LOOK_MS 3000u

static struct st_mailbox box;
static _Atomic size_t    forks; /* atomic */

static size_t any_size(struct st_worker *worker)
{
    bool large = st_rng_one_in(&worker->rng, LARGE_ONE_IN);
    return st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, large ? LARGE_MAX : SMALL_MAX);
}

static void step(struct st_worker *worker, struct st_block *block)
{
    if (block->p == NULL) {
        st_block_alloc(worker, block, any_size(worker));
    } else if (st_rng_one_in(&worker->rng, 3)) {
        void *p = st_mailbox_swap(&box, (unsigned)st_rng_next(&worker->rng), block->p);
        block->p = NULL;
        if (p != NULL)
            *block = st_block_received(p);
    } else if (st_rng_one_in(&worker->rng, 8)) {
        st_block_resize(worker, block, any_size(worker));
    } else {
        st_block_free(worker, block);
    }
}

static void look_after_yourself(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    st_stuck_begin(STUCK_LOOK_MS);
}

/* A pool that was copied amid a change counts what is on no list, or the other way round. */
static void check_pool(const struct st_target *target)
{
    talus_heap        *heap = target->context != NULL ? target->context : talus_heap_default();
    talus_heap_stats_t stats;

    talus_heap_trim(heap);
    talus_heap_stats(heap, &stats);
    if (stats.dirty_pages != 0 || stats.free_pages > stats.mapped)
        st_fail("books", "  a forked child's heap counts %zu free bytes, %zu of them dirty, of %zu",
                stats.free_pages, stats.dirty_pages, stats.mapped);
}

static void fork_here(struct st_worker *worker, struct st_block *table, unsigned depth);

/* What a child does with what it has from its parent. */
static _Noreturn void be_child(struct st_worker *worker, struct st_block *table, unsigned depth)
{
    look_after_yourself();
    worker->frees_all = true;
    worker->rng.state = st_mix(worker->rng.state + depth);
    for (unsigned n = 0; n < TABLE_BLOCKS; n += 1 + depth) /* the rest is its children's */
        st_block_free(worker, &table[n]);
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        void *p = st_mailbox_take(&box, slot);
        if (p == NULL)
            continue;
        struct st_block block = st_block_received(p);
        if (st_rng_one_in(&worker->rng, 4))
            st_block_resize(worker, &block, any_size(worker));
        st_block_free(worker, &block);
    }
    for (unsigned n = 0; n < CHILD_BLOCKS; n++)
        step(worker, &table[st_rng_below(&worker->rng, TABLE_BLOCKS)]);
    st_stuck_excuse(true); /* its own child looks after itself */
    if (depth > 1)
        fork_here(worker, table, depth - 1);
    st_stuck_excuse(false);
    for (unsigned n = 0; n < TABLE_BLOCKS; n++)
        st_block_free(worker, &table[n]);
    if (worker->target->instances && getenv("TALUS_OPTIONS") == NULL) /* none may keep pages */
        check_pool(worker->target);
    _exit(ST_PASSED);
}

static void fork_here(struct st_worker *worker, struct st_block *table, unsigned depth)
{
    int   status;
    pid_t child = fork();

    if (child == 0)
        be_child(worker, table, depth);
    if (child < 0)
        st_fail("setup", "  fork: %s", strerror(errno));
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            st_fail("setup", "  waitpid: %s", strerror(errno));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != ST_PASSED)
        st_fail("fork", "  a forked child ended with status %d, signal %d",
                WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void body(struct st_worker *worker, void *shared)
{
    struct st_block *table = st_team_table(worker);

    (void)shared;
    while (st_team_runs(worker)) {
        for (unsigned n = 0; n < 64; n++)
            step(worker, &table[st_rng_below(&worker->rng, TABLE_BLOCKS)]);
        if (worker->index % FORKERS_EACH == 0 && st_rng_one_in(&worker->rng, FORK_ONE_IN))
            fork_here(worker, table, DEPTH);
    }
    for (unsigned n = 0; n < TABLE_BLOCKS; n++)
        st_block_free(worker, &table[n]);
}

static void run_suite(const struct st_run *run)
{
    struct st_team team = { .run = run, .body = body };

    atomic_store_explicit(&forks, 0, memory_order_relaxed);
    box.slots = SLOTS;
    st_team_run(&team, run->threads < 2 ? 2 : run->threads, run->amount);
    st_mailbox_empty(run, &box);
    size_t count = atomic_load_explicit(&forks, memory_order_relaxed);
    st_say("  %zu forks, and as many of their children", count);
    if (count == 0)
        st_fail("pressure", "  nobody forked while others allocated");
}

ST_SUITE(fork) = {
    .name = "fork",
    .hunts = "threads that fork while others allocate; children that free, allocate and fork again",
    .main = run_suite,
};
