/* heap_threads.c: heap instances used from many threads, which come and go around them (R19,
 * R30). */
#include <pthread.h>

#include <talus/heap.h>

#include "lib/counted_heap.h"
#include "lib/pattern.h"
#include "lib/rng.h"
#include "lib/test.h"

enum { THREADS = 6, BLOCKS = 400 };

struct worker {
    pthread_t   thread;
    talus_heap *heap;
    uint64_t    seed;
    void       *blocks[BLOCKS];
    size_t      sizes[BLOCKS];
    size_t      refused;
    int         errors;
};

static struct worker workers[THREADS];

static void start_all(talus_heap *heap, void *(*body)(void *))
{
    uint64_t seed = test_seed();

    for (size_t i = 0; i < THREADS;
         i++) { /* all of them first: a worker may look at its neighbour's */
        workers[i].heap = heap;
        workers[i].seed = seed + i;
        workers[i].errors = 0;
        workers[i].refused = 0;
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&workers[i].thread, NULL, body, &workers[i]), 0);
}

static void join_all(void)
{
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].errors, 0);
    }
}

/* Allocates, checks and frees at random; leaves live what is live at the end. */
static void *random_load(void *context)
{
    struct worker *worker = context;
    struct rng     rng = rng_seeded(worker->seed);

    for (int step = 0; step < TEST_ROUNDS(20000); step++) {
        size_t at = rng_below(&rng, BLOCKS);

        if (worker->blocks[at] != NULL) {
            if (!pattern_holds(worker->blocks[at], worker->sizes[at], worker->seed + at))
                worker->errors++;
            talus_heap_free(worker->heap, worker->blocks[at]);
            worker->blocks[at] = NULL;
            continue;
        }
        worker->sizes[at] = rng_size(&rng, 30000);
        errno = 0;
        worker->blocks[at] = talus_heap_alloc(worker->heap, worker->sizes[at], 0, NULL);
        if (worker->blocks[at] != NULL) {
            pattern_fill(worker->blocks[at], worker->sizes[at], worker->seed + at);
        } else {
            worker->refused++;
            if (errno != ENOMEM)
                worker->errors++;
        }
    }
    return NULL;
}

static void *free_the_next_ones(void *context)
{
    struct worker *worker = context;
    struct worker *next = &workers[(size_t)(worker - workers + 1) % THREADS];

    for (size_t i = 0; i < BLOCKS; i++) {
        if (next->blocks[i] == NULL)
            continue;
        if (!pattern_holds(next->blocks[i], next->sizes[i], next->seed + i))
            worker->errors++;
        if (i % 2 == 0)
            talus_heap_free(worker->heap, next->blocks[i]);
        else
            talus_free(next->blocks[i]);
        next->blocks[i] = NULL;
    }
    return NULL;
}

/* R19, R30: one heap, many threads; blocks freed by others; all pages come back. */
static void one_heap_many_threads(void **state)
{
    talus_heap        *heap = create_counted();
    talus_heap_stats_t stats;

    (void)state;
    memset(workers, 0, sizeof workers);
    for (int round = 0; round < 3; round++) {
        start_all(heap, random_load);
        join_all();
        start_all(heap, free_the_next_ones);
        join_all();
    }
    talus_heap_trim(heap);
    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.allocated, 0);
    destroy_counted(heap);
}

/* R19: destroyed with blocks of many threads live; the threads are gone. */
static void destroyed_after_its_threads(void **state)
{
    talus_heap *heap = create_counted();

    (void)state;
    memset(workers, 0, sizeof workers);
    start_all(heap, random_load);
    join_all();
    destroy_counted(heap);
}

/* R15, R30: many threads against a limit: it holds, all failures are ENOMEM, and all is there again
 * after the frees. */
static void many_threads_against_a_limit(void **state)
{
    talus_heap *heap = create_counted(.limit = 2 * MIB);
    size_t      refused = 0;
    void       *block;

    (void)state;
    memset(workers, 0, sizeof workers);
    for (int round = 0; round < 3; round++) {
        start_all(heap, random_load);
        join_all();
        for (size_t i = 0; i < THREADS; i++)
            refused += workers[i].refused;
        start_all(heap, free_the_next_ones);
        join_all();
    }
    assert_true(refused > 0);
    assert_true(counted.bytes_peak <= 2 * MIB);
    block = talus_heap_alloc(heap, MIB, 0, NULL);
    assert_non_null(block);
    talus_heap_free(heap, block);
    destroy_counted(heap);
}

static pthread_barrier_t barrier;

static void *outlive_the_heap(void *context)
{
    struct worker *worker = context;
    void          *block = talus_heap_alloc(worker->heap, 100, 0, NULL);
    void          *again = NULL;

    if (block == NULL)
        worker->errors++;
    pthread_barrier_wait(&barrier); /* the heap is destroyed */
    pthread_barrier_wait(&barrier);
    block = talus_malloc(100);
    again = talus_malloc(5000);
    if (block == NULL || again == NULL)
        worker->errors++;
    talus_free(again);
    talus_free(block);
    return NULL;
}

