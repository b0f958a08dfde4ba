/* suite_heap.c: the suite `heap`: libtalus-kernel.a as the heap of an image, under preemption.
 *
 * Threads allocate, fill, check and free blocks of all sizes. Timer interrupts, which fall anywhere
 * in the heap, take blocks from a reserve and free blocks of threads. Blocks change hands through a
 * table, between threads of all CPUs and interrupts. In the end everything is free. Under --icount,
 * where no host can stop a CPU, it ends at once when no thread comes further. */
#include <talus/port.h>
#include <talus/reserve.h>

#include "arch/port/bare/console.h"
#include "arch/port/bare/machine.h"
#include "arch/port/bare/options.h"
#include "arch/port/bare/sched.h"
#include "sync/counter.h"
#include "tests/bare/parts.h"
#include "tests/bare/port.h"

enum { HELD = 24, SHARED = 64, SMALLEST = 16, SMALL = 2048, LARGEST = 40000 };
enum { RESERVE_BLOCKS = 12, RESERVE_LOW = 6, RESERVE_BYTES = 200, BURST = 16 };
enum {
    LOOK_INTERRUPTS = 2000
}; /* of a CPU, while some thread comes further; some millions of
                                  * instructions */

/* A block and what its holder knows of it: the contents follow from the key. */
struct held {
    uint32_t *block; /* NULL: none */
    size_t    bytes;
    uint32_t  key;
    bool      of_reserve;
};

static struct {
    TL_CACHE_LINE
    struct held   held[HELD];
    tl_atomic_u32 steps; /* atomic: this thread writes, handlers read */
} hands[THREADS_MAX];    /* their thread */

/* Where blocks change hands. */
static struct {
    tl_atomic_u32 claimed; /* atomic: 1: somebody is at it; who finds that goes away */
    struct held   held;    /* who claimed it */
} shared[SHARED];

static struct {
    TL_CACHE_LINE
    struct st_rng rng;
    uintptr_t     freed; /* blocks of threads */
    uint32_t      interrupts;
    uint32_t      steps;      /* of all threads, at the last look */
} handlers[MACHINE_CPUS_MAX]; /* the handlers of their CPU */

static bool              instructions_count; /* CPU 0, before: they are the clock */
static talus_reserve    *reserve;            /* CPU 0, before and after */
static struct tl_counter wrong_contents;
static struct tl_counter misuses;
static struct tl_counter atomic_served;  /* allocations of threads that must not block */
static struct tl_counter atomic_refused; /* for want of what is there */

/* Findings print, and misuse may be noticed in a handler, which must not. */
static void note_misuse(talus_misuse what, const void *pointer, const char *message)
{
    (void)what;
    (void)pointer;
    (void)message;
    tl_counter_add_shared(&misuses, 1);
}

/* The word behind `word` that is written in a block of `words`: all at first, then some, so that
 * large blocks do not take all the time, and the last. */
static size_t next_word(size_t word, size_t words)
{
    size_t next = word < 32 ? word + 1 : word + 61;

    return next >= words && word + 1 < words ? words - 1 : next;
}

static void fill(struct held *held, uint32_t key)
{
    size_t words = held->bytes / sizeof(uint32_t);

    held->key = key;
    for (size_t word = 0; word < words; word = next_word(word, words))
        held->block[word] = key + (uint32_t)word;
}

/* Reads as many bytes as are said. Context: any. */
static void check(const struct held *held, size_t bytes)
{
    size_t words = held->bytes / sizeof(uint32_t);

    for (size_t word = 0; word < words; word = next_word(word, words))
        if ((word + 1) * sizeof(uint32_t) <= bytes &&
            held->block[word] != held->key + (uint32_t)word) {
            tl_counter_add_shared(&wrong_contents, 1);
            return;
        }
}

static size_t some_size(struct st_rng *rng)
{
    return st_rng_one_in(rng, 16) ? st_rng_size(rng, SMALL, LARGEST)
                                  : st_rng_size(rng, SMALLEST, SMALL);
}

