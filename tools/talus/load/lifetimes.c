/* lifetimes.c: blocks that live for a random time, most of them short, a few very long.
 * 1 Purpose     What long-running programs do to a heap: the long-lived blocks lie scattered among
 *               the graves of the short-lived. How long do single calls take in such a heap?
 * 2 Lifetimes   in steps (one allocation each): Pareto with exponent TAIL, from LIFE_MIN to the
 *               horizon. That keeps some 5000 blocks alive, nine tenths of them from the 3 % of
 *               allocations that live longer than 10000 steps; half of all die within 100. Sizes
 *               are log-uniform, one in fifty up to 16 times as large.
 * 3 Wheel       A timing wheel frees blocks when they are due: a list of blocks for each
 *               SLOT_STEPS steps, linked through the blocks themselves, so that it costs two
 *               stores a block however many live.
 * 4 Latency     When the timed part is over the same goes on for a while with a clock around every
 *               malloc and free (latency.h), so that the clock does not disturb the time. */
#define _GNU_SOURCE
#include "tools/talus/load/latency.h"
#include "tools/talus/load/load.h"
#include "tools/talus/load/rss.h"

#include <math.h>
#include <pthread.h>
#include <time.h>

#define LIFE_MIN     30.0
#define TAIL         0.6
#define SLOT_STEPS   32u
#define SLOTS        32768u /* a power of two; horizon: SLOTS * SLOT_STEPS steps */
#define LARGE_ONE_IN 50u
#define LARGE_TIMES  16u
#define CLOCKED_PART 4u  /* as many steps with a clock as a fourth of those without */
#define LOOK_EVERY   32u /* slots, between two looks at the resident size */

/* Tables, written before the threads start. */
static uint32_t sizes[TL_SIZES_COUNT];
static uint32_t lifetimes[TL_SIZES_COUNT]; /* slots, 1 to SLOTS - 1 */

struct mortal {
    uint64_t       mark; /* that of tl_load_touch */
    struct mortal *next; /* due at the same time */
};

/* One for each thread, and its own. */
struct world {
    const struct tl_load *load;
    struct tl_rng         rng;
    uint32_t              now;          /* slots */
    bool                  looks;        /* at the resident size */
    uint64_t              start, end;   /* of the timed part */
    uint64_t              cpu_apart_ns; /* of what came after it */
    struct tl_latency     malloc_latency, free_latency;
    struct mortal        *due[SLOTS];
};

static void tables_fill(const struct tl_load *load)
{
    struct tl_load large = *load;
    struct tl_rng  rng = { load->seed };
    double         longest = (SLOTS - 1) * (double)SLOT_STEPS;
    large.size_min = load->size_max;
    large.size_max = load->size_max * LARGE_TIMES;
    tl_load_sizes(lifetimes, &large); /* for a moment: large sizes */
    tl_load_sizes(sizes, load);
    for (unsigned i = 0; i < TL_SIZES_COUNT; i += LARGE_ONE_IN)
        sizes[i] = lifetimes[i];
    for (unsigned i = 0; i < TL_SIZES_COUNT; i++) {
        double share = (tl_rng_next(&rng) + 1.0) / 4294967296.0; /* above 0, at most 1 */
        double steps = fmin(LIFE_MIN * pow(share, -1 / TAIL), longest);
        lifetimes[i] = (uint32_t)(steps / SLOT_STEPS) + (steps < SLOT_STEPS);
    }
}

static uint64_t thread_cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void free_due(struct world *world, bool clocked)
{
    struct mortal *one = world->due[world->now % SLOTS];
    world->due[world->now % SLOTS] = NULL;
    while (one != NULL) {
        struct mortal *next = one->next;
        tl_load_check(one);
        uint64_t start = clocked ? tl_load_now() : 0;
        free(one);
        if (clocked)
            tl_latency_note(&world->free_latency, tl_load_now() - start);
        one = next;
    }
}

static inline void allocate_one(struct world *world, bool clocked)
{
    size_t         size = sizes[tl_rng_below(&world->rng, TL_SIZES_COUNT)];
    uint64_t       start = clocked ? tl_load_now() : 0;
    struct mortal *one = malloc(size);
    if (clocked)
        tl_latency_note(&world->malloc_latency, tl_load_now() - start);
    if (one == NULL)
        tl_load_die(3, "malloc returned NULL");
    tl_load_touch(one, size);
    uint32_t slot = world->now + lifetimes[tl_rng_below(&world->rng, TL_SIZES_COUNT)];
    one->next = world->due[slot % SLOTS];
    world->due[slot % SLOTS] = one;
}

static inline void live(struct world *world, uint64_t steps, bool clocked)
{
    for (uint64_t s = 0; s < steps / SLOT_STEPS + 1; s++) {
        world->now++;
        free_due(world, clocked);
        for (unsigned i = 0; i < SLOT_STEPS; i++)
            allocate_one(world, clocked);
        if (world->looks && world->now % LOOK_EVERY == 0)
            tl_rss_look();
    }
}

/* The timed part, then the one with a clock; the barrier keeps the two apart. */
static void live_and_end(struct world *world, pthread_barrier_t *between)
{
    uint64_t steps = tl_load_ops(world->load) / world->load->threads;
    world->start = tl_load_now();
    live(world, steps, false);
    world->end = tl_load_now();
    if (between != NULL)
        pthread_barrier_wait(between);
    uint64_t cpu_start = thread_cpu_now();
    live(world, steps / CLOCKED_PART, true);
    for (uint32_t slot = 0; slot < SLOTS; slot++, world->now++)
        free_due(world, false);
    world->cpu_apart_ns = thread_cpu_now() - cpu_start;
}

static pthread_barrier_t between; /* set up before the threads start */

static void *live_main(void *argument)
{
    tl_load_start_line();
    live_and_end(argument, &between);
    return NULL;
}

static void sum_up(struct world *worlds, uint32_t count, struct tl_load_result *result)
{
    static struct tl_latency sums[2];
    uint64_t                 start = worlds[0].start, end = worlds[0].end;
    for (uint32_t i = 0; i < count; i++) {
        start = worlds[i].start < start ? worlds[i].start : start;
        end = worlds[i].end > end ? worlds[i].end : end;
        result->cpu_apart_ns += worlds[i].cpu_apart_ns;
        tl_latency_add(&sums[0], &worlds[i].malloc_latency);
        tl_latency_add(&sums[1], &worlds[i].free_latency);
    }
    result->ns = end - start;
    result->malloc_latency = &sums[0];
    result->free_latency = &sums[1];
}

/* `threads` threads, each with blocks of its own; one runs on the main thread, so that allocators
 * which look whether there are others see none. */
void tl_run_lifetimes(const struct tl_load *load, struct tl_load_result *result)
{
    uint32_t count = load->threads;
    if (count > TL_LOAD_THREADS_MAX)
        tl_load_die(5, "too many threads");
    struct world *worlds = tl_load_map(count * sizeof *worlds);
    tables_fill(load);
    for (uint32_t i = 0; i < count; i++) {
        worlds[i].load = load;
        worlds[i].rng.state = load->seed + i * 7919;
        worlds[i].looks = i == 0;
    }
    tl_rss_begin();
    if (count == 1) {
        live_and_end(worlds, NULL);
    } else {
        pthread_barrier_init(&between, NULL, count);
        tl_load_threads(count, live_main, worlds, sizeof worlds[0]);
        pthread_barrier_destroy(&between);
    }
    sum_up(worlds, count, result);
    result->ops = tl_load_ops(load);
    tl_load_unmap(worlds, count * sizeof *worlds);
}
