/* alloc.c: malloc and free of the default heap, as the header promises them. */
#include <talus/heap.h>

#include "lib/pattern.h"
#include "lib/test.h"

/* R1, R24: every size up to a page gives a block that holds all of it, apart from all others, until
 * it is freed. */
static void every_small_size_holds_its_bytes(void **state)
{
    enum { LARGEST = 4096 };
    static void *blocks[LARGEST + 1];

    (void)state;
    for (size_t size = 0; size <= LARGEST; size++) {
        blocks[size] = talus_malloc(size);
        assert_non_null(blocks[size]);
        assert_true(talus_usable_size(blocks[size]) >= (size > 0 ? size : 1));
        pattern_fill(blocks[size], size, size);
    }
    for (size_t size = 0; size <= LARGEST; size++)
        assert_true(pattern_holds(blocks[size], size, size));
    for (size_t size = 0; size <= LARGEST; size++)
        talus_free(blocks[size]);
}

/* R1: all that talus_usable_size promises may be written, and no neighbour changes. */
static void usable_bytes_are_all_the_callers(void **state)
{
    static const size_t sizes[] = { 1,    15,   16,   17,    100,    500,
                                    1000, 1025, 5000, 20000, 100000, 3000000 };
    void               *blocks[COUNT_OF(sizes)][3];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (size_t j = 0; j < 3; j++) {
            blocks[i][j] = talus_malloc(sizes[i]);
            assert_non_null(blocks[i][j]);
            pattern_fill(blocks[i][j], talus_usable_size(blocks[i][j]), i * 3 + j);
        }
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (size_t j = 0; j < 3; j++) {
            assert_true(pattern_holds(blocks[i][j], talus_usable_size(blocks[i][j]), i * 3 + j));
            talus_free(blocks[i][j]);
        }
}

/* R1: a size of 0 counts as 1: each call gives a block of its own. */
static void zero_bytes_is_a_block_of_its_own(void **state)
{
    void *first = talus_malloc(0);
    void *second = talus_malloc(0);

    (void)state;
    assert_non_null(first);
    assert_non_null(second);
    assert_ptr_not_equal(first, second);
    assert_true(talus_usable_size(first) >= 1);
    talus_free(first);
    talus_free(second);
}

/* R2: what can never be had is refused with ENOMEM, whatever call asks for it. */
static void impossible_sizes_are_refused(void **state)
{
    static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 15, SIZE_MAX - 4096,
                                    (size_t)PTRDIFF_MAX + 1 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        size_t size = opaque_size(sizes[i]);

        errno = 0;
        assert_null(talus_malloc(size));
        assert_int_equal(errno, ENOMEM);
        errno = 0;
        assert_null(talus_calloc(1, size));
        assert_int_equal(errno, ENOMEM);
        errno = 0;
        assert_null(talus_aligned_alloc(64, size));
        assert_int_equal(errno, ENOMEM);
        errno = 0;
        assert_null(talus_realloc(NULL, size));
        assert_int_equal(errno, ENOMEM);
        assert_int_equal(talus_good_size(size), 0);
    }
}

/* R2: more than the address space can hold, yet a legal size, is ENOMEM too, and the heap works
 * on. */
static void too_much_is_refused_and_the_heap_works_on(void **state)
{
    void  *quarters[4]; /* of all addresses that a pointer can hold */
    void  *block;
    size_t count = 0;

    (void)state;
    errno = 0;
    assert_null(talus_malloc(opaque_size(PTRDIFF_MAX)));
    assert_int_equal(errno, ENOMEM);
    errno = 0;
    while (count < COUNT_OF(quarters) &&
           (block = talus_malloc(opaque_size(SIZE_MAX / 4 + 1))) != NULL)
        quarters[count++] = block;
    assert_in_range(count, 0, COUNT_OF(quarters) - 1);
    assert_int_equal(errno, ENOMEM);
    while (count > 0)
        talus_free(quarters[--count]);
    block = talus_malloc(100);

    assert_non_null(block);
    talus_free(block);
}

/* R5: free ignores NULL, and keeps errno: for small, large and NULL. */
static void free_keeps_errno(void **state)
{
    static const size_t sizes[] = { 0, 8, 1000, 30000, 5000000 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        void *block = talus_malloc(sizes[i]);

        assert_non_null(block);
        errno = 4711;
        talus_free(block);
        assert_int_equal(errno, 4711);
    }
    talus_free(NULL);
    assert_int_equal(errno, 4711);
    talus_free_sized(NULL, 10);
    talus_free_aligned_sized(NULL, 64, 10);
    assert_int_equal(errno, 4711);
}

