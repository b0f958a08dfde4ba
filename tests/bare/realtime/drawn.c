/* drawn.c: the same by chance: sequences of calls, and calls whose cost depends on a number. See
 * states.h. */
#include "tests/bare/realtime/states.h"

#include <talus/object.h>
#include <talus/port.h>
#include <talus/reserve.h>

#include "core/limits.h"
#include "stress/lib/rng.h"
#include "tests/bare/realtime/count.h"

enum { LIVE = 8192, CALLS = 4000, BANDS = 3 };

struct live {
    void  *block;
    size_t bytes;
};

/* What one round draws from. */
struct round {
    struct {
        size_t low, high;
    } band[BANDS];
    uint32_t taking; /* of 100 calls */
    uint32_t stays;  /* calls on one CPU, in the mean */
    unsigned order;  /* of frees: newest first, oldest first, any */
};

static struct live live[LIVE];
static unsigned    first, count; /* a ring */

static struct round draw(struct st_rng *rng)
{
    static const size_t tops[] = { 64, 1024, 8192, TL_CLASS_MAX, 16 * TL_CLASS_MAX };
    struct round        round = { .taking = 30 + st_rng_below(rng, 65),
                                  .stays = 1u << st_rng_below(rng, 10),
                                  .order = st_rng_below(rng, 3) };
    for (unsigned i = 0; i < BANDS; i++) {
        round.band[i].high = tops[st_rng_below(rng, sizeof tops / sizeof tops[0])];
        round.band[i].low = st_rng_one_in(rng, 2) ? round.band[i].high : 1;
    }
    return round;
}

static struct live *choose(struct st_rng *rng, unsigned order)
{
    unsigned at = order == 0 ? count - 1 : order == 1 ? 0 : st_rng_below(rng, count);
    return &live[(first + at) % LIVE];
}

static void free_one(struct st_rng *rng, const struct round *round)
{
    struct live *chosen = choose(rng, round->order);
    struct live  freed = *chosen;
    if (round->order == 1)
        first = (first + 1) % LIVE;
    else
        *chosen = live[(first + count - 1) % LIVE];
    count--;
    if (st_rng_one_in(rng, 50))
        COUNT(ROW_FREE_INTERRUPT, 0, talus_free_from_interrupt(freed.block));
    else
        counted_free(freed.block, freed.bytes);
}

static void resize_one(struct st_rng *rng, const struct round *round, size_t bytes)
{
    struct live *chosen = choose(rng, round->order);
    void        *block;
    count_begin();
    block = talus_realloc(chosen->block, bytes);
    count_end(block != NULL ? ROW_REALLOC : ROW_REALLOC_NULL, 0);
    if (block != NULL)
        *chosen = (struct live){ block, bytes };
}

static void run(struct st_rng *rng)
{
    struct round round = draw(rng);
    for (unsigned n = 0; n < CALLS; n++) {
        unsigned band = st_rng_below(rng, BANDS);
        size_t   bytes = st_rng_size(rng, round.band[band].low, round.band[band].high);
        if (st_rng_one_in(rng, round.stays))
            on_cpu(st_rng_below(rng, CPUS));
        if (n == CALLS / 2)
            round.taking = 100 - round.taking;
        if (count > 0 && st_rng_one_in(rng, 20))
            resize_one(rng, &round, bytes);
        else if (count < LIVE && st_rng_below(rng, 100) < round.taking) {
            void *block = counted_malloc(bytes);
            if (block != NULL)
                live[(first + count++) % LIVE] = (struct live){ block, bytes };
        } else if (count > 0) {
            free_one(rng, &round);
        }
    }
    while (count > 0) {
        if (st_rng_one_in(rng, round.stays))
            on_cpu(st_rng_below(rng, CPUS));
        free_one(rng, &round);
    }
    demand_all_free();
}

void states_drawn(unsigned rounds, uint64_t seed)
{
    for (unsigned round = 0; round < rounds; round++) {
        struct st_rng rng = { st_mix(seed + round) };
        run(&rng);
    }
}

/* ---- calls whose cost depends on a number ---- */

enum { PAGES = 64, BLOCKS = 256 };

static TL_ALIGNED(TALUS_PAGE_SIZE) char other[(2 * PAGES + 1) * TALUS_PAGE_SIZE];