static void take(struct held *held, struct st_rng *rng)
{
    size_t align = st_rng_one_in(rng, 16) ? (size_t)1 << st_rng_below(rng, 14) : 1;
    bool   atomic = st_rng_one_in(rng, 8);

    held->bytes = some_size(rng);
    held->of_reserve = false;
    if (atomic)
        port_atomic_begin();
    held->block = align == 1 ? talus_malloc(held->bytes) : talus_aligned_alloc(align, held->bytes);
    if (atomic) {
        port_atomic_end();
        tl_counter_add_shared(held->block != NULL ? &atomic_served : &atomic_refused, 1);
    }
    if (held->block == NULL && atomic)
        return;
    if (held->block == NULL)
        finding("no memory for %lu bytes", (unsigned long)held->bytes);
    else if (((uintptr_t)held->block & (align - 1)) != 0)
        finding("%lx is not aligned to %lu", (unsigned long)(uintptr_t)held->block,
                (unsigned long)align);
    else
        fill(held, (uint32_t)st_rng_next(rng));
}

static void give_back(struct held *held)
{
    if (held->block == NULL)
        return;
    check(held, held->bytes);
    talus_free(held->block);
    held->block = NULL;
}

static void resize(struct held *held, struct st_rng *rng)
{
    size_t    bytes = some_size(rng);
    uint32_t *block = talus_realloc(held->block, bytes);

    if (block == NULL) {
        finding("no memory to resize to %lu bytes", (unsigned long)bytes);
        return;
    }
    held->block = block;
    check(held, bytes);
    held->bytes = bytes;
    held->of_reserve = false; /* it may have become too small */
    fill(held, held->key + 1);
}

static bool claim(unsigned slot)
{
    uint32_t nobody = 0;

    return tl_cas32_acquire(&shared[slot].claimed, &nobody, 1); /* pairs with let_go */
}

static void let_go(unsigned slot)
{
    tl_store32_release(&shared[slot].claimed, 0);
}

static void exchange(struct held *held, struct st_rng *rng)
{
    unsigned    slot = st_rng_below(rng, SHARED);
    struct held other;

    if (!claim(slot))
        return;
    other = shared[slot].held;
    shared[slot].held = *held;
    *held = other;
    let_go(slot);
}

static void work(unsigned thread, struct st_rng *rng)
{
    struct held *mine = hands[thread].held;

    for (uint32_t i = 0; i < 4 * run.iterations; i++) {
        struct held *one = &mine[st_rng_below(rng, HELD)];

        if (one->block == NULL)
            take(one, rng);
        else if (st_rng_one_in(rng, 8))
            resize(one, rng);
        else
            give_back(one);
        if (st_rng_one_in(rng, 4))
            exchange(one, rng);
        if (st_rng_one_in(rng, 64) && !talus_reserve_prepare(reserve, RESERVE_LOW))
            finding("no memory for the reserve");
        if (thread == 0 && st_rng_one_in(rng, 256))
            talus_heap_trim(talus_heap_default());
        tl_store32_relaxed(&hands[thread].steps, i + 1);
    }
    for (unsigned i = 0; i < HELD; i++)
        give_back(&mine[i]);
    count_operations(4 * run.iterations);
}

/* Fills an empty place of the table from the reserve, or empties a full one. */
static void handle(struct st_rng *rng, uintptr_t *freed)
{
    unsigned     slot = st_rng_below(rng, SHARED);
    struct held *held = &shared[slot].held;

    if (!claim(slot))
        return;
    if (held->block == NULL) {
        *held = (struct held){ talus_reserve_take(reserve), RESERVE_BYTES, 0, true };
        if (held->block != NULL)
            fill(held, (uint32_t)st_rng_next(rng));
    } else {
        check(held, held->bytes);
        if (held->of_reserve && st_rng_one_in(rng, 2)) {
            talus_reserve_put(reserve, held->block);
        } else {
            talus_free_from_interrupt(held->block);
            *freed += !held->of_reserve;
        }
        held->block = NULL;
    }
    let_go(slot);
}

/* A spoilt list may run in a circle. */
static void look_for_progress(unsigned cpu)
{
    uint32_t steps = 0;

    if (!instructions_count || ++handlers[cpu].interrupts % LOOK_INTERRUPTS != 0)
        return;
    for (unsigned thread = 0; thread < run.threads; thread++)
        steps += tl_load32_relaxed(&hands[thread].steps);
    if (steps == handlers[cpu].steps)
        bare_panic("stuck: no thread came further during %u interrupts", (unsigned)LOOK_INTERRUPTS);
    handlers[cpu].steps = steps;
}

