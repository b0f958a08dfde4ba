/* large.c: blocks of more than a page, each a run of its own (R23). */
#include <talus/heap.h>

#include "lib/pattern.h"
#include "lib/test.h"

/* R23: sizes around the page and its multiples, all live at once. */
static void sizes_around_page_multiples(void **state)
{
    static const long off[] = { -17, -16, -1, 0, 1, 15, 16, 17 };
    void             *blocks[12][COUNT_OF(off)];

    (void)state;
    for (size_t pages = 1; pages <= 12; pages++)
        for (size_t i = 0; i < COUNT_OF(off); i++) {
            size_t size = pages * TALUS_PAGE_SIZE + (size_t)off[i];

            blocks[pages - 1][i] = talus_malloc(size);
            assert_non_null(blocks[pages - 1][i]);
            pattern_fill(blocks[pages - 1][i], size, size);
        }
    for (size_t pages = 1; pages <= 12; pages++)
        for (size_t i = 0; i < COUNT_OF(off); i++) {
            size_t size = pages * TALUS_PAGE_SIZE + (size_t)off[i];

            assert_true(pattern_holds(blocks[pages - 1][i], size, size));
            talus_free(blocks[pages - 1][i]);
        }
}

/* R1, R23: any byte count: from 1 MiB to 256 MiB, the first and last byte of each page may be
 * used. */
static void very_large_blocks(void **state)
{
    (void)state;
    for (size_t size = MIB; size <= (TEST_SANITIZED ? 64 : 256) * MIB; size *= 4) {
        unsigned char *block = talus_malloc(size + 1);

        assert_non_null(block);
        assert_true(talus_usable_size(block) > size);
        pattern_fill(block, size + 1, size);
        assert_true(pattern_holds(block, size + 1, size));
        talus_free(block);
    }
}

/* R40: a large block is seen in the statistics, as such, and is gone after its free. */
static void large_bytes_are_counted(void **state)
{
    talus_heap_options options = { .name = "large" };
    talus_heap        *heap = talus_heap_create(&options);
    talus_heap_stats_t stats;
    void              *block;

    (void)state;
    assert_non_null(heap);
    block = talus_heap_alloc(heap, 10 * MIB, 0, NULL);
    assert_non_null(block);
    talus_heap_stats(heap, &stats);
    assert_in_range(stats.large, 10 * MIB, 11 * MIB);
    assert_true(stats.mapped >= 10 * MIB);
    assert_true(stats.allocated >= 10 * MIB);
    talus_heap_free(heap, block);
    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.large, 0);
    assert_true(talus_heap_destroy(heap));
}

/* R23, R40: the large block that a thread freed last serves its next request of about that length,
 * and no other; it counts as freed, a calloc of it is zero, a second free is reported, a trim gives
 * it to the pool. */
static void the_last_large_block_is_kept(void **state)
{
    talus_heap_options options = { .name = "kept" };
    talus_heap        *heap = talus_heap_create(&options);
    talus_heap_stats_t stats;
    unsigned char     *block;
    size_t             free_before;

    (void)state;
    assert_non_null(heap);
    block = talus_heap_alloc(heap, 256 * KIB, 0, NULL);
    assert_non_null(block);
    talus_heap_stats(heap, &stats);
    free_before = stats.free_pages;
    memset(block, 0xa5, 256 * KIB);
    talus_heap_free(heap, block);
    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.large, 0);
    assert_int_equal(stats.allocated, 0);
    assert_int_equal(stats.free_pages, free_before);
    assert_ptr_not_equal(talus_heap_alloc(heap, 128 * KIB, 0, NULL), block);
    assert_ptr_not_equal(talus_heap_alloc(heap, 272 * KIB, 0, NULL), block);
    assert_ptr_equal(talus_heap_zalloc(heap, 240 * KIB, 0, NULL), block);
    assert_true(is_zero(block, 240 * KIB));
    talus_heap_free(heap, block);
    talus_heap_stats(heap, &stats);
    free_before = stats.free_pages;
    assert_true(talus_heap_trim(heap) > 0);
    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.free_pages, free_before + 256 * KIB);
    assert_true(talus_heap_destroy(heap));
}

/* R3: a large calloc touches no page that is known to be zero: it costs nothing until it is used,
 * and is zero all the same. */
static void large_calloc_is_zero(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        unsigned char *block = talus_calloc(1, 32 * MIB);

        assert_non_null(block);
        for (size_t at = 0; at < 32 * MIB; at += 1021)
            assert_int_equal(block[at], 0);
        memset(block, 0xee, 32 * MIB);
        talus_free(block);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_around_page_multiples),
        cmocka_unit_test(very_large_blocks),
        cmocka_unit_test(large_bytes_are_counted),
        cmocka_unit_test(the_last_large_block_is_kept),
        cmocka_unit_test(large_calloc_is_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