static void statistics(void)
{
    enum { LARGE = 8 };
    void              *blocks[LARGE];
    talus_heap_stats_t stats;
    for (unsigned i = 0; i < LARGE; i++)
        blocks[i] = talus_malloc(2 * TL_CLASS_MAX);
    for (unsigned i = 0; i < LARGE; i++)
        talus_free_from_interrupt(blocks[i]);
    COUNT(ROW_STATS, LARGE, talus_heap_stats(talus_heap_default(), &stats));
}

static void give_back(enum row row)
{
    if (row == ROW_TRIM) {
        talus_heap_trim(talus_heap_default());
    } else {
        talus_heap_contract(talus_heap_default(), 0);
        talus_heap_shrink(talus_heap_default(), 1);
    }
}

/* After so many blocks were freed, or none; what was cut of the last span lies in the cache, too.
 * */
static void gives_back(enum row row)
{
    static void *blocks[BLOCKS];
    trim_all();
    COUNT(row, 0, give_back(row));
    for (size_t bytes = 16; bytes <= TL_CLASS_MAX / 8; bytes *= 2) {
        for (unsigned i = 0; i < BLOCKS; i++)
            blocks[i] = talus_malloc(bytes);
        for (unsigned i = 0; i < BLOCKS; i++)
            talus_free(blocks[i]);
        COUNT(row, BLOCKS + TL_CARVE_BYTES / bytes, give_back(row));
    }
}

/* Many magazines, so that what an allocation takes now more, now less, is little for each. */
static void objects(void)
{
    static void *taken[BLOCKS];
    for (size_t magazines = 4; magazines <= 68; magazines += 64) {
        talus_object_type   type = { .size = 200, .magazines = magazines };
        talus_object_cache *cache = talus_object_cache_create(talus_heap_default(), &type);
        for (unsigned i = 0; i < BLOCKS; i++)
            COUNT(ROW_OBJECT_ALLOC, magazines - 4, taken[i] = talus_object_cache_alloc(cache));
        for (unsigned i = 0; i < BLOCKS; i++)
            COUNT(ROW_OBJECT_FREE, magazines - 4, talus_object_cache_free(cache, taken[i]));
        for (unsigned i = 0; i < BLOCKS / 4; i++)
            COUNT(ROW_OBJECT_ALLOC, magazines - 4, taken[i] = talus_object_cache_alloc(cache));
        for (unsigned i = 0; i < BLOCKS / 4; i++)
            talus_object_cache_free(cache, taken[i]);
        talus_object_cache_destroy(cache);
    }
}

static void reserves(void)
{
    for (size_t n = 1; n <= BLOCKS; n += BLOCKS - 1) {
        talus_reserve *reserve;
        COUNT(ROW_RESERVE_CREATE, n - 1,
              reserve = talus_reserve_create(talus_heap_default(), 200, 0, n, 0, NULL, NULL));
        COUNT(ROW_RESERVE_DESTROY, n - 1, (void)talus_reserve_destroy(reserve));
    }
}

static void heaps(void)
{
    for (size_t pages = 0; pages <= PAGES; pages += PAGES) {
        talus_fixed_region fixed = { .start = other, .bytes = PAGES * TALUS_PAGE_SIZE };
        talus_provider     provider = talus_provider_fixed(&fixed);
        talus_heap_options options = { .provider = &provider,
                                       .initial = pages * TALUS_PAGE_SIZE,
                                       .real_time = true };
        talus_heap        *heap;
        COUNT(ROW_CREATE, pages, heap = talus_heap_create(&options));
        COUNT(ROW_DESTROY, pages, (void)talus_heap_destroy(heap));
    }
    COUNT(ROW_CPU_GONE, 0, talus_kernel_cpu_gone(CPUS - 1));
    for (size_t pages = 1; pages <= PAGES; pages += PAGES - 1) {
        char *block = other + (pages == 1 ? 0 : 2 * TALUS_PAGE_SIZE);
        COUNT(ROW_EXPAND, pages - 1,
              (void)talus_heap_expand(talus_heap_default(), block, pages * TALUS_PAGE_SIZE));
        trim_all();
        COUNT(ROW_DRAIN, pages - 1, (void)talus_heap_drain(talus_heap_default(), block, true));
    }
}

void calls_of_many(void)
{
    statistics();
    gives_back(ROW_TRIM);
    gives_back(ROW_CONTRACT);
    objects();
    reserves();
    heaps();
}
