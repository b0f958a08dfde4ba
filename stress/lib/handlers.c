/* handlers.c: interrupt handlers and signal handlers that use memory, in the midst of threads that
 * do.
 * 1 Each run  takes a block from one of three reserves (small, medium, large), fills and checks it,
 *             lets itself be interrupted now and then, and puts it back, frees it, or leaves it to
 *             workers who swap with it, in the suite `reserve`; or it frees a block of any size
 *             that a worker left. Workers leave some of those that they free (block.c).
 * 2 Refills   Slow exits of workers refill two of the reserves under the handlers' hands; of the
 *             third the notify callback has a worker do it.
 * 3 Promises  Every block belongs to one (the oracle, R31); its contents hold; the reserves count
 *             what the handlers count; at the end, reserves destroyed and all freed, the heap
 *             counts nothing (run.c).
 * 4 Pressure  is counted: runs, and those that fell into the heap. Too few is a failure: such a run
 *             shows nothing. */
#include "stress/lib/handlers.h"

#include "stress/lib/block.h"
#include "stress/lib/error.h"
#include "stress/lib/mailbox.h"
#include "stress/lib/report.h"
#include "stress/lib/target.h"

#include <talus/reserve.h>

#include <string.h>

#define RESERVES 3u
#define SLOTS    64u

static const struct {
    size_t size, count, low_mark;
} shapes[RESERVES] = { { 48, 24, 8 }, { 700, 12, 4 }, { 100000, 4, 2 } };

/* What handlers count: any context, any thread. */
static struct {
    _Atomic size_t runs, inside, taken, missed, put, freed, left, of_workers;
} tally;

static struct st_mailbox box;                /* between handlers and workers */
static talus_reserve    *reserves[RESERVES]; /* constant while handlers run */
static _Atomic uint32_t  on;                 /* 1: handlers do something */
static _Atomic uint32_t  refill_wanted;      /* of the last one: by notify */
static _Atomic uint32_t  serial;             /* seeds the handlers' numbers */
static bool              swaps;              /* workers swap; constant while handlers run */
static bool              host_judges;        /* the same */
static size_t            refills;            /* at the end */

