/* options.c: what can be changed about a heap while it runs, changed while it runs.
 * 1 Hunts       A limit that a growth under way does not see, or that is lost; quota that a refused
 *               growth keeps; a heap that stays refused after its limit was raised; trims,
 *               contractions and statistics that trip over each other or over a change.
 * 2 Pressure    One heap. Worker 1 raises and lowers its limit, takes it off, trims, contracts,
 *               shrinks, asks for statistics, and changes the misuse handler of the process. The
 *               others allocate until they are refused, and free.
 * 3 Promises    Once a limit is set, the provider is not asked for more than it allows; but for one
 *               growth, which may have been on its way. Statistics tell the limit that was set
 *               last.
 *               The handler that comes back is the one that was set. When all is freed and the
 *               limit is off, the heap serves again, and its books are those of its provider.
 * 4 Must catch  limit_dropped, pool_left_early
 * 5 Skipped     on targets without heap instances. */
#include "stress/suites/suite.h"

#include "stress/lib/error.h"
#include "stress/lib/provider.h"
#include "stress/lib/report.h"
#include "stress/lib/run.h"
#include "stress/lib/target.h"

#define TABLE_BLOCKS 256u
#define SMALL_MAX    ((size_t)2048)
#define UNIT         ((size_t)65536)
#define UNITS_MAX    32u
#define DECAY_MS     10u
#define NAP_ONE_IN   8u

static struct {
    talus_provider     calls; /* what the heap gets: st_provider's, behind a look at the limit */
    struct st_provider provider;
    struct st_target   target;
    talus_heap        *heap;
    size_t             units;   /* of the highest limit; constant while the suite runs */
    _Atomic size_t     allowed; /* atomic: no map may go beyond it */
    _Atomic uint32_t   excused; /* atomic: 1: one growth may have been on its way */
    _Atomic size_t     changes; /* atomic: of the limit */
} options;

static void *map(void *context, size_t bytes)
{
    void  *block = options.provider.calls.map(context, bytes);
    size_t given = atomic_load_explicit(&options.provider.outstanding, memory_order_relaxed);
    size_t allowed = atomic_load_explicit(&options.allowed, memory_order_relaxed);

    if (block != NULL && given > allowed &&
        atomic_exchange_explicit(&options.excused, 0, memory_order_relaxed) == 0)
        st_fail("limit", "  a heap whose limit was set to %zu bytes grows to %zu, again", allowed,
                given);
    return block;
}

static void on_misuse(talus_misuse what, const void *pointer, const char *message)
{
    st_fail("misuse", "  the heap reports misuse %d of %p: %s; the suites never misuse it",
            (int)what, pointer, message);
}

/* By worker 1 alone. 0: none. */
static void set_limit(size_t limit)
{
    talus_heap_stats_t stats;
    size_t             allowed = limit != 0 ? limit : SIZE_MAX;
    size_t             before = atomic_load_explicit(&options.allowed, memory_order_relaxed);

    if (allowed > before) /* the heap may go there as soon as it is told */
        atomic_store_explicit(&options.allowed, allowed, memory_order_relaxed);
    talus_heap_set_limit(options.heap, limit);
    if (allowed < before) {
        atomic_store_explicit(&options.excused, 1, memory_order_relaxed);
        atomic_store_explicit(&options.allowed, allowed, memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&options.changes, 1, memory_order_relaxed);
    talus_heap_stats(options.heap, &stats);
    if (stats.limit != limit)
        st_fail("limit", "  the limit was set to %zu, the statistics say %zu", limit, stats.limit);
}

static void change(struct st_worker *worker)
{
    st_count_add(&worker->counts.operations, 1);
    atomic_store_explicit(&worker->inside, true, memory_order_relaxed);
    switch (st_rng_below(&worker->rng, 8)) {
    case 0:
        set_limit(0);
        break;
    case 1:
        talus_heap_trim(options.heap);
        break;
    case 2:
        talus_heap_contract(options.heap, st_rng_below(&worker->rng, 2 * DECAY_MS));
        break;
    case 3:
        talus_heap_shrink(options.heap, 1 + st_rng_below(&worker->rng, 64));
        break;
    case 4: {
        talus_misuse_handler old = talus_set_misuse_handler(on_misuse);
        if (talus_set_misuse_handler(old) != on_misuse)
            st_fail("misuse", "  the misuse handler is not the one that was set");
        break;
    }
    default:
        set_limit((1 + st_rng_below(&worker->rng, (uint32_t)options.units)) * UNIT);
        break;
    }
    atomic_store_explicit(&worker->inside, false, memory_order_relaxed);
    if (worker->team->run->timed && st_rng_one_in(&worker->rng, NAP_ONE_IN))
        st_host_sleep();
}

static void storm(struct st_worker *worker, struct st_block *table)
{
    size_t large_max = options.units * UNIT / 16;

    for (unsigned n = 0; n < 64; n++) {
        struct st_block *block = &table[st_rng_below(&worker->rng, TABLE_BLOCKS)];
        size_t           most = st_rng_one_in(&worker->rng, 8) ? large_max : SMALL_MAX;
        size_t           size = st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, most);
        if (block->p == NULL)
            st_block_alloc(worker, block, size);
        else if (st_rng_one_in(&worker->rng, 4))
            st_block_resize(worker, block, size);
        else
            st_block_free(worker, block);
    }
    if (st_rng_one_in(&worker->rng, 16)) /* so that it shrinks, too */
        for (unsigned n = 0; n < TABLE_BLOCKS; n++)
            st_block_free(worker, &table[n]);
}

