/* heap_fixed.c: a heap whose only memory is a fixed region (R12, R13). */
#include <talus/heap.h>

#include "lib/reference.h"
#include "lib/test.h"

#define REGION_BYTES (512 * KIB)

static unsigned char region_memory[REGION_BYTES + 4096];

static bool inside(const void *block, size_t bytes, const talus_fixed_region *region)
{
    const unsigned char *start = region->start;
    const unsigned char *at = block;

    return at >= start && at + bytes <= start + region->bytes;
}

/* Fills the heap with blocks of `size` bytes until it fails, checks that all lie in the region,
 * frees them. Returns the bytes. */
static size_t fill_and_empty(talus_heap *heap, const talus_fixed_region *region, size_t size)
{
    struct reference reference;
    size_t           bytes;
    void            *block;

    reference_open(&reference);
    errno = 0;
    while ((block = talus_heap_alloc(heap, size, 0, NULL)) != NULL) {
        assert_true(inside(block, talus_usable_size(block), region));
        assert_true(reference_add(&reference, block, size, talus_usable_size(block), 0));
        errno = 0;
    }
    assert_int_equal(errno, ENOMEM);
    bytes = reference.bytes;
    while (reference.count > 0) {
        block = reference.blocks[reference.count / 2].start;
        assert_true(reference_remove(&reference, reference.count / 2));
        talus_heap_free(heap, block);
    }
    reference_close(&reference);
    return bytes;
}

/* R12: a region that starts and ends anywhere: all blocks lie in it, most of it is usable, again
 * and again. */
static void a_region_that_starts_anywhere(void **state)
{
    static const size_t offsets[] = { 0, 1, 13, 64, 4095 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        talus_fixed_region region = { .start = region_memory + offsets[i],
                                      .bytes = REGION_BYTES - i };
        talus_provider     provider = talus_provider_fixed(&region);
        talus_heap_options options = { .name = "fixed", .provider = &provider };
        talus_heap        *heap;

        memset(region_memory, 0xdb, sizeof region_memory);
        heap = talus_heap_create(&options);
        assert_non_null(heap);
        for (size_t size = 100; size < 60000; size = size * 5 / 2)
            assert_in_range(fill_and_empty(heap, &region, size), REGION_BYTES * 2 / 3,
                            REGION_BYTES);
        assert_true(talus_heap_destroy(heap));
        for (size_t at = 0; at < offsets[i]; at++)
            assert_int_equal(region_memory[at], 0xdb);
        for (size_t at = offsets[i] + region.bytes; at < sizeof region_memory; at++)
            assert_int_equal(region_memory[at], 0xdb);
    }
}

/* R13: the region is one contiguous block: a request for most of it succeeds, also after small
 * blocks were cut from it. */
static void the_whole_region_is_one_run(void **state)
{
    talus_fixed_region region = { .start = region_memory, .bytes = REGION_BYTES };
    talus_provider     provider = talus_provider_fixed(&region);
    talus_heap_options options = { .name = "one run", .provider = &provider };
    talus_heap        *heap = talus_heap_create(&options);

    (void)state;
    assert_non_null(heap);
    for (int round = 0; round < 3; round++) {
        void *block;

        fill_and_empty(heap, &region, 5000 + (size_t)round * 500);
        talus_heap_trim(heap);
        block = talus_heap_alloc(heap, REGION_BYTES - 2 * TALUS_PAGE_SIZE, 0, NULL);
        assert_non_null(block);
        assert_true(inside(block, REGION_BYTES - 2 * TALUS_PAGE_SIZE, &region));
        talus_heap_free(heap, block);
    }
    assert_true(talus_heap_destroy(heap));
}

/* R13: parts handed out one after the other touch, and merge: small growth steps do not cut the
 * region into pieces for good. */
