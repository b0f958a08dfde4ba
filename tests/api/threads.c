/* threads.c: the default heap used from many threads (R30). The long runs, with an oracle, are in
 * stress/. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <talus/heap.h>

#include "lib/pattern.h"
#include "lib/rng.h"
#include "lib/test.h"

enum { THREADS = 8, BLOCKS = 500 };

struct worker {
    pthread_t thread;
    uint64_t  seed;
    void     *blocks[BLOCKS];
    size_t    sizes[BLOCKS];
    int       errors; /* checked after the join: assertions belong to the main thread */
};

static struct worker workers[THREADS];

static void start_all(void *(*body)(void *))
{
    uint64_t seed = test_seed();

    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ .seed = seed + i };
        assert_int_equal(pthread_create(&workers[i].thread, NULL, body, &workers[i]), 0);
    }
}

static void join_all(void)
{
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].errors, 0);
    }
}

static void fill(struct worker *worker, size_t largest)
{
    struct rng rng = rng_seeded(worker->seed);

    for (size_t i = 0; i < BLOCKS; i++) {
        worker->sizes[i] = rng_size(&rng, largest);
        worker->blocks[i] = talus_malloc(worker->sizes[i]);
        if (worker->blocks[i] == NULL)
            worker->errors++;
        else
            pattern_fill(worker->blocks[i], worker->sizes[i], worker->seed * BLOCKS + i);
    }
}

static void check_and_free(struct worker *worker, int *errors)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        if (worker->blocks[i] == NULL)
            continue;
        if (!pattern_holds(worker->blocks[i], worker->sizes[i], worker->seed * BLOCKS + i))
            (*errors)++;
        talus_free(worker->blocks[i]);
        worker->blocks[i] = NULL;
    }
}

static void *fill_and_leave(void *context)
{
    fill(context, 200000);
    return NULL;
}

static void *free_what_the_next_made(void *context)
{
    struct worker *worker = context;
    struct worker *next = &workers[(size_t)(worker - workers + 1) % THREADS];

    check_and_free(next, &worker->errors);
    return NULL;
}

static void *fill_and_free(void *context)
{
    struct worker *worker = context;

    for (int round = 0; round < 10; round++) {
        fill(worker, 20000);
        check_and_free(worker, &worker->errors);
    }
    return NULL;
}

/* R1, R30: blocks outlive the thread that made them; others free them, and the memory serves new
 * threads. */
static void blocks_outlive_their_thread(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        start_all(fill_and_leave);
        join_all();
        for (size_t i = 0; i < THREADS; i++)
            check_and_free(&workers[i], &workers[i].errors);
        for (size_t i = 0; i < THREADS; i++)
            assert_int_equal(workers[i].errors, 0);
    }
}

/* R30: each thread frees what another one made, all at once. */
static void every_thread_frees_anothers_blocks(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        pthread_t threads[THREADS];

        start_all(fill_and_leave);
        join_all();
        for (size_t i = 0; i < THREADS; i++)
            assert_int_equal(
                pthread_create(&threads[i], NULL, free_what_the_next_made, &workers[i]), 0);
        for (size_t i = 0; i < THREADS; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (size_t i = 0; i < THREADS; i++)
            assert_int_equal(workers[i].errors, 0);
    }
}

/* R30: threads that work at the same time do not disturb each other. */
static void threads_side_by_side(void **state)
{
    (void)state;
    start_all(fill_and_free);
    join_all();
}

/* A hand-over of blocks from one thread to the other through a ring of slots. */
enum { RING = 64 };

static struct {
    _Atomic(uint64_t *) slots[RING];
    atomic_int          errors;
    int                 rounds;
} ring;

static void *produce(void *context)
{
    (void)context;
    for (int i = 0; i < ring.rounds; i++) {
        uint64_t *block = talus_malloc(64 + (size_t)(i % 50) * 16);

        if (block == NULL) {
            atomic_fetch_add(&ring.errors, 1);
            return NULL;
        }
        block[0] = (uint64_t)i;
        block[7] = ~(uint64_t)i;
        while (atomic_load_explicit(&ring.slots[i % RING], memory_order_acquire) != NULL)
            sched_yield();
        atomic_store_explicit(&ring.slots[i % RING], block, memory_order_release);
    }
    return NULL;
}

