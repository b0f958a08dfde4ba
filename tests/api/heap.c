/* heap.c: heap instances: created, used side by side, destroyed with whatever is in them. */
#include <talus/heap.h>

#include "lib/counted_heap.h"
#include "lib/pattern.h"
#include "lib/reference.h"
#include "lib/rng.h"
#include "lib/test.h"

/* R19: NULL options are all defaults. */
static void default_options_will_do(void **state)
{
    talus_heap *heap = talus_heap_create(NULL);
    void       *block;

    (void)state;
    assert_non_null(heap);
    block = talus_heap_alloc(heap, 100, 0, NULL);
    assert_non_null(block);
    talus_heap_free(heap, block);
    assert_true(talus_heap_destroy(heap));
}

/* R19: options that make no sense are refused with EINVAL. */
static void bad_options_are_refused(void **state)
{
    talus_provider      without_map = { .map = NULL };
    talus_heap_options  bad_provider = { .provider = &without_map };
    talus_heap_options  bad_limit = { .limit = TALUS_PAGE_SIZE - 1 };
    talus_heap_options  least_limit = { .limit = TALUS_PAGE_SIZE };
    static const size_t bad_units[] = { 3, TALUS_PAGE_SIZE - 1, 2 * TALUS_PAGE_SIZE };
    talus_heap         *heap;

    (void)state;
    errno = 0;
    assert_null(talus_heap_create(&bad_provider));
    assert_int_equal(errno, EINVAL);
    for (size_t i = 0; i < COUNT_OF(bad_units); i++) {
        talus_provider     odd = *talus_provider_mmap();
        talus_heap_options odd_provider = { .provider = &odd };

        odd.purge_unit = bad_units[i];
        errno = 0;
        assert_null(talus_heap_create(&odd_provider));
        assert_int_equal(errno, EINVAL);
    }
    errno = 0;
    assert_null(talus_heap_create(&bad_limit));
    assert_int_equal(errno, EINVAL);
    heap = talus_heap_create(&least_limit);
    assert_non_null(heap);
    assert_true(talus_heap_destroy(heap));
}

/* R19: the default heap is one of the heaps: talus_malloc's blocks are its own; it cannot be
 * destroyed. */
static void the_default_heap_is_a_heap(void **state)
{
    talus_heap *heap = talus_heap_default();
    void       *block = talus_malloc(100);

    (void)state;
    assert_non_null(heap);
    assert_non_null(block);
    assert_ptr_equal(talus_heap_default(), heap);
    talus_heap_free(heap, block);
    block = talus_heap_alloc(heap, 100, 0, NULL);
    assert_non_null(block);
    talus_free(block);
    assert_false(talus_heap_destroy(heap));
    block = talus_malloc(100);
    assert_non_null(block);
    talus_free(block);
}

/* R10, R19: all pages come from the heap's provider, and destroy returns every one, when all was
 * freed before. */
static void destroy_returns_all_pages_of_an_empty_heap(void **state)
{
    talus_heap *heap = create_counted();
    void       *blocks[1000];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(blocks); i++) {
        blocks[i] = talus_heap_alloc(heap, i * 31 + 1, 0, NULL);
        assert_non_null(blocks[i]);
    }
    assert_true(counted.bytes >= 999 * 1000 / 2 * 31);
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        talus_heap_free(heap, blocks[i]);
    destroy_counted(heap);
}

/* R19: the same with blocks of every kind still live. */
static void destroy_returns_all_pages_with_live_blocks(void **state)
{
    talus_heap *heap = create_counted();

    (void)state;
    for (size_t size = 1; size < 3 * MIB; size += size / 9 + 1) {
        assert_non_null(talus_heap_alloc(heap, size, 0, NULL));
        assert_non_null(talus_heap_zalloc(heap, size, 4096, NULL));
    }
    destroy_counted(heap);
}