/* R19: threads that used a heap may live on after its destruction, use other heaps, and exit. */
static void threads_outlive_a_heap(void **state)
{
    (void)state;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS + 1), 0);
    for (int round = 0; round < 10; round++) {
        talus_heap *heap = create_counted();
        talus_heap *next;

        start_all(heap, outlive_the_heap);
        pthread_barrier_wait(&barrier);
        destroy_counted(heap);
        next = create_counted();
        assert_non_null(talus_heap_alloc(next, 100, 0, NULL));
        pthread_barrier_wait(&barrier);
        join_all();
        destroy_counted(next);
    }
    pthread_barrier_destroy(&barrier);
}

static void *own_heaps(void *context)
{
    struct worker *worker = context;

    for (int round = 0; round < TEST_ROUNDS(100); round++) {
        talus_heap_options options = { .name = "own", .limit = MIB };
        talus_heap        *heap = talus_heap_create(&options);
        unsigned char     *block;

        if (heap == NULL) {
            worker->errors++;
            return NULL;
        }
        for (size_t size = 1; size < 50000; size *= 2) {
            block = talus_heap_alloc(heap, size, 0, NULL);
            if (block == NULL)
                worker->errors++;
            else
                memset(block, 0x11, size);
        }
        if (!talus_heap_destroy(heap))
            worker->errors++;
    }
    return NULL;
}

/* R19: heaps are created and destroyed in many threads at once. */
static void heaps_come_and_go_in_many_threads(void **state)
{
    (void)state;
    start_all(NULL, own_heaps);
    join_all();
}

static void *watch_stats(void *context)
{
    struct worker *worker = context;

    for (int i = 0; i < TEST_ROUNDS(2000); i++) {
        talus_heap_stats_t stats;

        talus_heap_stats(worker->heap, &stats);
        if (stats.free_pages > stats.mapped || stats.largest_free_run > stats.free_pages ||
            stats.dirty_pages > stats.free_pages || stats.caches_idle > stats.caches)
            worker->errors++;
        if (i % 100 == 0)
            talus_heap_trim(worker->heap);
    }
    return NULL;
}

/* R40: statistics and trim may be called while others allocate and free. */
static void statistics_while_others_work(void **state)
{
    talus_heap   *heap = create_counted();
    struct worker watcher = { .heap = heap };

    (void)state;
    memset(workers, 0, sizeof workers);
    assert_int_equal(pthread_create(&watcher.thread, NULL, watch_stats, &watcher), 0);
    start_all(heap, random_load);
    join_all();
    assert_int_equal(pthread_join(watcher.thread, NULL), 0);
    assert_int_equal(watcher.errors, 0);
    destroy_counted(heap);
}

static struct {
    talus_heap *heap;
    void       *block; /* theirs */
    size_t      bytes;
    unsigned    maps;
} meanwhile;

static void *take_meanwhile(void *arg)
{
    meanwhile.block = talus_heap_alloc(meanwhile.heap, meanwhile.bytes, 0, NULL);
    return arg;
}

/* The first block only; before it refuses more, another thread takes what is free. */
static void *map_once(void *context, size_t bytes)
{
    (void)context;
    if (meanwhile.maps++ == 0)
        return counted.provider.map(counted.provider.context, bytes);
    if (meanwhile.block == NULL) {
        pthread_t other;

        if (pthread_create(&other, NULL, take_meanwhile, NULL) == 0)
            pthread_join(other, NULL);
    }
    return NULL;
}

static void unmap_counted(void *context, void *block, size_t bytes)
{
    (void)context;
    counted.provider.unmap(counted.provider.context, block, bytes);
}

/* R4, R14: room for a block that grows is refused, and what was free before is another's by then.
 * */
static void room_is_refused_while_others_take(void **state)
{
    talus_provider     provider = { .map = map_once, .unmap = unmap_counted, .zeroed = true };
    talus_heap_options options = { .name = "meanwhile", .provider = &provider };
    char              *block;
    char              *grown;

    (void)state;
    meanwhile.heap = create_counted_over(NULL, options);
    meanwhile.bytes = 400 * KIB;
    block = talus_heap_alloc(meanwhile.heap, 40000, 0, NULL);
    assert_non_null(block);
    grown = talus_heap_realloc(meanwhile.heap, block, meanwhile.bytes, NULL);
    assert_non_null(grown);
    assert_true(meanwhile.maps > 1);
    assert_non_null(meanwhile.block);
    assert_true(grown + meanwhile.bytes <= (char *)meanwhile.block ||
                (char *)meanwhile.block + meanwhile.bytes <= grown);
    talus_heap_free(meanwhile.heap, grown);
    talus_heap_free(meanwhile.heap, meanwhile.block);
    destroy_counted(meanwhile.heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_heap_many_threads),
        cmocka_unit_test(destroyed_after_its_threads),
        cmocka_unit_test(many_threads_against_a_limit),
        cmocka_unit_test(room_is_refused_while_others_take),
        cmocka_unit_test(threads_outlive_a_heap),
        cmocka_unit_test(heaps_come_and_go_in_many_threads),
        cmocka_unit_test(statistics_while_others_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
