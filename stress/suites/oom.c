/* oom.c: heaps with a small limit and a provider that fails now and then, driven into the wall by
 * all workers at once.
 * 1 Hunts       A request refused halfway that keeps pages, quota or a lock; a limit overrun by two
 *               growths at once; a heap that stays refused after memory came back; pages that a
 *               destroyed heap forgets.
 * 2 Pressure    Rounds. In each a fresh heap with a limit of 1 to 16 MiB (or of the
 *               memory that there is), in every other round a
 *               provider that fails one call in four. Workers allocate until they are refused, free
 *               a part, and so on; one block in four changes hands.
 * 3 Promises    NULL comes with ENOMEM (block.c); the provider never gave more than the limit; when
 *               all is freed the heap serves a small block at once, and half the limit in one block
 *               after a trim; allocated is 0; destroy returns all pages;
 *               threads that used the heap may exit after it is gone; what the heap counts as
 *               mapped is what the provider gave.
 * 4 Must catch  growth_quota_kept
 * 5 Skipped     on targets without heap instances. */
#include "stress/suites/suite.h"

#include "stress/lib/error.h"
#include "stress/lib/provider.h"
#include "stress/lib/report.h"
#include "stress/lib/target.h"

#define SLOTS           64u
#define ROUND_MS        250u /* of a run that is timed; else a sixth */
#define LIMIT_MAX       ((size_t)16 << 20)
#define FAIL_ONE_IN     4u
#define LATE_THREADS    2u
#define REFUSALS_IN_ROW 32u

static struct st_mailbox box;

struct round {
    struct st_provider provider;
    struct st_target   target; /* of the round's heap */
    talus_heap        *heap;
    size_t             limit;
    unsigned           blocks; /* that each worker holds */
};

static void fill_up(struct st_worker *worker, struct st_block *table, const struct round *round)
{
    unsigned refused = 0;

    for (unsigned n = 0; n < round->blocks && refused < REFUSALS_IN_ROW; n++) {
        size_t most = st_rng_one_in(&worker->rng, 32) ? round->limit / 4 : 2048;
        size_t size = st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, most);
        bool   got = true;
        if (table[n].p == NULL)
            got = st_rng_one_in(&worker->rng, 4) ? st_block_zalloc(worker, &table[n], size)
                                                 : st_block_alloc(worker, &table[n], size);
        else if (st_rng_one_in(&worker->rng, 8))
            got = st_block_resize(worker, &table[n], size);
        refused += !got;
        if (table[n].p != NULL && st_rng_one_in(&worker->rng, 4)) {
            void *p = st_mailbox_swap(&box, (unsigned)st_rng_next(&worker->rng), table[n].p);
            table[n].p = NULL;
            if (p != NULL)
                table[n] = st_block_received(p);
        }
    }
}

static void body(struct st_worker *worker, void *shared)
{
    struct round    *round = shared;
    struct st_block *table = st_team_table(worker);

    worker->target = &round->target;
    while (st_team_runs(worker)) {
        fill_up(worker, table, round);
        unsigned keep_one_in =
            1 + st_rng_below(&worker->rng, 4); /* 1: keeps all, and runs into the wall again */
        for (unsigned n = 0; n < round->blocks; n++)
            if (!st_rng_one_in(&worker->rng, keep_one_in))
                st_block_free(worker, &table[n]);
    }
    for (unsigned n = 0; n < round->blocks; n++)
        st_block_free(worker, &table[n]);
}

static void round_open(struct round *round, const struct st_run *run, unsigned number)
{
    talus_heap_options options = { .name = "storm", .provider = &round->provider.calls };

    st_provider_start(&round->provider, run->seed + number, number % 2 == 1 ? FAIL_ONE_IN : 0);
    round->limit = (run->memory < LIMIT_MAX ? run->memory : LIMIT_MAX) >> (4 - 2 * (number % 3));
    options.limit = round->limit;
    for (unsigned tries = 0; tries < 64 && round->heap == NULL; tries++)
        round->heap = talus_heap_create(&options); /* a faulty provider may refuse this, too */
    if (round->heap == NULL)
        st_fail("setup", "  talus_heap_create: error %d", st_error_get());
    round->target = st_target_heap;
    round->target.context = round->heap;
}

static void check_limit(const struct round *round)
{
    size_t peak = atomic_load_explicit(&round->provider.peak, memory_order_relaxed);
    if (peak > round->limit)
        st_fail("limit", "  a heap with a limit of %zu bytes held %zu bytes of its provider",
                round->limit, peak);
}

