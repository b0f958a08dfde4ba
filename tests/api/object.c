/* object.c: caches of constructed objects: what stays constructed, what goes back, what is refused
 * (R5, R16, R19, R20, R30, R40, R45). */
#include <pthread.h>

#include <talus/object.h>

#include "fail/faulty_provider.h"
#include "lib/object_load.h"
#include "lib/process.h"
#include "lib/test.h"
#include "misuse/recorder.h"

#define MAGAZINE (sizeof(void *) == 8 ? 15u : 30u)

struct thing {
    uintptr_t first; /* where a free block has its link */
    size_t    uses;
    char      name[40];
};

static struct {
    size_t constructed, destructed;
    size_t fail_at; /* the constructor's call that fails; 0: none */
} calls;

static bool construct(void *context, void *object)
{
    struct thing *thing = object;
    assert_ptr_equal(context, &calls);
    if (++calls.constructed == calls.fail_at) {
        calls.constructed--;
        return false;
    }
    *thing = (struct thing){ .first = ~(uintptr_t)thing, .name = "constructed" };
    return true;
}

static void destruct(void *context, void *object)
{
    struct thing *thing = object;
    assert_ptr_equal(context, &calls);
    assert_int_equal(thing->first, ~(uintptr_t)thing);
    assert_string_equal(thing->name, "constructed");
    calls.destructed++;
}

static const talus_object_type thing_type = { .name = "thing",
                                              .size = sizeof(struct thing),
                                              .construct = construct,
                                              .destruct = destruct,
                                              .context = &calls,
                                              .magazines = 2 };

static struct faulty_provider provider;
static talus_heap            *heap;
static talus_object_cache    *cache;

static int open_cache(void **state)
{
    memset(&calls, 0, sizeof calls);
    start_recording(state);
    faulty_provider_open(&provider, NULL);
    heap = talus_heap_create(
        &(talus_heap_options){ .provider = &provider.provider, .growth = 64 * KIB });
    cache = talus_object_cache_create(heap, &thing_type);
    return cache != NULL ? 0 : -1;
}

/* Every object that was constructed is destroyed, and the heap has everything back. */
static int close_cache(void **state)
{
    talus_heap_stats_t stats;
    assert_true(talus_object_cache_destroy(cache));
    assert_int_equal(calls.constructed, calls.destructed);
    talus_heap_trim(heap);
    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.allocated, 0);
    assert_true(talus_heap_destroy(heap));
    assert_null(provider.violation);
    faulty_provider_close(&provider);
    return heap_works_on(state);
}

static talus_object_stats_t stats_of(const talus_object_cache *of)
{
    talus_object_stats_t stats;
    talus_object_cache_stats(of, &stats);
    return stats;
}

static void stays_constructed(void **state)
{
    (void)state;
    struct thing *thing = talus_object_cache_alloc(cache);
    assert_non_null(thing);
    for (size_t round = 1; round <= 100; round++) {
        thing->uses++;
        talus_object_cache_free(cache, thing);
        assert_ptr_equal(talus_object_cache_alloc(cache), thing);
        assert_int_equal(thing->first, ~(uintptr_t)thing);
        assert_int_equal(thing->uses, round);
        assert_string_equal(thing->name, "constructed");
    }
    assert_int_equal(calls.constructed, 1);
    talus_object_cache_free(cache, thing);
    talus_object_cache_free(cache, NULL);
}

enum { MANY = 200 };
static void *objects[MANY];

static void take_many(void)
{
    for (size_t i = 0; i < MANY; i++) {
        assert_non_null(objects[i] = talus_object_cache_alloc(cache));
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(objects[i], objects[j]);
    }
}

static void free_many(void)
{
    for (size_t i = 0; i < MANY; i++)
        talus_object_cache_free(cache, objects[i]);
}

static void keeps_as_many_as_its_magazines_hold(void **state)
{
    (void)state;
    take_many();
    assert_int_equal(calls.constructed, MANY);
    free_many();
    talus_object_stats_t stats = stats_of(cache);
    assert_int_equal(stats.keep, 2 * MAGAZINE);
    assert_int_equal(stats.kept, 2 * MAGAZINE);
    assert_int_equal(stats.constructed, MANY);
    assert_int_equal(stats.destructed, MANY - 2 * MAGAZINE);
    assert_int_equal(calls.destructed, MANY - 2 * MAGAZINE);
    take_many(); /* of all magazines */
    assert_int_equal(calls.constructed, 2 * MANY - 2 * MAGAZINE);
    free_many();
    assert_int_equal(talus_object_cache_shrink(cache), 2 * MAGAZINE);
    assert_int_equal(talus_object_cache_shrink(cache), 0);
    assert_int_equal(stats_of(cache).kept, 0);
    assert_int_equal(calls.destructed, calls.constructed);
}