static void body(struct st_worker *worker, void *shared)
{
    struct st_block *table = st_team_table(worker);

    (void)shared;
    worker->target = &options.target;
    while (st_team_runs(worker)) {
        if (worker->index == 0)
            change(worker);
        else
            storm(worker, table);
    }
    for (unsigned n = 0; n < TABLE_BLOCKS; n++)
        st_block_free(worker, &table[n]);
}

static void begin(const struct st_run *run)
{
    talus_heap_options wanted = { .name = "options",
                                  .provider = &options.calls,
                                  .decay_ms = DECAY_MS };

    st_provider_start(&options.provider, run->seed, 0);
    options.calls = options.provider.calls;
    options.calls.map = map;
    options.units = run->memory / 2 / UNIT < UNITS_MAX ? run->memory / 2 / UNIT : UNITS_MAX;
    atomic_store_explicit(&options.allowed, SIZE_MAX, memory_order_relaxed);
    atomic_store_explicit(&options.excused, 0, memory_order_relaxed);
    atomic_store_explicit(&options.changes, 0, memory_order_relaxed);
    options.heap = talus_heap_create(&wanted);
    if (options.heap == NULL)
        st_fail("setup", "  talus_heap_create: error %d", st_error_get());
    options.target = st_target_heap;
    options.target.context = options.heap;
}

static void end(const struct st_run *run)
{
    struct st_worker  *worker;
    struct st_block    block;
    talus_heap_stats_t stats;
    size_t             changes = atomic_load_explicit(&options.changes, memory_order_relaxed);

    st_say("  the limit was changed %zu times", changes);
    if (changes == 0)
        st_fail("pressure", "  nothing was changed while others used the heap");
    set_limit(0);
    st_host_flush();
    worker = st_worker_enter(ST_WORKER_MAIN, &options.target, run->seed);
    worker->may_fail = false;
    if (st_block_alloc(worker, &block, options.units * UNIT / 2))
        st_block_free(worker, &block);
    st_worker_leave(worker);
    st_check_lost(&options.target, 0);
    talus_heap_stats(options.heap, &stats);
    size_t given = atomic_load_explicit(&options.provider.outstanding, memory_order_relaxed);
    if (stats.mapped != given)
        st_fail("quota", "  the heap counts %zu bytes as mapped, its provider gave %zu",
                stats.mapped, given);
    if (!talus_heap_destroy(options.heap))
        st_fail("destroy", "  talus_heap_destroy: error %d", st_error_get());
    st_provider_check_empty(&options.provider);
}

static void run_suite(const struct st_run *run)
{
    struct st_team team = { .run = run, .body = body, .may_fail = true };

    begin(run);
    st_team_run(&team, run->threads < 2 ? 2 : run->threads, run->amount);
    end(run);
}

ST_SUITE(options) = {
    .name = "options",
    .hunts = "limits raised and lowered, trims and contractions, while others allocate",
    .needs_instances = true,
    .main = run_suite,
};