static void *consume(void *context)
{
    (void)context;
    for (int i = 0; i < ring.rounds; i++) {
        uint64_t *block;

        while ((block = atomic_load_explicit(&ring.slots[i % RING], memory_order_acquire)) == NULL)
            sched_yield();
        atomic_store_explicit(&ring.slots[i % RING], NULL, memory_order_release);
        if (block[0] != (uint64_t)i || block[7] != ~(uint64_t)i)
            atomic_fetch_add(&ring.errors, 1);
        talus_free(block);
    }
    return NULL;
}

/* R30: one thread allocates, the other frees: every block arrives whole, and the memory flows back
 * to the first. */
static void memory_flows_back_to_the_producer(void **state)
{
    talus_heap_stats_t before;
    talus_heap_stats_t after;
    pthread_t          producer;
    pthread_t          consumer;

    (void)state;
    ring.rounds = TEST_ROUNDS(300000);
    talus_heap_stats(talus_heap_default(), &before);
    assert_int_equal(pthread_create(&producer, NULL, produce, NULL), 0);
    assert_int_equal(pthread_create(&consumer, NULL, consume, NULL), 0);
    assert_int_equal(pthread_join(producer, NULL), 0);
    assert_int_equal(pthread_join(consumer, NULL), 0);
    talus_heap_stats(talus_heap_default(), &after);
    assert_int_equal(atomic_load(&ring.errors), 0);
    /* what went through is 50 times as much */
    assert_in_range(after.mapped_peak, 0, before.mapped_peak + 8 * MIB);
}

static void *one_block(void *context)
{
    struct worker *worker = context;

    worker->blocks[0] = talus_malloc(100);
    return NULL;
}

/* R30, R40: threads that come and go reuse what their predecessors left: neither caches nor pages
 * add up. */
static void thread_churn_does_not_add_up(void **state)
{
    talus_heap_stats_t after_few;
    talus_heap_stats_t after_many;
    struct worker      worker = { .errors = 0 };

    (void)state;
    for (int i = 0; i < TEST_ROUNDS(2000); i++) {
        if (i == 20)
            talus_heap_stats(talus_heap_default(), &after_few);
        assert_int_equal(pthread_create(&worker.thread, NULL, one_block, &worker), 0);
        assert_int_equal(pthread_join(worker.thread, NULL), 0);
        assert_non_null(worker.blocks[0]);
        talus_free(worker.blocks[0]);
    }
    talus_heap_stats(talus_heap_default(), &after_many);
    assert_in_range(after_many.caches, 0, after_few.caches + 1);
    assert_in_range(after_many.mapped, 0, after_few.mapped + MIB);
    assert_in_range(after_many.metadata, 0, after_few.metadata + 64 * KIB);
    assert_true(after_many.adoptions > 0);
}

static pthread_key_t late_key;
static atomic_int    late_calls;

static void allocate_in_a_destructor(void *value)
{
    void *block = talus_malloc(300);
    int   round = atomic_fetch_add(&late_calls, 1);

    talus_free(value);
    if (block != NULL) {
        memset(block, round, 300);
        /* once more, in the next round of destructors: after talus may have let go of this
         * thread */
        if (round % 3 != 2)
            pthread_setspecific(late_key, block);
        else
            talus_free(block);
    }
}

static void *set_late_key(void *context)
{
    struct worker *worker = context;
    void          *block = talus_malloc(300);

    if (block == NULL || pthread_setspecific(late_key, block) != 0)
        worker->errors++;
    return NULL;
}

/* R30: destructors of thread-specific data may allocate and free, in any order with the heap's
 * own. */
static void destructors_may_allocate(void **state)
{
    struct worker worker = { .errors = 0 };

    (void)state;
    assert_int_equal(pthread_key_create(&late_key, allocate_in_a_destructor), 0);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(pthread_create(&worker.thread, NULL, set_late_key, &worker), 0);
        assert_int_equal(pthread_join(worker.thread, NULL), 0);
    }
    assert_int_equal(worker.errors, 0);
    assert_int_equal(atomic_load(&late_calls), 60);
    assert_int_equal(pthread_key_delete(late_key), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_outlive_their_thread),
        cmocka_unit_test(every_thread_frees_anothers_blocks),
        cmocka_unit_test(threads_side_by_side),
        cmocka_unit_test(memory_flows_back_to_the_producer),
        cmocka_unit_test(thread_churn_does_not_add_up),
        cmocka_unit_test(destructors_may_allocate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
