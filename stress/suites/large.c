/* large.c: large blocks, over pages that the heap is made to give back all the time.
 * 1 Hunts       A region that goes back while a run of it is still in a list, or a block grows into
 *               it; a region that goes twice, or in part; pages that count as mapped though they
 *               are gone; a drain that forgets a page; large blocks over each other when runs are
 *               cut out, joined and moved meanwhile.
 * 2 Pressure    One heap over a provider and a few regions of the suite's own. Worker 1 is their
 *               owner: it adds them, drains them, takes the mark off again, contracts, shrinks and
 *               trims. The others allocate, resize, hand around and free large blocks, and some
 *               small ones.
 * 3 Promises    A region that the heap says has left is whole, was in the heap, and nobody's block
 *               lies in it: the suite takes all of it in the oracle and writes to it, until it adds
 *               it again. When all is freed all regions can be had back; what the heap counts as
 *               mapped is what its provider gave.
 * 4 Must catch  contract_in_bin
 * 5 Skipped     on targets without heap instances. */
#include "stress/suites/suite.h"

#include "stress/lib/error.h"
#include "stress/lib/provider.h"
#include "stress/lib/report.h"
#include "stress/lib/run.h"
#include "stress/lib/target.h"

#define REGIONS        4u
#define PIECE          ((size_t)16384) /* the oracle takes each granule of blocks up to here */
#define PIECES_MAX     64u
#define TABLE_BLOCKS   8u
#define SLOTS          16u
#define SMALL_MAX      ((size_t)2048)
#define OWNER_NAPS_IN  4u
#define MORE_TURNS_MAX 20000u
#define DECAY_MS       10u /* caches let go of a region's blocks so soon */

enum { IN = 0, OUT = 1, LEAVING = 2 };

struct region {
    unsigned char   *start; /* constant, as the next */
    size_t           bytes;
    _Atomic uint32_t state;              /* atomic: OUT hands the rest to the owner */
    struct st_block  pieces[PIECES_MAX]; /* ours while it is out */
};

static struct large {
    struct st_provider provider;
    struct st_target   target;
    talus_heap        *heap;
    struct region      regions[REGIONS];
    size_t             size_max; /* of a block; constant while the suite runs */
    _Atomic size_t     left;     /* times that a region left the heap */
} large;

static struct st_mailbox box;

/* Nobody may have a block in it, and nobody gets one. */
static void take_region(struct region *region)
{
    const struct st_worker *owner = st_worker_get(ST_WORKER_MAIN);

    for (size_t at = 0; at < region->bytes; at += PIECE)
        st_block_own(owner, &region->pieces[at / PIECE], region->start + at, PIECE);
}

static void leave_region(struct region *region)
{
    for (size_t at = 0; at < region->bytes; at += PIECE)
        st_block_disown(&region->pieces[at / PIECE]);
}

static void on_removed(void *context, talus_heap *heap, void *block, size_t bytes)
{
    struct region *region = large.regions;
    uint32_t       state = IN;

    (void)context;
    (void)heap;
    while (region < large.regions + REGIONS && region->start != block)
        region++;
    if (region == large.regions + REGIONS || region->bytes != bytes)
        st_fail("region", "  %zu bytes at %p left the heap, which are no region of it", bytes,
                block);
    if (!atomic_compare_exchange_strong_explicit(&region->state, &state, LEAVING,
                                                 memory_order_acquire, memory_order_relaxed))
        st_fail("region", "  the region at %p left the heap twice", block);
    take_region(region);
    atomic_fetch_add_explicit(&large.left, 1, memory_order_relaxed);
    atomic_store_explicit(&region->state, OUT, memory_order_release);
}

static void add(struct region *region)
{
    if (atomic_load_explicit(&region->state, memory_order_acquire) != OUT)
        return;
    leave_region(region);
    atomic_store_explicit(&region->state, IN, memory_order_release); /* before it may leave again */
    if (!talus_heap_expand(large.heap, region->start, region->bytes))
        st_fail("region", "  the region at %p cannot be added: error %d", (void *)region->start,
                st_error_get());
}

static void own(struct st_worker *worker)
{
    struct region *region = &large.regions[st_rng_below(&worker->rng, REGIONS)];

    st_count_add(&worker->counts.operations, 1);
    atomic_store_explicit(&worker->inside, true, memory_order_relaxed);
    switch (st_rng_below(&worker->rng, 8)) {
    case 0:
    case 1:
        add(region);
        break;
    case 2:
    case 3:
    case 4: /* refused where it has left */
        talus_heap_drain(large.heap, region->start, !st_rng_one_in(&worker->rng, 8));
        break;
    case 5:
        talus_heap_contract(large.heap, 0);
        break;
    case 6:
        talus_heap_shrink(large.heap, 1 + st_rng_below(&worker->rng, 64));
        break;
    default:
        talus_heap_trim(large.heap);
        break;
    }
    atomic_store_explicit(&worker->inside, false, memory_order_relaxed);
    if (st_rng_one_in(&worker->rng, OWNER_NAPS_IN))
        st_host_sleep(); /* else it would keep the heap empty */
}