/* R5: an allocation that succeeds leaves errno alone. */
static void success_leaves_errno_alone(void **state)
{
    (void)state;
    errno = 4711;
    for (size_t size = 1; size < 2000000; size = size * 3 + 1) {
        void *block = talus_malloc(size);

        assert_non_null(block);
        assert_int_equal(errno, 4711);
        block = talus_realloc(block, size * 2);
        assert_non_null(block);
        assert_int_equal(errno, 4711);
        talus_free(block);
    }
}

/* R5: a sized free with the size that was asked for frees the block, of any class, aligned or not.
 * */
static void sized_frees_free(void **state)
{
    (void)state;
    for (size_t size = 1; size < 2000000; size += size / 7 + 1) {
        void *block = talus_malloc(size);

        assert_non_null(block);
        talus_free_sized(block, size);
        block = talus_aligned_alloc(256, size);
        assert_non_null(block);
        talus_free_sized(block, size);
        block = talus_aligned_alloc(32768, size);
        assert_non_null(block);
        talus_free_aligned_sized(block, 32768, size);
    }
}

/* R42: talus_good_size says what talus_usable_size will say at least, and grows with the size. */
static void good_size_agrees_with_usable_size(void **state)
{
    size_t before = 0;

    (void)state;
    for (size_t size = 0; size < 4000000; size += size / 37 + 1) {
        void  *block = talus_malloc(size);
        size_t good = talus_good_size(size);

        assert_non_null(block);
        /* a free block of the next two classes may serve instead of new memory */
        assert_in_range(talus_usable_size(block), good, good + good / 3);
        assert_true(good >= size);
        assert_true(good >= before);
        assert_int_equal(talus_good_size(good), good);
        before = good;
        talus_free(block);
    }
}

/* R8: rounding up wastes at most a quarter of what small requests ask for, beyond the alignment. */
static void small_blocks_waste_at_most_a_quarter(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 4096; size++)
        assert_in_range(talus_good_size(size), size, size + size / 4 + TALUS_ALIGN_MIN);
}

/* R42: the size of nothing is 0. */
static void usable_size_of_null_is_zero(void **state)
{
    (void)state;
    assert_int_equal(talus_usable_size(NULL), 0);
}

/* R1: freed memory serves later requests: pairs of malloc and free, however many, take no more than
 * a few did. */
static void freed_memory_is_used_again(void **state)
{
    talus_heap        *heap = talus_heap_create(NULL);
    talus_heap_stats_t few;
    talus_heap_stats_t many;

    (void)state;
    assert_non_null(heap);
    for (int i = 0; i < 100000; i++) {
        void *block = talus_heap_alloc(heap, 200, 0, NULL);

        assert_non_null(block);
        if (i == 10)
            talus_heap_stats(heap, &few);
        talus_heap_free(heap, block);
    }
    talus_heap_stats(heap, &many);
    assert_int_equal(many.mapped_peak, few.mapped_peak);
    assert_in_range(many.spans, 0, few.spans + 1);
    assert_true(talus_heap_destroy(heap));
}

static void version_is_that_of_the_header(void **state)
{
    char expected[32];

    (void)state;
    snprintf(expected, sizeof expected, "%d.%d.%d", TALUS_VERSION_MAJOR, TALUS_VERSION_MINOR,
             TALUS_VERSION_PATCH);
    assert_string_equal(talus_version(), expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_small_size_holds_its_bytes),
        cmocka_unit_test(usable_bytes_are_all_the_callers),
        cmocka_unit_test(zero_bytes_is_a_block_of_its_own),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(too_much_is_refused_and_the_heap_works_on),
        cmocka_unit_test(free_keeps_errno),
        cmocka_unit_test(success_leaves_errno_alone),
        cmocka_unit_test(sized_frees_free),
        cmocka_unit_test(good_size_agrees_with_usable_size),
        cmocka_unit_test(small_blocks_waste_at_most_a_quarter),
        cmocka_unit_test(usable_size_of_null_is_zero),
        cmocka_unit_test(freed_memory_is_used_again),
        cmocka_unit_test(version_is_that_of_the_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