static void interrupt(unsigned thread, uintptr_t pc)
{
    unsigned       cpu = machine_cpu();
    struct st_rng *rng = &handlers[cpu].rng;
    unsigned       times = st_rng_one_in(rng, 8) ? BURST : 1;

    (void)thread;
    (void)pc;
    if (cpu == 0)
        port_tick();
    while (times-- > 0)
        handle(rng, &handlers[cpu].freed);
    look_for_progress(cpu);
}

static void prepare(void)
{
    for (unsigned cpu = 0; cpu < run.cpus; cpu++)
        handlers[cpu].rng.state = st_mix(((uint64_t)run.seed << 32) + THREADS_MAX + cpu);
    if (!port_start())
        bare_panic("the heap does not start");
    talus_set_misuse_handler(note_misuse);
    instructions_count = bare_option_number("icount", UINT32_MAX) != UINT32_MAX;
    reserve = talus_reserve_create(talus_heap_default(), RESERVE_BYTES, 0, RESERVE_BLOCKS,
                                   RESERVE_LOW, NULL, NULL);
    if (reserve == NULL)
        bare_panic("no reserve");
}

/* A finding when nothing of the kind happened. */
static void demand(const char *what, uintptr_t number)
{
    if (number == 0)
        finding("no pressure: %s: 0", what);
}

static void judge_pressure(const talus_heap_stats_t *heap, const talus_reserve_stats_t *taken)
{
    uintptr_t inside = 0, late = 0, freed = 0;

    for (unsigned cpu = 0; cpu < run.cpus; cpu++) {
        struct bare_counts counts = bare_counts(cpu);

        inside += counts.watched;
        late += counts.late;
        freed += handlers[cpu].freed;
    }
    bare_print("reserve: %lu takes, %lu misses, %lu puts, %lu refills\n",
               (unsigned long)taken->takes, (unsigned long)taken->misses,
               (unsigned long)taken->puts, (unsigned long)taken->refills);
    bare_print("heap: %lu bytes mapped at most, %lu maps, %lu unmaps, %lu refused, %lu batches "
               "from other cpus; "
               "%lu blocks of threads freed by interrupts; %lu interrupts inside the heap\n",
               (unsigned long)heap->mapped_peak, (unsigned long)heap->provider_maps,
               (unsigned long)heap->provider_unmaps, (unsigned long)heap->provider_failures,
               (unsigned long)heap->remote_batches, (unsigned long)freed, (unsigned long)inside);
    bare_print("threads that must not block: %lu allocations, %lu refused\n",
               (unsigned long)tl_counter_read(&atomic_served),
               (unsigned long)tl_counter_read(&atomic_refused));
    demand("allocations of threads that must not block", tl_counter_read(&atomic_served));
    demand("interrupts inside the heap", inside);
    demand("blocks of threads freed by interrupts", freed);
    demand("takes from the reserve", taken->takes);
    demand("takes that found it empty", taken->misses);
    demand("puts", taken->puts);
    demand("refills", taken->refills);
    demand("maps", (uintptr_t)heap->provider_maps);
    demand("unmaps", (uintptr_t)heap->provider_unmaps);
    if (run.cpus > 1)
        demand("batches from other cpus", (uintptr_t)heap->remote_batches);
    if (run.threads_per_cpu > 1)
        demand("switches at an unpin", late);
}

static void judge(void)
{
    talus_reserve_stats_t taken;
    talus_heap_stats_t    stats;

    for (unsigned slot = 0; slot < SHARED; slot++)
        give_back(&shared[slot].held);
    talus_reserve_stats(reserve, &taken);
    talus_reserve_destroy(reserve);
    for (unsigned cpu = 0; cpu < run.cpus; cpu++)
        talus_kernel_cpu_gone(cpu);
    talus_heap_trim(talus_heap_default());
    talus_heap_stats(talus_heap_default(), &stats);
    expect_equal("bytes that are still allocated", stats.allocated, 0);
    expect_equal("free bytes of all that is mapped", stats.free_pages, stats.mapped);
    expect_equal("blocks with wrong contents", tl_counter_read(&wrong_contents), 0);
    expect_equal("misuses", tl_counter_read(&misuses), 0);
    judge_pressure(&stats, &taken);
}

static const struct part part_heap = { "heap", prepare, work, interrupt, judge };

static const struct part *const parts[] = { &part_heap, NULL };

const struct suite heap_suite = { "heap", parts };
