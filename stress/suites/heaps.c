/* heaps.c: heaps that are made, shared, and destroyed while blocks of them are still on their way
 * home.
 * 1 Hunts       A thread that takes the next heap for the one that ended where it was; a cache
 *               that a dead heap left and a living thread still uses; blocks in outgoing batches,
 *               inboxes and idle caches that outlive their heap; descriptors that two heaps use;
 *               pages that a destroyed heap forgets; a thread that ends while its heap does.
 * 2 Order       The user owes the heap that no call on it runs when it is destroyed. So each has a
 *               count of users: a worker who finds it closed goes away, and who closes it waits for
 *               the rest. Nothing else is ordered: frees of strangers come up to the last moment,
 *               some blocks are never freed, and threads that used the heap end before, meanwhile
 *               and after.
 * 3 Pressure    A few heaps for all workers, each destroyed after some hundred operations, and at
 *               once followed by the next, whose structures are those of the last. Short threads
 *               come by and end.
 * 4 Must catch  heap_id_reused
 * 5 Skipped     on targets without heap instances. */
#include "stress/suites/suite.h"

#include "stress/lib/error.h"
#include "stress/lib/oracle.h"
#include "stress/lib/provider.h"
#include "stress/lib/report.h"
#include "stress/lib/target.h"

#define HEAPS        4u
#define SLOTS_EACH   64u
#define CLOSED       (UINT32_C(1) << 31)
#define BURST        24u
#define CLOSE_ONE_IN 8u /* visits */
#define CHILD_ONE_IN 8u /* turns of a worker */
#define SIZE_MAX_ANY ((size_t)2048)
#define LARGE_ONE_IN 64u

/* Of heap n: slots [n * SLOTS_EACH, (n + 1) * SLOTS_EACH). */
static struct st_mailbox box;

static struct shared {
    _Atomic uint32_t   users; /* atomic: threads inside; CLOSED: nobody may enter */
    struct st_provider provider;
    struct st_target   target; /* these two: whoever is inside reads, whoever closed it writes */
    talus_heap        *heap;
    size_t             large_max; /* constant while the suite runs */
} heaps[HEAPS];

static _Atomic size_t made; /* atomic: heaps, in all */

struct child {
    struct st_thread  thread;
    struct st_worker *parent;
    uint64_t          seed;
    bool              runs; /* the parent */
};

static struct child children[ST_TEAM_MAX]; /* their parent */

static void make(struct shared *shared)
{
    talus_heap_options options = { .name = "shared", .provider = &shared->provider.calls };

    st_provider_start(&shared->provider, 0, 0);
    shared->heap = talus_heap_create(&options);
    if (shared->heap == NULL)
        st_fail("setup", "  talus_heap_create: error %d", st_error_get());
    shared->target = st_target_heap;
    shared->target.context = shared->heap;
    atomic_fetch_add_explicit(&made, 1, memory_order_relaxed);
}

/* What is still alive goes with the heap; some of it is freed in the last moment. */
static void destroy(struct st_worker *worker, struct shared *shared)
{
    unsigned first = (unsigned)(shared - heaps) * SLOTS_EACH;

    worker->target = &shared->target;
    for (unsigned n = 0; n < SLOTS_EACH; n++) {
        void *p = st_mailbox_take(&box, first + n);
        if (p == NULL)
            continue;
        struct st_block block = st_block_received(p);
        if (st_rng_one_in(&worker->rng, 2))
            st_block_free(worker, &block);
        else {
            st_trace(worker, ST_LEFT, p, block.size);
            st_block_disown(&block);
        }
    }
    atomic_store_explicit(&worker->inside, true, memory_order_relaxed);
    if (!talus_heap_destroy(shared->heap))
        st_fail("destroy", "  talus_heap_destroy: error %d", st_error_get());
    atomic_store_explicit(&worker->inside, false, memory_order_relaxed);
    st_provider_check_empty(&shared->provider);
}

static bool enter(struct shared *shared)
{
    /* acquire: whoever made the heap comes first */
    if ((atomic_fetch_add_explicit(&shared->users, 1, memory_order_acquire) & CLOSED) == 0)
        return true;
    atomic_fetch_sub_explicit(&shared->users, 1, memory_order_relaxed);
    return false;
}

static void leave(struct shared *shared)
{
    /* release: what was done in the heap comes before its end */
    atomic_fetch_sub_explicit(&shared->users, 1, memory_order_release);
}