static void step(struct st_worker *worker, struct st_block *block)
{
    size_t most = st_rng_one_in(&worker->rng, 4) ? SMALL_MAX : large.size_max;
    size_t size = st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, most);

    if (block->p == NULL) {
        if (st_rng_one_in(&worker->rng, 8))
            st_block_zalloc(worker, block, size);
        else
            st_block_alloc(worker, block, size);
    } else if (st_rng_one_in(&worker->rng, 3)) {
        st_block_resize(worker, block, st_rng_one_in(&worker->rng, 2) ? size : block->size * 2);
    } else if (st_rng_one_in(&worker->rng, 4)) {
        void *p = st_mailbox_swap(&box, (unsigned)st_rng_next(&worker->rng), block->p);
        block->p = NULL;
        if (p != NULL)
            *block = st_block_received(p);
    } else {
        st_block_free(worker, block);
    }
    if (block->p != NULL && block->size > large.size_max)
        st_block_free(worker, block);
}

/* Where time is counted in operations there may be few turns: more follow until a region left, at
 * most as many as are given. */
static bool goes_on(struct st_worker *worker, uint32_t *more)
{
    if (st_team_runs(worker))
        return true;
    return !worker->team->run->timed &&
           atomic_load_explicit(&large.left, memory_order_relaxed) == 0 && (*more)-- != 0;
}

static void body(struct st_worker *worker, void *shared)
{
    struct st_block *table = st_team_table(worker);
    uint32_t         more = MORE_TURNS_MAX;

    (void)shared;
    worker->target = &large.target;
    while (goes_on(worker, &more)) {
        if (worker->index == 0)
            own(worker);
        else
            for (unsigned n = 0; n < TABLE_BLOCKS; n++)
                step(worker, &table[st_rng_below(&worker->rng, TABLE_BLOCKS)]);
    }
    for (unsigned n = 0; n < TABLE_BLOCKS; n++)
        st_block_free(worker, &table[n]);
}

static void begin(const struct st_run *run)
{
    const talus_provider *system = st_provider_system();
    talus_heap_options    options = { .name = "large",
                                      .provider = &large.provider.calls,
                                      .decay_ms = DECAY_MS,
                                      .on_removed = on_removed };
    size_t                bytes = run->memory / 32 / PIECE * PIECE;

    bytes = bytes > PIECES_MAX * PIECE ? PIECES_MAX * PIECE : bytes;
    atomic_store_explicit(&large.left, 0, memory_order_relaxed);
    large.size_max = run->memory / run->threads / (4 * TABLE_BLOCKS);
    large.size_max = large.size_max > bytes / 2 ? bytes / 2 : large.size_max;
    st_provider_start(&large.provider, run->seed, 0);
    large.heap = talus_heap_create(&options);
    if (large.heap == NULL)
        st_fail("setup", "  talus_heap_create: error %d", st_error_get());
    large.target = st_target_heap;
    large.target.context = large.heap;
    for (unsigned n = 0; n < REGIONS; n++) {
        struct region *region = &large.regions[n];
        region->bytes = bytes;
        region->start = system->map(system->context, bytes);
        if (region->start == NULL)
            st_fail("setup", "  no memory for a region of %zu bytes", bytes);
        take_region(region);
        atomic_store_explicit(&region->state, OUT, memory_order_relaxed);
        add(region);
    }
}

/* All is freed: all regions come back, and the books are those of the provider. */
static void end(void)
{
    const talus_provider *system = st_provider_system();
    talus_heap_stats_t    stats;

    size_t left = atomic_load_explicit(&large.left, memory_order_relaxed);
    st_say("  regions left the heap %zu times", left);
    if (left == 0)
        st_fail("pressure", "  no region left the heap while others used it");
    st_host_flush();
    for (unsigned n = 0; n < REGIONS; n++)
        talus_heap_drain(large.heap, large.regions[n].start, true);
    talus_heap_contract(large.heap, 0);
    for (unsigned n = 0; n < REGIONS; n++) {
        struct region *region = &large.regions[n];
        if (atomic_load_explicit(&region->state, memory_order_acquire) != OUT)
            st_fail("region", "  all is freed, but the region at %p does not leave the heap",
                    (void *)region->start);
        leave_region(region);
        system->unmap(system->context, region->start, region->bytes);
    }
    talus_heap_stats(large.heap, &stats);
    size_t given = atomic_load_explicit(&large.provider.outstanding, memory_order_relaxed);
    if (stats.mapped != given)
        st_fail("quota", "  the heap counts %zu bytes as mapped, its provider gave %zu",
                stats.mapped, given);
    st_check_lost(&large.target, 0);
    if (!talus_heap_destroy(large.heap))
        st_fail("destroy", "  talus_heap_destroy: error %d", st_error_get());
    st_provider_check_empty(&large.provider);
}

static void run_suite(const struct st_run *run)
{
    struct st_team team = { .run = run, .body = body };

    begin(run);
    box.slots = SLOTS;
    st_team_run(&team, run->threads < 2 ? 2 : run->threads, run->amount);
    st_mailbox_empty(&(struct st_run){ .target = &large.target, .seed = run->seed }, &box);
    end();
}

ST_SUITE(large) = {
    .name = "large",
    .hunts = "large blocks while regions are added, drained and contracted away under them",
    .needs_instances = true,
    .main = run_suite,
};