/* R11: what no address range can hold is refused, and not asked for in pieces. */
static void initial_bytes_have_a_bound(void **state)
{
    static unsigned char region[8 * MIB];
    const size_t         too_many[] = { SIZE_MAX, SIZE_MAX - TALUS_PAGE_SIZE, SIZE_MAX / 2 + 1 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(too_many); i++) {
        talus_fixed_region fixed = { .start = region, .bytes = sizeof region };
        talus_provider     provider = talus_provider_fixed(&fixed);
        assert_null(talus_heap_create(
            &(talus_heap_options){ .provider = &provider, .initial = too_many[i] }));
        assert_int_equal(errno, ENOMEM);
        assert_int_equal(fixed.given, 0);
    }
}

/* R11, R19: `initial` bytes are there before the first allocation, and are returned like the
 * rest. */
static void initial_bytes_are_taken_at_creation(void **state)
{
    talus_heap *heap = create_counted(.initial = 3 * MIB);
    uint64_t    maps;

    (void)state;
    assert_true(counted.bytes >= 3 * MIB);
    maps = counted.maps;
    assert_non_null(talus_heap_alloc(heap, 2 * MIB, 0, NULL));
    assert_int_equal(counted.maps, maps);
    destroy_counted(heap);
}

/* R10: `growth` is the least that is asked of the provider at a time. */
static void growth_is_the_least_step(void **state)
{
    talus_heap *heap = create_counted(.growth = 4 * MIB);
    void       *block;

    (void)state;
    block = talus_heap_alloc(heap, 100, 0, NULL);
    assert_non_null(block);
    assert_true(counted.bytes >= 4 * MIB);
    talus_heap_free(heap, block);
    destroy_counted(heap);
}

/* R19: heaps come and go; nothing of an old one is in the way of a new one, and none of their pages
 * is lost. */
static void heaps_come_and_go(void **state)
{
    (void)state;
    for (int round = 0; round < TEST_ROUNDS(300); round++) {
        talus_heap *heap = create_counted();

        for (size_t i = 0; i < 100; i++) {
            void *block = talus_heap_alloc(heap, i * 50, 0, NULL);

            assert_non_null(block);
            memset(block, 0x5a, i * 50);
            if (i % 2 == 0)
                talus_heap_free(heap, block);
        }
        destroy_counted(heap);
    }
}

/* R19: many heaps at once, used in turn: no block of one overlaps a block of another; destroying
 * one leaves the others. */
static void many_heaps_side_by_side(void **state)
{
    enum { HEAPS = 40 };
    talus_heap      *heaps[HEAPS];
    struct reference references[HEAPS];
    struct rng       rng = rng_seeded(test_seed());

    (void)state;
    for (size_t i = 0; i < HEAPS; i++) {
        heaps[i] = talus_heap_create(NULL);
        assert_non_null(heaps[i]);
        reference_open(&references[i]);
    }
    for (int step = 0; step < TEST_ROUNDS(20000); step++) {
        size_t            which = rng_below(&rng, HEAPS);
        struct reference *reference = &references[which];

        if (reference->count > 0 && rng_below(&rng, 3) == 0) {
            size_t index = rng_below(&rng, reference->count);
            void  *block = reference->blocks[index].start;

            assert_true(reference_remove(reference, index));
            talus_heap_free(heaps[which], block);
        } else {
            size_t size = rng_size(&rng, 20000);
            void  *block = talus_heap_alloc(heaps[which], size, 0, NULL);

            assert_non_null(block);
            assert_true(reference_add(reference, block, size, talus_usable_size(block), 0));
        }
    }
    for (size_t i = 0; i < HEAPS; i++) {
        assert_true(talus_heap_destroy(heaps[i]));
        reference_close(&references[i]);
        for (size_t j = i + 1; j < HEAPS; j++)
            assert_true(reference_check_all(&references[j]));
    }
}

/* R5: talus_free takes a block of any heap. */
static void talus_free_takes_blocks_of_any_heap(void **state)
{
    talus_heap        *heap = create_counted();
    talus_heap_stats_t stats;

    (void)state;
    for (size_t size = 1; size < 2 * MIB; size = size * 3 + 1) {
        void *block = talus_heap_alloc(heap, size, 0, NULL);

        assert_non_null(block);
        assert_true(talus_usable_size(block) >= size);
        talus_free(block);
        block = talus_heap_alloc(heap, size, 0, NULL);
        assert_non_null(block);
        talus_free_sized(block, size);
    }
    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.large, 0);
    destroy_counted(heap);
}