static void is_not_destroyed_under_its_users(void **state)
{
    (void)state;
    void *object = talus_object_cache_alloc(cache);
    talus_object_cache_free(cache, talus_object_cache_alloc(cache));
    errno = 0;
    assert_false(talus_object_cache_destroy(cache));
    assert_int_equal(errno, EINVAL);
    assert_int_equal(calls.destructed, calls.constructed - 1);
    talus_object_cache_free(cache, object);
}

static void a_constructor_may_fail(void **state)
{
    (void)state;
    talus_heap_stats_t before, after;
    void              *object = talus_object_cache_alloc(cache);
    calls.fail_at = 2;
    talus_heap_trim(heap);
    talus_heap_stats(heap, &before);
    assert_null(talus_object_cache_alloc(cache));
    talus_heap_trim(heap);
    talus_heap_stats(heap, &after);
    assert_int_equal(after.allocated, before.allocated);
    calls.fail_at = 0;
    assert_int_equal(stats_of(cache).constructed, 1);
    talus_object_cache_free(cache, object);
}

/* The 1st, 2nd, ... request to the provider fails: the cache says so and is whole. */
static void the_provider_may_fail(void **state)
{
    (void)state;
    for (uint64_t nth = 1; nth < 4; nth++) {
        size_t count = 0;
        provider.fail_at = provider.requests + nth;
        provider.fail_onwards = true;
        static void *taken[20000];
        errno = 0;
        while (count < COUNT_OF(taken) && (taken[count] = talus_object_cache_alloc(cache)) != NULL)
            count++;
        assert_true(count > 0 && count < COUNT_OF(taken));
        assert_int_equal(errno, ENOMEM);
        provider.fail_onwards = false;
        provider.fail_at = 0;
        void *more = talus_object_cache_alloc(cache);
        assert_non_null(more);
        talus_object_cache_free(cache, more);
        while (count > 0)
            talus_object_cache_free(cache, taken[--count]);
    }
}

static bool shrink(void *context, talus_heap *of, size_t bytes)
{
    (void)of;
    (void)bytes;
    return talus_object_cache_shrink(*(talus_object_cache **)context) > 0;
}

/* Free objects count against the limit, until the heap's owner has them back. */
static void gives_back_where_memory_is_short(void **state)
{
    (void)state;
    talus_object_cache *large_cache;
    talus_heap         *small =
        talus_heap_create(&(talus_heap_options){ .name = "small",
                                                 .limit = MIB,
                                                 .on_exhausted = shrink,
                                                 .on_exhausted_context = &large_cache });
    large_cache =
        talus_object_cache_create(small, &(talus_object_type){ .size = 100 * KIB, .magazines = 1 });
    assert_non_null(large_cache);
    void *held[8];
    for (size_t i = 0; i < COUNT_OF(held); i++)
        assert_non_null(held[i] = talus_object_cache_alloc(large_cache));
    for (size_t i = 0; i < COUNT_OF(held); i++)
        talus_object_cache_free(large_cache, held[i]);
    assert_int_equal(stats_of(large_cache).kept, COUNT_OF(held));
    void *block = talus_heap_alloc(small, 600 * KIB, 0, NULL);
    assert_non_null(block);
    assert_int_equal(stats_of(large_cache).kept, 0);
    assert_null(talus_heap_alloc(small, 600 * KIB, 0, NULL));
    talus_heap_free(small, block);
    assert_true(talus_object_cache_destroy(large_cache));
    assert_true(talus_heap_destroy(small));
}

static void sizes_and_alignments(void **state)
{
    static const struct {
        size_t size, align;
    } cases[] = { { 0, 0 },     { 1, 1 },       { 1, 64 },        { 100, 16 },    { 1000, 256 },
                  { 1025, 0 },  { 5000, 0 },    { 40000, 64 },    { 8192, 8192 }, { 65536, 0 },
                  { 65537, 0 }, { 100, 16384 }, { 20000, 32768 }, { 300000, 0 } };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        talus_object_cache *of = talus_object_cache_create(
            heap,
            &(talus_object_type){ .size = cases[i].size, .align = cases[i].align, .magazines = 1 });
        assert_non_null(of);
        for (size_t round = 0; round < 2; round++) {
            for (size_t j = 0; j < 40; j++) {
                assert_non_null(objects[j] = talus_object_cache_alloc(of));
                assert_true(cases[i].align == 0 || is_aligned(objects[j], cases[i].align));
                memset(objects[j], 0xa5, cases[i].size);
            }
            for (size_t j = 0; j < 40; j++)
                talus_object_cache_free(of, objects[j]);
            assert_not_reported();
        }
        assert_int_equal(stats_of(of).constructed, 80 - MAGAZINE);
        assert_true(talus_object_cache_destroy(of));
    }
}

