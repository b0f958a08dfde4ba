/* double_free.c: blocks freed twice, where the release heap notices it always (R45): large blocks,
 * and blocks whose pages are free again. Small blocks: small_blocks.c. */
#include "misuse/recorder.h"

/* What a second free may be called: the pages may still be known as free ones, or be the system's
 * again. */
static void assert_second_free_reported(const void *block)
{
    assert_int_equal(recorder.reports, 1);
    assert_true(recorder.what == TALUS_MISUSE_DOUBLE_FREE ||
                recorder.what == TALUS_MISUSE_FOREIGN_POINTER);
    assert_ptr_equal(recorder.pointer, block);
    recorder.reports = 0;
}

/* R45: a large block, freed twice in a row, by each of the freeing calls. */
static void a_large_block_twice(void **state)
{
    (void)state;
    for (size_t size = 2 * MIB; size <= 64 * MIB; size *= 2) {
        void *block = talus_malloc(size);

        assert_non_null(block);
        talus_free(block);
        assert_not_reported();
        block = opaque_pointer(block);
        talus_free(block);
        assert_second_free_reported(block);
        talus_heap_free(talus_heap_default(), block);
        assert_second_free_reported(block);
        talus_free_sized(block, size);
        assert_second_free_reported(block);
    }
}

/* R45: a large block that realloc has moved away from. */
static void a_large_block_after_realloc_moved_it(void **state)
{
    talus_heap *heap = talus_heap_create(NULL);
    void       *block;
    void       *behind;
    void       *moved;

    (void)state;
    assert_non_null(heap);
    block = talus_heap_alloc(heap, 2 * MIB, 0, NULL);
    behind = talus_heap_alloc(heap, 2 * MIB, 0, NULL);
    assert_non_null(block);
    assert_non_null(behind);
    moved = talus_heap_realloc(heap, block, 20 * MIB, NULL);
    assert_non_null(moved);
    if (moved != block) {
        block = opaque_pointer(block);
        talus_heap_free(heap, block);
        assert_second_free_reported(block);
    }
    talus_heap_free(heap, moved);
    talus_heap_free(heap, behind);
    assert_not_reported();
    assert_true(talus_heap_destroy(heap));
}

/* R45: blocks of any size whose pages have all gone back to the pool. */
static void a_block_in_free_pages(void **state)
{
    static const size_t sizes[] = { 16, 100, 1000, 5000, 20000, 300000 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        talus_heap *heap = talus_heap_create(NULL);
        void       *block;

        assert_non_null(heap);
        block = talus_heap_alloc(heap, sizes[i], 0, NULL);
        assert_non_null(block);
        talus_heap_free(heap, block);
        talus_heap_trim(heap);
        assert_not_reported();
        block = opaque_pointer(block);
        talus_heap_free(heap, block);
        assert_second_free_reported(block);
        talus_free(block);
        assert_second_free_reported(block);
        errno = 0;
        assert_null(talus_heap_realloc(heap, block, 10, NULL));
        assert_second_free_reported(block);
        assert_true(talus_heap_destroy(heap));
    }
}

/* R45: free blocks that run in a circle: what walks them ends all the same. */
static void trim_ends_where_a_list_is_a_circle(void **state)
{
    enum { BLOCKS = 80, ELSEWHERE = 40, CREDIT = 34 };
    talus_heap *heap = talus_heap_create(NULL);
    void       *blocks[BLOCKS];

    (void)state;
    assert_non_null(heap);
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = talus_heap_alloc(heap, 8 * KIB, 0, NULL);
        assert_non_null(blocks[i]);
    }
    for (size_t i = 0; i < CREDIT; i++) /* from here on frees stay on their spans */
        talus_heap_free(heap, blocks[ELSEWHERE + i]);
    talus_heap_free(heap, blocks[2]);
    talus_heap_free(heap, blocks[0]);
    talus_heap_free(heap, blocks[1]);
    talus_heap_free(heap, opaque_pointer(blocks[0]));
    talus_heap_trim(heap);
    recorder.reports = 0; /* noticed or not */
    assert_true(talus_heap_destroy(heap));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        misuse_test(a_large_block_twice),
        misuse_test(a_large_block_after_realloc_moved_it),
        misuse_test(a_block_in_free_pages),
        misuse_test(trim_ends_where_a_list_is_a_circle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
