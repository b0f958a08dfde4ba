/* interrupt.c: misuse of the calls for interrupt context: found by one lookup, told at once, and
 * nothing is done (R35, R45). */
#include <talus/reserve.h>

#include "recorder.h"

static int outside;

static void free_of_what_is_no_block(void **state)
{
    char *small = talus_malloc(100);
    char *large = talus_malloc(MIB);
    int   on_stack = 0;

    (void)state;
    errno = 77;
    talus_free_from_interrupt(NULL);
    assert_not_reported();
    talus_free_from_interrupt(opaque_pointer(&outside));
    assert_reported(TALUS_MISUSE_FOREIGN_POINTER, &outside);
    talus_free_from_interrupt(opaque_pointer(&on_stack));
    assert_reported(TALUS_MISUSE_FOREIGN_POINTER, &on_stack);
    talus_free_from_interrupt(opaque_pointer(small + 8));
    assert_reported(TALUS_MISUSE_INTERIOR_POINTER, small + 8);
    talus_free_from_interrupt(opaque_pointer(large + 64));
    assert_reported(TALUS_MISUSE_INTERIOR_POINTER, large + 64);
    assert_int_equal(errno, 77);
    talus_free(small);
    talus_free(large);
    assert_not_reported();
}

/* A large block waits for a thread after the first free, and is known to be free. */
static void second_free_of_a_large_block(void **state)
{
    void *large = talus_malloc(MIB);
    void *again;

    (void)state;
    talus_free_from_interrupt(large);
    assert_not_reported();
    talus_free_from_interrupt(opaque_pointer(large));
    assert_reported(TALUS_MISUSE_DOUBLE_FREE, large);
    talus_free(opaque_pointer(large));
    assert_reported(TALUS_MISUSE_DOUBLE_FREE, large);
    talus_heap_trim(talus_heap_default());
    again = talus_malloc(MIB);
    assert_non_null(again);
    talus_free_from_interrupt(again);
    talus_heap_trim(talus_heap_default());
    assert_not_reported();
}

static void put_of_what_does_not_fit(void **state)
{
    talus_heap    *other = talus_heap_create(NULL);
    talus_reserve *reserve = talus_reserve_create(talus_heap_default(), 1000, 64, 4, 0, NULL, NULL);
    char          *block = talus_reserve_take(reserve);
    void          *of_other = talus_heap_alloc(other, 1000, 64, NULL);
    void          *small = talus_malloc(100);
    char          *page = talus_aligned_alloc(4096, 8192);
    talus_reserve_stats_t stats;

    (void)state;
    talus_reserve_put(reserve, opaque_pointer(&outside));
    assert_reported(TALUS_MISUSE_FOREIGN_POINTER, &outside);
    talus_reserve_put(reserve, of_other);
    assert_reported(TALUS_MISUSE_WRONG_HEAP, of_other);
    talus_reserve_put(reserve, small);
    assert_reported(TALUS_MISUSE_WRONG_SIZE, small);
    talus_reserve_put(reserve, block + 64);
    assert_reported(TALUS_MISUSE_INTERIOR_POINTER, block + 64);
    talus_reserve_stats(reserve, &stats);
    assert_int_equal(stats.available, 3);
    assert_int_equal(stats.puts, 0);
    talus_reserve_put(reserve, block);
    talus_reserve_put(reserve, page);
    assert_not_reported();
    talus_free(small);
    talus_free(of_other);
    assert_true(talus_reserve_destroy(reserve));
    assert_true(talus_heap_destroy(other));
}

static void calls_on_a_dead_reserve(void **state)
{
    talus_reserve *reserve = talus_reserve_create(talus_heap_default(), 100, 0, 2, 0, NULL, NULL);
    void          *block = talus_reserve_take(reserve);

    (void)state;
    assert_true(talus_reserve_destroy(reserve));
    assert_not_reported();
    talus_reserve_put(reserve, block);
    assert_reported(TALUS_MISUSE_HEAP_DESTROYED, reserve);
    assert_null(talus_reserve_take(reserve));
    assert_reported(TALUS_MISUSE_HEAP_DESTROYED, reserve);
    errno = 0;
    assert_false(talus_reserve_refill(reserve));
    assert_int_equal(errno, EINVAL);
    assert_reported(TALUS_MISUSE_HEAP_DESTROYED, reserve);
    assert_false(talus_reserve_prepare(reserve, 1));
    assert_reported(TALUS_MISUSE_HEAP_DESTROYED, reserve);
    assert_null(talus_reserve_take(NULL));
    assert_reported(TALUS_MISUSE_HEAP_DESTROYED, NULL);
    assert_null(talus_reserve_create(NULL, 1, 0, 1, 0, NULL, NULL));
    assert_reported(TALUS_MISUSE_HEAP_DESTROYED, NULL);
    talus_free(block);
    assert_not_reported();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        misuse_test(free_of_what_is_no_block),
        misuse_test(second_free_of_a_large_block),
        misuse_test(put_of_what_does_not_fit),
        misuse_test(calls_on_a_dead_reserve),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