static void count(_Atomic size_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static size_t counted(_Atomic size_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void notify(void *context, talus_reserve *reserve)
{
    (void)context;
    (void)reserve;
    atomic_store_explicit(&refill_wanted, 1, memory_order_relaxed);
}

static void free_here(struct st_block *block)
{
    count(&tally.freed);
    talus_free_from_interrupt(st_block_disown(block));
}

static void use_a_reserve(const struct st_worker *owner, struct st_rng *rng)
{
    unsigned        which = st_rng_below(rng, 128);
    struct st_block block;

    which = which < 80 ? 0 : which < 127 ? 1 : 2; /* large ones cost the most time */
    void *p = talus_reserve_take(reserves[which]);
    if (p == NULL) {
        count(&tally.missed);
        return;
    }
    count(&tally.taken);
    st_block_own(owner, &block, p, shapes[which].size);
    if (st_rng_one_in(rng, 8))
        st_host_handlers_nest();
    st_block_check(&block);
    switch (st_rng_below(rng, swaps ? 4 : 3)) {
    case 0:
        free_here(&block);
        break;
    case 3:
        count(&tally.left);
        p = st_handlers_swap(rng, block.p);
        if (p != NULL) {
            block = st_block_received(p);
            free_here(&block);
        }
        break;
    default:
        count(&tally.put);
        talus_reserve_put(reserves[which], st_block_disown(&block));
        break;
    }
}

static bool of_a_reserve(const struct st_block *block)
{
    return block->size == shapes[0].size || block->size == shapes[1].size ||
           block->size == shapes[2].size;
}

static void free_what_is_left(unsigned slot)
{
    void *p = st_mailbox_take(&box, slot);
    if (p != NULL) {
        struct st_block block = st_block_received(p);
        if (!of_a_reserve(&block))
            count(&tally.of_workers);
        free_here(&block);
    }
}

void st_handlers_run(struct st_worker *interrupted)
{
    struct st_rng rng;

    if (atomic_load_explicit(&on, memory_order_relaxed) == 0)
        return;
    count(&tally.runs);
    if (interrupted != NULL && atomic_load_explicit(&interrupted->inside, memory_order_relaxed))
        count(&tally.inside);
    if (interrupted == NULL)
        interrupted = st_worker_get(ST_WORKER_MAIN);
    rng.state = st_mix(atomic_fetch_add_explicit(&serial, 1, memory_order_relaxed) + st_block_seed);
    for (unsigned n = 1 + st_rng_below(&rng, 2); n > 0; n--) {
        if (st_rng_one_in(&rng, 4))
            free_what_is_left((unsigned)st_rng_next(&rng));
        else
            use_a_reserve(interrupted, &rng);
    }
}

void *st_handlers_swap(struct st_rng *rng, void *p)
{
    return st_mailbox_swap(&box, (unsigned)st_rng_next(rng), p);
}

static bool leave(struct st_rng *rng, void *p)
{
    return st_mailbox_try_give(&box, (unsigned)st_rng_next(rng), p);
}

static void start(const struct st_run *run)
{
    talus_reserve_policy policy = { .name = "stress" };
    talus_heap *heap = run->target->context != NULL ? run->target->context : talus_heap_default();

    memset(&tally, 0, sizeof(tally)); /* no handler runs */
    box.slots = SLOTS;
    swaps = run->swaps;
    host_judges = run->host_judges;
    for (unsigned n = 0; n < RESERVES; n++) {
        reserves[n] =
            talus_reserve_create(heap, shapes[n].size, 16, shapes[n].count, shapes[n].low_mark,
                                 &policy, n == RESERVES - 1 ? notify : NULL);
        if (reserves[n] == NULL)
            st_fail("setup", "  talus_reserve_create: error %d", st_error_get());
    }
    atomic_store_explicit(&on, 1, memory_order_release); /* the reserves come first */
    st_host_handlers_start();
}

static void turn(struct st_worker *worker)
{
    unsigned which = st_rng_below(&worker->rng, RESERVES);
    bool     wanted = atomic_exchange_explicit(&refill_wanted, 0, memory_order_relaxed) != 0;

    atomic_store_explicit(&worker->inside, true, memory_order_relaxed);
    if (wanted && !talus_reserve_refill(reserves[RESERVES - 1]))
        st_fail("refill", "  talus_reserve_refill: error %d", st_error_get());
    /* a suite whose workers swap has slow exits in the reserves' heap; another may not */
    if (st_rng_one_in(&worker->rng, swaps ? 64 : 4) &&
        !talus_reserve_prepare(reserves[which], shapes[which].count / 2))
        st_fail("refill", "  talus_reserve_prepare: error %d", st_error_get());
    atomic_store_explicit(&worker->inside, false, memory_order_relaxed);
}

static void drain(void)
{
    for (unsigned slot = 0; slot < SLOTS; slot++)
        free_what_is_left(slot);
    st_host_handlers_quiet(); /* who took one before has freed it */
}

struct st_handler_counts st_handlers_counts(void)
{
    return (struct st_handler_counts){ .runs = counted(&tally.runs),
                                       .inside = counted(&tally.inside),
                                       .taken = counted(&tally.taken),
                                       .missed = counted(&tally.missed),
                                       .put = counted(&tally.put),
                                       .freed = counted(&tally.freed),
                                       .left = counted(&tally.left),
                                       .of_workers = counted(&tally.of_workers),
                                       .refills = refills };
}

static void end(void)
{
    talus_reserve_stats_t stats;
    size_t                takes = 0, misses = 0;

    st_host_handlers_end();
    atomic_store_explicit(&on, 0, memory_order_relaxed);
    st_host_handlers_quiet();
    drain();
    refills = 0;
    for (unsigned n = 0; n < RESERVES; n++) {
        talus_reserve_stats(reserves[n], &stats);
        refills += stats.refills;
        takes += stats.takes;
        misses += stats.misses;
        if (stats.available > shapes[n].count || !talus_reserve_destroy(reserves[n]))
            st_fail("reserve", "  %zu blocks in %zu slots, or it could not be destroyed",
                    stats.available, shapes[n].count);
    }
    if (takes != counted(&tally.taken) || misses != counted(&tally.missed))
        st_fail("reserve",
                "  the reserves count %zu takes and %zu misses, the handlers %zu and %zu", takes,
                misses, counted(&tally.taken), counted(&tally.missed));
    st_say("  handlers: %zu runs, %zu inside of the heap: %zu blocks taken, %zu misses, %zu put "
           "back, %zu freed by handlers (%zu of workers), %zu left to workers, %zu refills",
           counted(&tally.runs), counted(&tally.inside), takes, misses, counted(&tally.put),
           counted(&tally.freed), counted(&tally.of_workers), counted(&tally.left), refills);
    if (!host_judges && (counted(&tally.inside) < (swaps ? ST_INSIDE_LEAST : 1) || takes == 0))
        st_fail("pressure",
                "  of %zu handlers only %zu fell inside of the heap: such a run shows nothing",
                counted(&tally.runs), counted(&tally.inside));
}

const struct st_handler_calls st_handlers = {
    .start = start, .turn = turn, .leave = leave, .drain = drain, .end = end
};
