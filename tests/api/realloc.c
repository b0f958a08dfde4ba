/* realloc.c: resizing keeps contents, in place or moved; a failure changes nothing. */
#include <talus/heap.h>

#include "lib/pattern.h"
#include "lib/test.h"

static void *filled(size_t size, uint64_t key)
{
    void *block = talus_malloc(size);

    assert_non_null(block);
    pattern_fill(block, size, key);
    return block;
}

static const size_t sizes[] = { 1,    16,   17,    64,    200,   1000,   1024,   1025,    4000,
                                4096, 8192, 16384, 16385, 40000, 131072, 500000, 1500000, 6000000 };

/* R4: from every size to every other: the common prefix is kept. */
static void every_change_of_size_keeps_the_prefix(void **state)
{
    (void)state;
    for (size_t from = 0; from < COUNT_OF(sizes); from++)
        for (size_t to = 0; to < COUNT_OF(sizes); to++) {
            uint64_t key = from * 100 + to;
            void    *block = filled(sizes[from], key);
            size_t   prefix = sizes[to] < sizes[from] ? sizes[to] : sizes[from];

            block = talus_realloc(block, sizes[to]);
            assert_non_null(block);
            assert_true(is_aligned(block, TALUS_ALIGN_MIN));
            assert_true(talus_usable_size(block) >= sizes[to]);
            assert_int_equal(pattern_check(block, prefix, sizes[from], key), SIZE_MAX);
            pattern_fill(block, sizes[to], key + 1);
            assert_true(pattern_holds(block, sizes[to], key + 1));
            talus_free(block);
        }
}

/* R4: growth in many small steps, as a string builder does, between blocks that stand in the
 * way. */
static void growth_in_steps_keeps_everything(void **state)
{
    void  *in_the_way[64] = { NULL };
    size_t size = 10;
    void  *block = filled(size, 5);

    (void)state;
    for (size_t step = 0; size < 8 * MIB; step++) {
        size_t larger = size + size / 5 + 1;

        block = talus_realloc(block, larger);
        assert_non_null(block);
        assert_int_equal(pattern_check(block, size, size, 5), SIZE_MAX);
        pattern_fill(block, larger, 5);
        size = larger;
        talus_free(in_the_way[step % COUNT_OF(in_the_way)]);
        in_the_way[step % COUNT_OF(in_the_way)] = filled(size / 3, 6);
    }
    talus_free(block);
    for (size_t i = 0; i < COUNT_OF(in_the_way); i++)
        talus_free(in_the_way[i]);
}

/* R4: a request that fits the block already leaves it where it is. */
static void within_the_usable_size_nothing_moves(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        void *block = filled(sizes[i], i);

        assert_ptr_equal(talus_realloc(block, talus_usable_size(block)), block);
        assert_ptr_equal(talus_realloc(block, sizes[i]), block);
        assert_true(pattern_holds(block, sizes[i], i));
        talus_free(block);
    }
}

/* R4: NULL counts as malloc, size 0 as 1: the block stays allocated. */
static void null_and_zero(void **state)
{
    void *block = talus_realloc(NULL, 100);

    (void)state;
    assert_non_null(block);
    assert_true(talus_usable_size(block) >= 100);
    *(char *)block = 'x';
    block = talus_realloc(block, opaque_size(0));
    assert_non_null(block);
    assert_true(talus_usable_size(block) >= 1);
    assert_int_equal(*(char *)block, 'x');
    talus_free(block);
    block = talus_reallocarray(NULL, 0, 8);
    assert_non_null(block);
    talus_free(block);
}

/* R4: a size that cannot be had fails with ENOMEM, and the old block is untouched. */
static void failure_leaves_the_old_block(void **state)
{
    static const size_t impossible[] = { SIZE_MAX, PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        void *block = filled(sizes[i], 77);

        for (size_t j = 0; j < COUNT_OF(impossible); j++) {
            errno = 0;
            assert_null(talus_realloc(block, opaque_size(impossible[j])));
            assert_int_equal(errno, ENOMEM);
            errno = 0;
            assert_null(talus_reallocarray(block, opaque_size(impossible[j]), opaque_size(8)));
            assert_int_equal(errno, ENOMEM);
        }
        assert_true(pattern_holds(block, sizes[i], 77));
        talus_free(block);
    }
}

/* R4: reallocarray is realloc of the product. */
static void reallocarray_resizes_to_the_product(void **state)
{
    void *block = filled(80, 3);

    (void)state;
    block = talus_reallocarray(block, 1000, 12);
    assert_non_null(block);
    assert_true(talus_usable_size(block) >= 12000);
    assert_int_equal(pattern_check(block, 80, 80, 3), SIZE_MAX);
    talus_free(block);
}

/* R4: a large block that shrinks by much gives its pages back to the heap. */
static void shrinking_gives_memory_back(void **state)
{
    talus_heap_options options = { .name = "shrink", .limit = 8 * MIB };
    talus_heap        *heap = talus_heap_create(&options);
    void              *block;
    void              *second;

    (void)state;
    assert_non_null(heap);
    block = talus_heap_alloc(heap, 6 * MIB, 0, NULL);
    assert_non_null(block);
    pattern_fill(block, 6 * MIB, 1);
    assert_null(talus_heap_alloc(heap, 5 * MIB, 0, NULL));
    block = talus_heap_realloc(heap, block, 1000, NULL);
    assert_non_null(block);
    assert_int_equal(pattern_check(block, 1000, 6 * MIB, 1), SIZE_MAX);
    second = talus_heap_alloc(heap, 5 * MIB, 0, NULL);
    assert_non_null(second);
    talus_heap_free(heap, block);
    talus_heap_free(heap, second);
    assert_true(talus_heap_destroy(heap));
}

/* R4: talus_heap_realloc on an instance: NULL allocates from it, growth stays in it. */
static void heap_realloc_stays_in_its_heap(void **state)
{
    talus_heap_options options = { .name = "realloc" };
    talus_heap        *heap = talus_heap_create(&options);
    void              *block;

    (void)state;
    assert_non_null(heap);
    block = talus_heap_realloc(heap, NULL, 100, "tag");
    assert_non_null(block);
    pattern_fill(block, 100, 9);
    for (size_t size = 200; size < 3 * MIB; size *= 2) {
        block = talus_heap_realloc(heap, block, size, "tag");
        assert_non_null(block);
        assert_int_equal(pattern_check(block, 100, 100, 9), SIZE_MAX);
    }
    /* talus_realloc takes a block of any heap, and keeps it in that heap */
    block = talus_realloc(block, 50);
    assert_non_null(block);
    block = talus_realloc(block, 2 * MIB);
    assert_non_null(block);
    assert_int_equal(pattern_check(block, 50, 100, 9), SIZE_MAX);
    talus_heap_free(heap, block);
    assert_true(talus_heap_destroy(heap));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_of_size_keeps_the_prefix),
        cmocka_unit_test(growth_in_steps_keeps_everything),
        cmocka_unit_test(within_the_usable_size_nothing_moves),
        cmocka_unit_test(null_and_zero),
        cmocka_unit_test(failure_leaves_the_old_block),
        cmocka_unit_test(reallocarray_resizes_to_the_product),
        cmocka_unit_test(shrinking_gives_memory_back),
        cmocka_unit_test(heap_realloc_stays_in_its_heap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