static void parts_merge_where_they_touch(void **state)
{
    talus_fixed_region region = { .start = region_memory, .bytes = REGION_BYTES };
    talus_provider     provider = talus_provider_fixed(&region);
    talus_heap_options options = { .name = "parts",
                                   .provider = &provider,
                                   .growth = TALUS_PAGE_SIZE };
    talus_heap        *heap = talus_heap_create(&options);
    talus_heap_stats_t stats;
    void              *block;

    (void)state;
    assert_non_null(heap);
    assert_true(fill_and_empty(heap, &region, 1000) > 0);
    talus_heap_stats(heap, &stats);
    assert_true(stats.provider_maps > 4);
    block = talus_heap_alloc(heap, stats.mapped / 4 * 3, 0, NULL);
    assert_non_null(block);
    talus_heap_free(heap, block);
    talus_heap_trim(heap);
    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.largest_free_run, stats.mapped);
    assert_true(talus_heap_destroy(heap));
}

/* R3: the region's contents are taken as not zero: calloc zeroes. */
static void a_dirty_region_is_zeroed_for_calloc(void **state)
{
    talus_fixed_region region = { .start = region_memory, .bytes = REGION_BYTES };
    talus_provider     provider = talus_provider_fixed(&region);
    talus_heap_options options = { .name = "dirty region", .provider = &provider };
    talus_heap        *heap;
    void              *block;

    (void)state;
    memset(region_memory, 0xff, sizeof region_memory);
    heap = talus_heap_create(&options);
    assert_non_null(heap);
    for (size_t size = 1; size <= 200000; size = size * 3 + 1) {
        block = talus_heap_zalloc(heap, size, 0, NULL);
        assert_non_null(block);
        assert_true(is_zero(block, size));
        talus_heap_free(heap, block);
    }
    assert_true(talus_heap_destroy(heap));
}

/* R12, R15: a region too small for one page gives a heap without memory, or none: ENOMEM, no
 * crash. */
static void a_region_below_one_page(void **state)
{
    talus_fixed_region region = { .start = region_memory + 1, .bytes = 1000 };
    talus_provider     provider = talus_provider_fixed(&region);
    talus_heap_options options = { .name = "tiny", .provider = &provider };
    talus_heap        *heap;

    (void)state;
    errno = 0;
    heap = talus_heap_create(&options);
    if (heap != NULL) {
        errno = 0;
        assert_null(talus_heap_alloc(heap, 1, 0, NULL));
        assert_true(talus_heap_destroy(heap) || errno == 0);
    }
    assert_int_equal(errno, ENOMEM);
}

/* R12: two heaps on two regions of one memory keep to their own. */
static void two_regions_do_not_mix(void **state)
{
    talus_fixed_region regions[2] = { { .start = region_memory, .bytes = REGION_BYTES / 2 },
                                      { .start = region_memory + REGION_BYTES / 2,
                                        .bytes = REGION_BYTES / 2 } };
    talus_heap        *heaps[2];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        talus_provider     provider = talus_provider_fixed(&regions[i]);
        talus_heap_options options = { .name = "half", .provider = &provider };

        heaps[i] = talus_heap_create(&options);
        assert_non_null(heaps[i]);
    }
    assert_true(fill_and_empty(heaps[0], &regions[0], 2000) >= REGION_BYTES / 4);
    assert_true(fill_and_empty(heaps[1], &regions[1], 2000) >= REGION_BYTES / 4);
    assert_true(talus_heap_destroy(heaps[0]));
    assert_true(fill_and_empty(heaps[1], &regions[1], 2000) >= REGION_BYTES / 4);
    assert_true(talus_heap_destroy(heaps[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_region_that_starts_anywhere),
        cmocka_unit_test(the_whole_region_is_one_run),
        cmocka_unit_test(parts_merge_where_they_touch),
        cmocka_unit_test(a_dirty_region_is_zeroed_for_calloc),
        cmocka_unit_test(a_region_below_one_page),
        cmocka_unit_test(two_regions_do_not_mix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
