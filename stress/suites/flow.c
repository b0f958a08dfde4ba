/* flow.c: givers and takers for the whole time, and an eye on the memory.
 * 1 Hunts       Blocks that flow one way and pile up somewhere on their way home; caches that grow
 *               without bound; memory that stays with the process after the load is gone.
 * 2 Pressure    Half of the workers allocate, the other half free, in pairs of changing speed; a
 *               bounded number of blocks is under way. Workers come anew for each of several
 *               stretches, so that idle caches take part.
 * 3 Promises    The most that the heap holds in the second half of the time is at most 1.5 times
 *               the most of the first, the bytes that may be under way at once, and 2 MiB. Where
 *               it is more, caches may still have been filling, on a busy host: the run goes on for
 *               as long again as it took so far, twice at most. What piles up doubles each time.
 *               When the load ends, with some blocks still alive, and the decay time passes, the
 *               heap keeps at most 1.3 times the live bytes and 4 MiB that are not given back to
 *               the system; nobody asks it to trim, but a kernel's CPUs without work, which do so
 *               before they sleep, and keep nothing then.
 * 4 Must catch  idle_kept
 * 5 Counted     By the heap's own statistics, mapped less free pages given back, so that the
 *               oracle's shadow does not count.
 * 6 Skipped     on targets without heap instances. */
#include "stress/suites/suite.h"

#include "stress/lib/report.h"
#include "stress/lib/run.h"
#include "stress/lib/target.h"

#include <talus/heap.h>

#define SLOTS          256u
#define FULL_SLOTS_MAX 4u /* a giver who finds so many lets the takers run */
#define STRETCHES      8u
#define DOUBLINGS      3u
#define SIZE_MAX_FLOW  ((size_t)2048)
#define DECAY_MS       100u
#define MEANWHILE      (64 * SIZE_MAX_FLOW) /* that workers left to handlers (handlers.c) */
#define QUIET_MS_MAX   2000u                /* the decay itself takes two or three times DECAY_MS */
#define MIB            ((size_t)1 << 20)

static struct st_mailbox boxes[ST_TEAM_MAX / 2];

struct flow {
    talus_heap      *heap;
    struct st_target target;
    _Atomic size_t   peak; /* of the present stretches; raised by worker 1 alone */
};

/* Bytes that the heap keeps from the system. */
static size_t kept(talus_heap *heap)
{
    talus_heap_stats_t stats;
    talus_heap_stats(heap, &stats);
    return stats.mapped - (stats.free_pages - stats.dirty_pages);
}

static void give(struct st_worker *worker, struct st_mailbox *box)
{
    size_t   size = st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, SIZE_MAX_FLOW);
    unsigned start = (unsigned)st_rng_next(&worker->rng), full = 0;

    for (unsigned n = 0; n < 64 && full < FULL_SLOTS_MAX; n++) {
        struct st_block block;
        if (!st_block_alloc(worker, &block, size))
            continue;
        if (!st_mailbox_try_give(box, start + n, block.p)) {
            full++;
            st_block_free(worker, &block);
        }
    }
    if (full == FULL_SLOTS_MAX)
        st_host_yield();
}

static void take(struct st_worker *worker, struct st_mailbox *box)
{
    unsigned start = (unsigned)st_rng_next(&worker->rng), taken = 0;

    for (unsigned n = 0; n < 128; n++) {
        void *p = st_mailbox_take(box, start + n);
        if (p == NULL)
            continue;
        struct st_block block = st_block_received(p);
        st_block_free(worker, &block);
        taken++;
    }
    if (taken == 0)
        st_host_yield();
}

static void body(struct st_worker *worker, void *shared)
{
    struct flow       *flow = shared;
    struct st_mailbox *box = &boxes[worker->index / 2];

    worker->target = &flow->target;
    for (unsigned n = 0; st_team_runs(worker); n++) {
        if (worker->index % 2 == 0)
            give(worker, box);
        else
            take(worker, box);
        if (worker->index == 0 && n % 16 == 0) {
            size_t now = kept(flow->heap);
            if (now > atomic_load_explicit(&flow->peak, memory_order_relaxed))
                atomic_store_explicit(&flow->peak, now, memory_order_relaxed);
        }
    }
}

static void open_flow(struct flow *flow)
{
    talus_heap_options options = { .name = "flow", .decay_ms = DECAY_MS };

    flow->heap = talus_heap_create(&options);
    if (flow->heap == NULL)
        st_fail("setup", "  talus_heap_create failed");
    flow->target = st_target_heap;
    flow->target.context = flow->heap;
}

