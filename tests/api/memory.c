/* memory.c: memory under one-way flow between threads stays bounded, and goes back to the system
 * when the load ends (R16, R30).
 *
 * A producer allocates blocks of mixed sizes and hands them to a consumer, who keeps the last so
 * many alive and frees the rest:
 * every free is remote. When the load ends the consumer frees all it has; what stays live was
 * allocated before the load. TALUS_MEMORY_SECONDS says for how long. The figure is what the process
 * has resident beyond what it had before; with a sanitizer in the process, whose shadow counts as
 * resident too, it is what the heap says. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include <talus/heap.h>

#include "lib/process.h"
#include "lib/rng.h"
#include "lib/test.h"

enum { RING = 256, KEPT_MAX = 8000, LASTING = 4000, SIZE_MAX_BYTES = 32 * 1024 };

enum phase { LOADED, QUIET, ENDED };
enum thread { PRODUCER, CONSUMER, THREADS };

/* How long what is resident may take to go back: so long, and so many rounds of each thread's
 * activity, which brings it about. A thread that gets no CPU has no activity. */
enum { BACK_MS = 20000, BACK_MS_MOST = 50000, ROUND_MS = 10, BACK_ROUNDS = BACK_MS / ROUND_MS };

static struct {
    _Atomic(void *) ring[RING];
    _Atomic size_t  produced;
    _Atomic size_t  live_bytes; /* asked for, in the consumer's hands or lasting */
    atomic_int      phase;
    atomic_bool     produced_all;
    atomic_int      rounds[THREADS]; /* of activity; 0: the load has not ended */
    atomic_int      errors;
    uint64_t        seed;
    size_t          baseline;
    void           *kept[KEPT_MAX];
    void           *lasting[LASTING];
} flow;

static void sleep_ms(long ms)
{
    const struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

    nanosleep(&time, NULL);
}

/* What an idle thread of a program does now and then: it keeps no memory, but lets the heap see to
 * its own. */
static void little_activity(enum thread thread)
{
    while (atomic_load(&flow.phase) != ENDED) {
        for (size_t size = 16; size <= 4096; size *= 4) {
            void *block = talus_malloc(size);

            if (block == NULL)
                atomic_fetch_add(&flow.errors, 1);
            talus_free(block);
        }
        atomic_fetch_add(&flow.rounds[thread], 1);
        sleep_ms(ROUND_MS);
    }
}

static void *produce(void *context)
{
    struct rng rng = rng_seeded(flow.seed);

    (void)context;
    for (uint64_t i = 0; atomic_load(&flow.phase) == LOADED; i++) {
        size_t  size = 16 + rng_size(&rng, SIZE_MAX_BYTES - 16);
        size_t *block = talus_malloc(size);

        if (block == NULL) {
            atomic_fetch_add(&flow.errors, 1);
            break;
        }
        memset(block, (int)i, size);
        block[0] = size;
        while (atomic_load_explicit(&flow.ring[i % RING], memory_order_acquire) != NULL)
            if (atomic_load(&flow.phase) == LOADED) {
                sched_yield();
            } else {
                talus_free(block);
                goto done;
            }
        atomic_store_explicit(&flow.ring[i % RING], block, memory_order_release);
        atomic_fetch_add_explicit(&flow.produced, 1, memory_order_relaxed);
    }
done:
    atomic_store(&flow.produced_all, true);
    little_activity(PRODUCER);
    return NULL;
}

static void drop(size_t slot)
{
    size_t *block = flow.kept[slot];

    if (block == NULL)
        return;
    atomic_fetch_sub(&flow.live_bytes, block[0]);
    talus_free(block);
    flow.kept[slot] = NULL;
}

static void *consume(void *context)
{
    size_t next = 0; /* slot of the oldest block kept, which the next one replaces */

    (void)context;
    for (uint64_t i = 0; atomic_load(&flow.phase) == LOADED; i++) {
        size_t *block;

        while ((block = atomic_load_explicit(&flow.ring[i % RING], memory_order_acquire)) == NULL)
            if (atomic_load(&flow.phase) == LOADED)
                sched_yield();
            else
                goto done;
        atomic_store_explicit(&flow.ring[i % RING], NULL, memory_order_release);
        drop(next);
        atomic_fetch_add(&flow.live_bytes, block[0]);
        flow.kept[next] = block;
        next = (next + 1) % KEPT_MAX;
    }
done:
    for (size_t i = 0; i < KEPT_MAX; i++)
        drop(i);
    while (!atomic_load(&flow.produced_all))
        sched_yield();
    for (size_t i = 0; i < RING; i++) /* a block left here would hold its whole span */
        talus_free(atomic_exchange(&flow.ring[i], NULL));
    little_activity(CONSUMER);
    return NULL;
}

