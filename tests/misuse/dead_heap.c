/* dead_heap.c: handles of heaps that are no more, or never were (R19, R45). */
#include "misuse/recorder.h"

static void expect_dead(talus_heap *heap)
{
    talus_heap_stats_t stats;
    void              *block = talus_malloc(100);

    assert_non_null(block);
    errno = 0;
    assert_null(talus_heap_alloc(heap, 100, 0, NULL));
    assert_int_equal(errno, EINVAL);
    assert_reported(TALUS_MISUSE_HEAP_DESTROYED, heap);
    errno = 0;
    assert_null(talus_heap_zalloc(heap, 100, 64, NULL));
    assert_int_equal(errno, EINVAL);
    assert_reported(TALUS_MISUSE_HEAP_DESTROYED, heap);
    errno = 0;
    assert_null(talus_heap_realloc(heap, NULL, 100, NULL));
    assert_int_equal(errno, EINVAL);
    assert_reported(TALUS_MISUSE_HEAP_DESTROYED, heap);
    errno = 0;
    assert_null(talus_heap_realloc(heap, block, 200, NULL));
    assert_int_equal(errno, EINVAL);
    assert_int_equal(recorder.reports, 1);
    recorder.reports = 0;
    talus_heap_free(heap, block);
    assert_int_equal(recorder.reports, 1);
    recorder.reports = 0;
    talus_heap_set_limit(heap, MIB);
    assert_reported(TALUS_MISUSE_HEAP_DESTROYED, heap);
    assert_int_equal(talus_heap_trim(heap), 0);
    assert_reported(TALUS_MISUSE_HEAP_DESTROYED, heap);
    talus_heap_stats(heap, &stats);
    assert_reported(TALUS_MISUSE_HEAP_DESTROYED, heap);
    errno = 0;
    assert_false(talus_heap_destroy(heap));
    assert_int_equal(errno, EINVAL);
    assert_reported(TALUS_MISUSE_HEAP_DESTROYED, heap);
    talus_free(block);
    assert_not_reported();
}

/* R45: a handle after talus_heap_destroy: every call notices; twice destroyed too. */
static void a_destroyed_heap(void **state)
{
    talus_heap *heap = talus_heap_create(NULL);

    (void)state;
    assert_non_null(heap);
    assert_non_null(talus_heap_alloc(heap, 100, 0, NULL));
    assert_true(talus_heap_destroy(heap));
    assert_not_reported();
    expect_dead(heap);
}

/* R45: a handle that was destroyed without ever being used. */
static void a_destroyed_heap_that_was_never_used(void **state)
{
    talus_heap *heap = talus_heap_create(NULL);

    (void)state;
    assert_non_null(heap);
    assert_true(talus_heap_destroy(heap));
    expect_dead(heap);
}

/* R45: no handle at all. */
static void a_null_handle(void **state)
{
    (void)state;
    expect_dead(NULL);
}

/* R19: the default heap cannot be destroyed: refused, not misuse of a dead heap, and it works
 * on. */
static void destroying_the_default_heap(void **state)
{
    (void)state;
    assert_false(talus_heap_destroy(talus_heap_default()));
    talus_free(talus_malloc(10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        misuse_test(a_destroyed_heap),
        misuse_test(a_destroyed_heap_that_was_never_used),
        misuse_test(a_null_handle),
        misuse_test(destroying_the_default_heap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