static size_t live_bytes(void)
{
    size_t bytes = 0;
    for (unsigned b = 0; b < ST_TEAM_MAX / 2; b++)
        for (unsigned slot = 0; slot < SLOTS; slot++) {
            void *p = atomic_load_explicit(&boxes[b].slot[slot], memory_order_acquire);
            if (p != NULL)
                bytes += st_block_received(p).size;
        }
    return bytes;
}

static size_t allocated(talus_heap *heap)
{
    talus_heap_stats_t stats;
    talus_heap_stats(heap, &stats);
    return stats.allocated;
}

/* Nothing is left to be taken from CPUs that trimmed, but what handlers free meanwhile. */
static void check_idle(talus_heap *heap)
{
    st_host_idle(heap);
    size_t before = allocated(heap);
    st_host_flush();
    st_host_idle(heap);
    size_t after = allocated(heap);
    if (before > after + MEANWHILE)
        st_fail("memory", "  CPUs without work kept %zu bytes", before - after);
}

/* A quiet program: a little work now and then, of one thread. */
static void check_quiet(struct flow *flow, const struct st_run *run)
{
    check_idle(flow->heap);
    struct st_worker *worker = st_worker_enter(ST_WORKER_MAIN, &flow->target, run->seed);
    size_t            live = live_bytes(), most = live + live * 3 / 10 + 4 * MIB, now = 0;

    for (unsigned ms = 0; (now = kept(flow->heap)) > most && ms < QUIET_MS_MAX; ms++) {
        struct st_block block;
        for (unsigned n = 0; n < 512; n++)
            if (st_block_alloc(worker, &block, st_rng_size(&worker->rng, 1, SIZE_MAX_FLOW)))
                st_block_free(worker, &block);
        st_host_sleep();
    }
    st_worker_leave(worker);
    if (now > most)
        st_fail("memory",
                "  %zu bytes are alive, and %u ms after the load ended the heap still keeps %zu",
                live, QUIET_MS_MAX, now);
}

/* The most that the heap held during so many stretches. */
static size_t run_stretches(struct flow *flow, const struct st_run *run, unsigned threads,
                            unsigned stretches)
{
    struct st_team team = { .run = run, .body = body, .shared = flow };
    size_t         most = 0;

    atomic_store_explicit(&flow->peak, 0, memory_order_relaxed);
    for (unsigned n = 0; n < stretches; n++) {
        st_team_run(&team, threads, run->amount / STRETCHES);
        size_t now = kept(flow->heap); /* worker 1 may have been kept from looking */
        most = now > most ? now : most;
    }
    size_t peak = atomic_load_explicit(&flow->peak, memory_order_relaxed);
    return peak > most ? peak : most;
}

static void check_piles(struct flow *flow, const struct st_run *run, unsigned threads)
{
    unsigned stretches = STRETCHES / 2;
    size_t   before, after = run_stretches(flow, run, threads, stretches);

    for (unsigned time = 0; time < DOUBLINGS; time++, stretches *= 2) {
        before = after;
        after = run_stretches(flow, run, threads, stretches);
        if (after <= before + before / 2 + threads / 2 * SLOTS * SIZE_MAX_FLOW + 2 * MIB)
            return;
        st_say("  the heap kept at most %zu bytes during %u stretches and %zu during as many "
               "behind them",
               before, stretches, after);
    }
    st_fail("memory", "  it does so however long it runs");
}

static void run_suite(const struct st_run *run)
{
    struct flow flow = { .heap = NULL };
    unsigned    threads = run->threads < 2 ? 2 : run->threads & ~1u;

    open_flow(&flow);
    for (unsigned b = 0; b < ST_TEAM_MAX / 2; b++)
        boxes[b].slots = SLOTS;
    check_piles(&flow, run, threads);
    check_quiet(&flow, run);
    for (unsigned b = 0; b < ST_TEAM_MAX / 2; b++)
        st_mailbox_empty(&(struct st_run){ .target = &flow.target, .seed = run->seed }, &boxes[b]);
    st_check_lost(&flow.target, 0);
    if (!talus_heap_destroy(flow.heap))
        st_fail("destroy", "  talus_heap_destroy failed");
}

ST_SUITE(flow) = {
    .name = "flow",
    .hunts = "memory that piles up between givers and takers, or stays after the load ended",
    .needs_instances = true,
    .main = run_suite,
};