/* The caller is not inside. */
static void replace(struct st_worker *worker, struct shared *shared)
{
    if ((atomic_fetch_or_explicit(&shared->users, CLOSED, memory_order_relaxed) & CLOSED) != 0)
        return;
    /* acquire: pairs with leave */
    while (atomic_load_explicit(&shared->users, memory_order_acquire) != CLOSED)
        st_host_yield();
    destroy(worker, shared);
    make(shared);
    /* release: pairs with enter; some may be on their way out again */
    atomic_fetch_and_explicit(&shared->users, ~CLOSED, memory_order_release);
}

static void use(struct st_worker *worker, struct shared *shared)
{
    unsigned first = (unsigned)(shared - heaps) * SLOTS_EACH;

    worker->target = &shared->target;
    for (unsigned n = 0; n < BURST; n++) {
        bool            large = st_rng_one_in(&worker->rng, LARGE_ONE_IN);
        size_t          most = large ? shared->large_max : SIZE_MAX_ANY;
        struct st_block block;
        if (!st_block_alloc(worker, &block, st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, most)))
            continue;
        void *p = st_mailbox_swap(&box, first + st_rng_below(&worker->rng, SLOTS_EACH), block.p);
        if (p == NULL)
            continue;
        block = st_block_received(p);
        st_block_free(worker, &block);
    }
}

static void visit(struct st_worker *worker)
{
    struct shared *shared = &heaps[st_rng_below(&worker->rng, HEAPS)];

    if (enter(shared)) {
        use(worker, shared);
        leave(shared);
    }
}

static void child_main(void *argument)
{
    struct child        *child = argument;
    unsigned             id = ST_TEAM_MAX + 1 + child->parent->index;
    struct st_run const *run = child->parent->team->run;
    struct st_worker    *worker = st_worker_enter(id, run->target, child->seed);

    st_count_add(&worker->counts.threads, 1);
    worker->team = child->parent->team;
    worker->frees_all = true;
    for (unsigned n = st_rng_below(&worker->rng, 4); n > 0; n--)
        visit(worker);
    st_worker_leave(worker);
}

/* Starts one, or waits for the one before. */
static void turn_child(struct st_worker *worker, struct child *child)
{
    if (child->runs) {
        st_host_join(&child->thread);
        child->runs = false;
        return;
    }
    *child = (struct child){ .parent = worker, .seed = st_rng_next(&worker->rng), .runs = true };
    child->thread = (struct st_thread){ .main = child_main, .argument = child, .child = true };
    st_host_start(&child->thread);
}

static void body(struct st_worker *worker, void *shared)
{
    struct child *child = &children[worker->index];

    (void)shared;
    child->runs = false;
    while (st_team_runs(worker)) {
        struct st_block block;
        worker->frees_all = true; /* a handler would not know of a heap's end */
        visit(worker);
        if (st_rng_one_in(&worker->rng, CLOSE_ONE_IN))
            replace(worker, &heaps[st_rng_below(&worker->rng, HEAPS)]);
        worker->frees_all = false;
        worker->target = worker->team->run->target;
        if (st_block_alloc(worker, &block, st_rng_size(&worker->rng, 16, SIZE_MAX_ANY)))
            st_block_free(worker, &block);
        if (worker->index < ST_CHILDREN_MAX && st_rng_one_in(&worker->rng, CHILD_ONE_IN))
            turn_child(worker, child);
    }
    if (child->runs)
        st_host_join(&child->thread);
}

static void run_suite(const struct st_run *run)
{
    struct st_team    team = { .run = run, .body = body };
    struct st_worker *worker;

    box.slots = HEAPS * SLOTS_EACH;
    atomic_store_explicit(&made, 0, memory_order_relaxed);
    for (unsigned n = 0; n < HEAPS; n++) {
        size_t most = run->memory / HEAPS / SLOTS_EACH / 4;
        heaps[n].large_max = most < 200000 ? most : 200000;
        make(&heaps[n]);
        atomic_store_explicit(&heaps[n].users, 0, memory_order_relaxed);
    }
    st_team_run(&team, run->threads, run->amount);
    st_host_flush();
    worker = st_worker_enter(ST_WORKER_MAIN, run->target, run->seed);
    for (unsigned n = 0; n < HEAPS; n++)
        destroy(worker, &heaps[n]);
    st_worker_leave(worker);
    st_say("  %zu heaps came and went", atomic_load_explicit(&made, memory_order_relaxed));
    if (atomic_load_explicit(&made, memory_order_relaxed) == HEAPS)
        st_fail("pressure", "  no heap was replaced while others were used");
}

ST_SUITE(heaps) = {
    .name = "heaps",
    .hunts = "heaps made and destroyed under late frees, and what the next heap takes over",
    .needs_instances = true,
    .children = true,
    .main = run_suite,
};