/* The blocks that live through it all. */
static void make_lasting(void)
{
    struct rng rng = rng_seeded(flow.seed + 1);

    for (size_t i = 0; i < LASTING; i++) {
        size_t size = 16 + rng_size(&rng, SIZE_MAX_BYTES - 16);

        flow.lasting[i] = talus_malloc(size);
        assert_non_null(flow.lasting[i]);
        memset(flow.lasting[i], 1, size);
        atomic_fetch_add(&flow.live_bytes, size);
    }
}

static size_t resident(void)
{
    talus_heap_stats_t stats;
    size_t             now;

    if (TEST_SANITIZED) {
        talus_heap_stats(talus_heap_default(), &stats);
        return stats.mapped - stats.free_pages + stats.dirty_pages + stats.metadata;
    }
    now = process_resident();
    return now > flow.baseline ? now - flow.baseline : 0;
}

/* The largest figure seen while the load runs for another `ms`. */
static size_t watch(uint64_t ms)
{
    uint64_t until = process_now_ms() + ms;
    size_t   largest = 0;

    while (process_now_ms() < until) {
        size_t now = resident();

        largest = now > largest ? now : largest;
        sleep_ms(20);
    }
    return largest;
}

/* Rounds of activity of the thread that had fewer. */
static int rounds(void)
{
    int producer = atomic_load(&flow.rounds[PRODUCER]);
    int consumer = atomic_load(&flow.rounds[CONSUMER]);

    return producer < consumer ? producer : consumer;
}

static bool is_back(void)
{
    size_t bound = atomic_load(&flow.live_bytes) * 13 / 10 + 4 * MIB;

    if (TEST_SANITIZED)
        bound += 8 * MIB; /* the heap's figure counts pages of spans that nobody has touched yet */
    return rounds() > 0 && resident() <= bound;
}

static bool is_back_or_had_its_time(void *start_ms)
{
    return is_back() ||
           (process_now_ms() - *(uint64_t *)start_ms >= BACK_MS && rounds() >= BACK_ROUNDS);
}

static void report(size_t steady, size_t later)
{
    talus_heap_stats_t stats;

    talus_heap_stats(talus_heap_default(), &stats);
    printf("steady %zu KiB, later %zu KiB, %llu blocks; after the load %zu KiB for %zu KiB live\n",
           steady / KIB, later / KIB, (unsigned long long)atomic_load(&flow.produced),
           resident() / KIB, atomic_load(&flow.live_bytes) / KIB);
    printf("%d rounds of activity since\n", rounds());
    printf("the heap: mapped %zu KiB, allocated %zu KiB, free %zu KiB, of it dirty %zu KiB\n",
           stats.mapped / KIB, stats.allocated / KIB, stats.free_pages / KIB,
           stats.dirty_pages / KIB);
}

/* R16, R30: under remote free memory does not grow beyond 1.5 times its steady state; once the load
 * has ended and the decay time has passed, what is resident is within 1.3 times the live bytes plus
 * 4 MiB, without any call of talus_heap_trim. */
static void memory_is_bounded_and_comes_back(void **state)
{
    const char *text = getenv("TALUS_MEMORY_SECONDS");
    uint64_t    seconds = text != NULL ? strtoull(text, NULL, 10) : 5;
    pthread_t   producer;
    pthread_t   consumer;
    size_t      steady;
    size_t      later;
    uint64_t    start_ms;
    bool        back;

    (void)state;
    assert_in_range(seconds, 2, 100000);
    flow.seed = test_seed();
    talus_free(talus_malloc(1));
    memset(flow.kept, 0, sizeof flow.kept);
    memset(flow.lasting, 0, sizeof flow.lasting);
    flow.baseline = process_resident();
    make_lasting();
    assert_int_equal(pthread_create(&producer, NULL, produce, NULL), 0);
    assert_int_equal(pthread_create(&consumer, NULL, consume, NULL), 0);
    while (atomic_load(&flow.produced) < 2 * KEPT_MAX && atomic_load(&flow.errors) == 0)
        sleep_ms(1);
    steady = watch(1000);
    later = watch((seconds - 1) * 1000);
    atomic_store(&flow.phase, QUIET);
    start_ms = process_now_ms();
    (void)process_wait_until(is_back_or_had_its_time, &start_ms, BACK_MS_MOST);
    back = is_back();
    report(steady, later);
    atomic_store(&flow.phase, ENDED);
    assert_int_equal(pthread_join(producer, NULL), 0);
    assert_int_equal(pthread_join(consumer, NULL), 0);
    assert_int_equal(atomic_load(&flow.errors), 0);
    assert_in_range(later, 0, steady + steady / 2);
    assert_true(back);
    for (size_t i = 0; i < LASTING; i++)
        talus_free(flow.lasting[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_bounded_and_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