/* R10: a provider with map alone is enough: no unmap, no purge, no move, not zeroed. */
static void a_provider_with_map_alone_will_do(void **state)
{
    talus_heap_options options = { .name = "bare", .provider = &counted.provider, .decay_ms = 1 };
    talus_heap        *heap;
    void              *block = NULL;

    (void)state;
    faulty_provider_open(&counted, NULL);
    counted.provider.unmap = NULL;
    counted.provider.purge = NULL;
    counted.provider.move = NULL;
    counted.provider.zeroed = false;
    heap = talus_heap_create(&options);
    assert_non_null(heap);
    for (size_t size = 1; size < 4 * MIB; size *= 2) {
        block = talus_heap_realloc(heap, block, size, NULL);
        assert_non_null(block);
        memset(block, 0x77, size);
    }
    talus_heap_free(heap, block);
    talus_heap_trim(heap);
    for (size_t size = 1; size < 4 * MIB; size *= 2) {
        block = talus_heap_zalloc(heap, size, 0, NULL);
        assert_non_null(block);
        assert_true(is_zero(block, size));
        talus_heap_free(heap, block);
    }
    assert_true(talus_heap_destroy(heap));
    assert_null(counted.violation);
    /* Nothing may have been given back; do so now, so that the process leaks nothing. */
    while (counted.count > 0) {
        counted.count--;
        counted.below.unmap(counted.below.context, counted.blocks[counted.count].start,
                            counted.blocks[counted.count].bytes);
    }
    faulty_provider_close(&counted);
}

/* A provider whose pages are dirty: what it maps is full of 0xdd. */
static void *dirty_map(void *context, size_t bytes)
{
    void *block = talus_provider_mmap()->map(context, bytes);

    if (block != NULL)
        memset(block, 0xdd, bytes);
    return block;
}

static bool lazy_purge(void *context, void *pages, size_t bytes)
{
    (void)context;
    memset(pages, 0xcc, bytes);
    return false;
}

/* R3, R10: `zeroed` and the result of purge are believed: memory of a provider that zeroes nothing
 * is zeroed by the heap. */
static void dirty_pages_are_zeroed_for_calloc(void **state)
{
    talus_provider     provider = *talus_provider_mmap();
    talus_heap_options options = { .name = "dirty", .provider = &provider };
    talus_heap        *heap;

    (void)state;
    provider.map = dirty_map;
    provider.purge = lazy_purge;
    provider.move = NULL;
    provider.zeroed = false;
    heap = talus_heap_create(&options);
    assert_non_null(heap);
    for (int round = 0; round < 2; round++) {
        for (size_t size = 1; size < 2 * MIB; size += size / 3 + 1) {
            void *block = talus_heap_zalloc(heap, size, 0, NULL);

            assert_non_null(block);
            assert_true(is_zero(block, size));
            if (size % 2 == 0)
                talus_heap_free(heap, block);
        }
        talus_heap_trim(heap);
    }
    assert_true(talus_heap_destroy(heap));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_options_will_do),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(the_default_heap_is_a_heap),
        cmocka_unit_test(destroy_returns_all_pages_of_an_empty_heap),
        cmocka_unit_test(destroy_returns_all_pages_with_live_blocks),
        cmocka_unit_test(initial_bytes_are_taken_at_creation),
        cmocka_unit_test(initial_bytes_have_a_bound),
        cmocka_unit_test(growth_is_the_least_step),
        cmocka_unit_test(heaps_come_and_go),
        cmocka_unit_test(many_heaps_side_by_side),
        cmocka_unit_test(talus_free_takes_blocks_of_any_heap),
        cmocka_unit_test(a_provider_with_map_alone_will_do),
        cmocka_unit_test(dirty_pages_are_zeroed_for_calloc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