static void refuses_what_no_cache_can_be(void **state)
{
    static const talus_object_type types[] = {
        { .size = SIZE_MAX },
        { .size = (size_t)PTRDIFF_MAX },
        { .size = 1, .align = 3 },
        { .size = 1, .align = TALUS_ALIGN_MAX * 2 },
        { .size = 1, .magazines = 65537 },
        { .size = 1, .magazines = SIZE_MAX },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        errno = 0;
        assert_null(talus_object_cache_create(heap, &types[i]));
        assert_int_equal(errno, EINVAL);
    }
    errno = 0;
    assert_null(talus_object_cache_create(heap, NULL));
    assert_int_equal(errno, EINVAL);
    assert_not_reported();
    errno = 0;
    assert_null(talus_object_cache_create(NULL, &thing_type));
    assert_int_equal(errno, EINVAL);
    assert_reported(TALUS_MISUSE_HEAP_DESTROYED, NULL);
}

static void free_expecting(void *object, talus_misuse misuse)
{
    talus_object_cache_free(cache, object);
    assert_reported(misuse, object);
}

static void notices_what_is_not_its_own(void **state)
{
    (void)state;
    static int    variable;
    struct thing *thing = talus_object_cache_alloc(cache);
    void         *smaller = talus_heap_alloc(heap, sizeof(struct thing) / 2, 0, NULL);
    void         *larger = talus_heap_alloc(heap, 2 * sizeof(struct thing), 0, NULL);
    void         *large = talus_heap_alloc(heap, MIB, 0, NULL);
    void         *others = talus_malloc(sizeof(struct thing));
    free_expecting(&variable, TALUS_MISUSE_FOREIGN_POINTER);
    free_expecting((char *)thing + 16, TALUS_MISUSE_INTERIOR_POINTER);
    free_expecting(smaller, TALUS_MISUSE_WRONG_SIZE);
    free_expecting(larger, TALUS_MISUSE_WRONG_SIZE);
    free_expecting(large, TALUS_MISUSE_WRONG_SIZE);
    free_expecting(others, TALUS_MISUSE_WRONG_HEAP);
    talus_heap_free(heap, smaller);
    talus_heap_free(heap, larger);
    talus_heap_free(heap, large);
    free_expecting(large, TALUS_MISUSE_DOUBLE_FREE);
    talus_free(others);
    talus_object_cache_free(cache, thing);
    assert_not_reported();
}

/* Whichever object of the magazine it is. */
static void notices_a_second_free(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_non_null(objects[i] = talus_object_cache_alloc(cache));
    for (size_t i = 0; i < 5; i++)
        talus_object_cache_free(cache, objects[i]);
    for (size_t i = 0; i < 5; i++)
        free_expecting(objects[i], TALUS_MISUSE_DOUBLE_FREE);
    assert_int_equal(stats_of(cache).kept, 5);
}

/* ---- threads ---- */

enum { THREADS = 6 };

void object_load_failed(const char *what)
{
    fprintf(stderr, "object: %s\n", what);
    _Exit(1);
}

static void *work(void *seed)
{
    object_load(cache, (uintptr_t)seed, TEST_ROUNDS(200000));
    return NULL;
}

static void threads_share_one_cache(void **state)
{
    (void)state;
    pthread_t           threads[THREADS];
    talus_object_cache *of_things = cache;
    cache = talus_object_cache_create(heap, &object_load_type);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)(i + 1)), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    talus_object_stats_t stats = stats_of(cache);
    printf("object: %zu constructed, %zu destructed, %zu kept\n", stats.constructed,
           stats.destructed, stats.kept);
    assert_true(stats.destructed > 0);
    assert_int_equal(stats.constructed - stats.destructed, stats.kept);
    assert_true(talus_object_cache_destroy(cache));
    cache = of_things;
}

/* What the parent's threads were in at that moment is lost; the rest serves. */
static int use_in_child(void *context)
{
    (void)context;
    object_load(cache, 77, 1000);
    return 0;
}

static void a_child_goes_on(void **state)
{
    (void)state;
    talus_object_cache *of_things = cache;
    cache = talus_object_cache_create(heap, &object_load_type);
    object_load(cache, 5, 1000);
    struct process_result child = process_run_child(use_in_child, NULL);
    assert_int_equal(child.exit_code, 0);
    object_load(cache, 6, 1000);
    assert_true(talus_object_cache_destroy(cache));
    cache = of_things;
}

#define cache_test(test) cmocka_unit_test_setup_teardown(test, open_cache, close_cache)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cache_test(stays_constructed),
        cache_test(keeps_as_many_as_its_magazines_hold),
        cache_test(is_not_destroyed_under_its_users),
        cache_test(a_constructor_may_fail),
        cache_test(the_provider_may_fail),
        cache_test(gives_back_where_memory_is_short),
        cache_test(sizes_and_alignments),
        cache_test(refuses_what_no_cache_can_be),
        cache_test(notices_what_is_not_its_own),
        cache_test(notices_a_second_free),
        cache_test(threads_share_one_cache),
        cache_test(a_child_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