/* All workers are gone, all blocks are freed: the heap must be as good as new. */
static void check_recovery(struct round *round, const struct st_run *run)
{
    struct st_worker  *worker;
    struct st_block    block;
    talus_heap_stats_t stats;

    st_mailbox_empty(&(struct st_run){ .target = &round->target, .seed = run->seed }, &box);
    atomic_store_explicit(&round->provider.reliable, true, memory_order_relaxed);
    st_host_flush(); /* what a kernel's other CPUs hold is theirs, not this one's */
    worker = st_worker_enter(ST_WORKER_MAIN, &round->target, run->seed);
    worker->may_fail = true;
    if (!st_block_alloc(worker, &block, 64))
        st_fail("recovery", "  everything was freed, but the heap refuses 64 bytes");
    st_block_free(worker, &block);
    st_host_flush();
    talus_heap_trim(round->heap);
    if (!st_block_alloc(worker, &block, round->limit / 2))
        st_fail(
            "recovery",
            "  everything was freed and trimmed, but the heap refuses half its limit, %zu bytes",
            round->limit / 2);
    st_block_free(worker, &block);
    st_worker_leave(worker);
    st_host_flush();
    talus_heap_trim(round->heap);
    talus_heap_stats(round->heap, &stats);
    size_t given = atomic_load_explicit(&round->provider.outstanding, memory_order_relaxed);
    if (stats.mapped != given)
        st_fail("quota", "  the heap counts %zu bytes as mapped, its provider gave %zu",
                stats.mapped, given);
    if (stats.allocated != 0)
        st_fail("lost", "  everything was freed and trimmed, but %zu bytes count as allocated",
                stats.allocated);
}

struct late {
    struct st_thread thread;
    struct round    *round;
    unsigned         id;
};

static struct late      late[LATE_THREADS];
static _Atomic uint32_t used, destroyed; /* atomic: who has come so far (st_team_wait) */

static void late_main(void *argument)
{
    struct late      *self = argument;
    struct st_worker *worker = st_worker_enter(self->id, &self->round->target, self->id);
    struct st_block   block;

    for (size_t size = 16; size <= 4096; size *= 2)
        if (st_block_alloc(worker, &block, size))
            st_block_free(worker, &block);
    st_team_wait(&used, LATE_THREADS + 1);
    st_team_wait(&destroyed, LATE_THREADS + 1);
    st_worker_leave(worker);
}

/* Destroys the heap while threads that used it still live; they exit afterwards. */
static void round_close(struct round *round)
{
    atomic_store_explicit(&used, 0, memory_order_relaxed);
    atomic_store_explicit(&destroyed, 0, memory_order_relaxed);
    for (unsigned n = 0; n < LATE_THREADS; n++) {
        late[n] = (struct late){ .round = round, .id = ST_TEAM_MAX + 1 + n };
        late[n].thread =
            (struct st_thread){ .main = late_main, .argument = &late[n], .child = true };
        st_host_start(&late[n].thread);
    }
    st_team_wait(&used, LATE_THREADS + 1);
    if (!talus_heap_destroy(round->heap))
        st_fail("destroy", "  talus_heap_destroy: error %d", st_error_get());
    st_provider_check_empty(&round->provider);
    st_team_wait(&destroyed, LATE_THREADS + 1);
    for (unsigned n = 0; n < LATE_THREADS; n++)
        st_host_join(&late[n].thread);
}

static void run_suite(const struct st_run *run)
{
    uint32_t each = run->timed ? ROUND_MS : run->amount / 6;
    unsigned number = 0;
    bool     goes_on = true;

    box.slots = SLOTS;
    for (uint32_t done = 0; done < run->amount && goes_on; done += each) {
        struct round   round = { .blocks =
                                   run->timed || ST_TABLE_BLOCKS < each ? ST_TABLE_BLOCKS : each };
        struct st_team team = { .run = run, .body = body, .shared = &round, .may_fail = true };
        round_open(&round, run, number++);
        goes_on = st_team_run(&team, run->threads, each);
        check_limit(&round);
        check_recovery(&round, run);
        check_limit(&round);
        round_close(&round);
    }
}

ST_SUITE(oom) = {
    .name = "oom",
    .hunts = "limits and failing providers: refused, recovered, destroyed with every page returned",
    .needs_instances = true,
    .main = run_suite,
};
