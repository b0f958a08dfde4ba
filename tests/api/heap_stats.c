/* heap_stats.c: the figures add up; memory goes back to the system by trim at once, and by decay in
 * time. */
#include <talus/heap.h>

#include "lib/counted_heap.h"
#include "lib/process.h"
#include "lib/rng.h"
#include "lib/test.h"

/* What must hold at any quiet moment of a heap over `counted`. */
static void check_equations(talus_heap *heap, size_t live)
{
    talus_heap_stats_t stats;

    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.mapped, counted.bytes);
    assert_int_equal(stats.mapped_peak, counted.bytes_peak);
    assert_int_equal(stats.provider_maps, counted.maps);
    assert_int_equal(stats.provider_unmaps, counted.unmaps);
    assert_int_equal(stats.provider_failures, counted.failures);
    assert_true(stats.allocated >= live);
    assert_true(stats.allocated + stats.free_pages <= stats.mapped);
    assert_true(stats.large <= stats.allocated);
    assert_true(stats.dirty_pages <= stats.free_pages);
    assert_true(stats.largest_free_run <= stats.free_pages);
    assert_true(stats.free_pages == 0 || stats.largest_free_run >= TALUS_PAGE_SIZE);
    assert_int_equal(stats.mapped % TALUS_PAGE_SIZE, 0);
    assert_int_equal(stats.free_pages % TALUS_PAGE_SIZE, 0);
    assert_true(stats.metadata > 0);
    assert_true(stats.caches_idle <= stats.caches);
}

/* R40: after every so many operations of a random load the totals agree with the provider's and
 * with each other. */
static void totals_add_up_under_a_random_load(void **state)
{
    enum { SLOTS = 600 };
    static struct {
        void  *block;
        size_t usable;
    } slots[SLOTS];
    talus_heap *heap = create_counted();
    struct rng  rng = rng_seeded(test_seed());
    size_t      live = 0;

    (void)state;
    check_equations(heap, 0);
    for (int step = 0; step < TEST_ROUNDS(30000); step++) {
        size_t at = rng_below(&rng, SLOTS);

        if (slots[at].block != NULL) {
            live -= slots[at].usable;
            talus_heap_free(heap, slots[at].block);
            slots[at].block = NULL;
        } else {
            slots[at].block = talus_heap_alloc(heap, rng_size(&rng, MIB / 2), 0, NULL);
            assert_non_null(slots[at].block);
            slots[at].usable = talus_usable_size(slots[at].block);
            live += slots[at].usable;
        }
        if (step % 50 == 0)
            check_equations(heap, live);
    }
    for (size_t i = 0; i < SLOTS; i++)
        talus_heap_free(heap, slots[i].block);
    check_equations(heap, 0);
    destroy_counted(heap);
}

/* R16, R40: with all freed and trimmed nothing is given out, and what is still mapped is free and
 * purged. */
static void an_empty_trimmed_heap_holds_nothing(void **state)
{
    talus_heap        *heap = create_counted();
    void              *blocks[2000];
    talus_heap_stats_t stats;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(blocks); i++) {
        blocks[i] = talus_heap_alloc(heap, 1 + i * 5, 0, NULL);
        assert_non_null(blocks[i]);
        memset(blocks[i], 1, 1 + i * 5);
    }
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        talus_heap_free(heap, blocks[i]);
    assert_true(talus_heap_trim(heap) > 0);
    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.allocated, 0);
    assert_int_equal(stats.large, 0);
    assert_int_equal(stats.spans, 0);
    assert_int_equal(stats.free_pages, stats.mapped);
    assert_int_equal(stats.dirty_pages, 0);
    assert_true(stats.purges > 0 || stats.provider_unmaps > 0);
    check_equations(heap, 0);
    destroy_counted(heap);
}

/* Fills `count` blocks of `size` bytes and frees them again. */
static void dirty(talus_heap *heap, size_t size, size_t count)
{
    void **blocks = malloc(count * sizeof *blocks);

    assert_non_null(blocks);
    for (size_t i = 0; i < count; i++) {
        blocks[i] = talus_heap_alloc(heap, size, 0, NULL);
        assert_non_null(blocks[i]);
        memset(blocks[i], 0x31, size);
    }
    for (size_t i = 0; i < count; i++)
        talus_heap_free(heap, blocks[i]);
    free(blocks);
}

/* R16: trim returns memory to the system at once: resident bytes say so, for small blocks and
 * large. */
static void trim_returns_memory(void **state)
{
    static const size_t sizes[] = { 100, 3000, 50000, 4000000 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        talus_heap_options options = { .name = "trim", .decay_ms = 1000000 };
        talus_heap        *heap = talus_heap_create(&options);
        size_t             before = process_resident();
        size_t             full;

        assert_non_null(heap);
        dirty(heap, sizes[i], 64 * MIB / sizes[i]);
        full = process_resident();
        assert_true(full >= before + 32 * MIB);
        assert_true(talus_heap_trim(heap) >= 48 * MIB);
        if (!TEST_SANITIZED)
            assert_in_range(process_resident(), 0, before + 8 * MIB);
        else
            assert_true(process_resident() <= full - 32 * MIB);
        assert_true(talus_heap_destroy(heap));
    }
}

static size_t purged_bytes; /* by counting_purge */

static bool counting_purge(void *context, void *pages, size_t bytes)
{
    purged_bytes += bytes;
    return talus_provider_mmap()->purge(context, pages, bytes);
}

/* R16: in a span that stays, because a block of it is in use, what is freed after one purge is
 * purged by the next. */
static void free_blocks_beside_live_ones_are_purged_each_time(void **state)
{
    enum { SPAN = 8, BLOCKS = 64 * SPAN, INSIDE = 4096 }; /* of each block: one unit */
    talus_provider     provider = *talus_provider_mmap();
    talus_heap_options options = { .name = "inside", .provider = &provider, .decay_ms = 1000000 };
    talus_heap        *heap;
    void              *blocks[BLOCKS];

    (void)state;
    provider.purge = counting_purge;
    heap = talus_heap_create(&options);
    assert_non_null(heap);
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = talus_heap_alloc(heap, 8 * KIB, 0, NULL);
        assert_non_null(blocks[i]);
    }
    purged_bytes = 0;
    for (size_t i = 0; i < BLOCKS; i += SPAN)
        talus_heap_free(heap, blocks[i]);
    talus_heap_trim(heap);
    assert_true(purged_bytes >= INSIDE * (BLOCKS / SPAN));
    purged_bytes = 0;
    for (size_t i = 0; i < BLOCKS; i++)
        if (i % SPAN != 0 && i % SPAN != SPAN - 1)
            talus_heap_free(heap, blocks[i]);
    talus_heap_trim(heap);
    assert_true(purged_bytes >= INSIDE * (SPAN - 2) * (BLOCKS / SPAN));
    purged_bytes = 0;
    talus_heap_trim(heap);
    assert_int_equal(purged_bytes, 0);
    assert_true(talus_heap_destroy(heap));
}

/* R16: a heap that keeps its pages gives none back, until it is destroyed. */
static void keep_pages_keeps_them(void **state)
{
    talus_heap_options options = { .name = "keep", .decay_ms = 1, .keep_pages = true };
    talus_heap        *heap = create_counted_over(NULL, options);

    (void)state;
    dirty(heap, 10000, 2000);
    dirty(heap, 2000000, 10);
    assert_int_equal(talus_heap_trim(heap), 0);
    assert_int_equal(counted.unmaps, 0);
    assert_int_equal(counted.purges, 0);
    destroy_counted(heap);
}

static bool dirty_pages_decayed(void *context)
{
    talus_heap        *heap = context;
    talus_heap_stats_t stats;
    void              *block;

    /* a little activity, as any program has: decay needs no thread of its own */
    for (int i = 0; i < 4; i++) {
        block = talus_heap_alloc(heap, 40000, 0, NULL);
        if (block == NULL)
            return false;
        talus_heap_free(heap, block);
    }
    talus_heap_stats(heap, &stats);
    return stats.dirty_pages <= 512 * KIB;
}

/* R16: free pages stay for a while (they are needed again soon), and go back by themselves after
 * decay_ms. */
static void decay_returns_memory_in_time(void **state)
{
    talus_heap        *heap = create_counted(.decay_ms = 200);
    talus_heap_stats_t stats;

    (void)state;
    dirty(heap, 50000, 1000);
    talus_heap_stats(heap, &stats);
    assert_true(stats.dirty_pages >= 16 * MIB);
    assert_true(process_wait_until(dirty_pages_decayed, heap, 10000));
    destroy_counted(heap);
}

/* R40: the peak stays when the heap shrinks; the limit is what was set. */
static void the_peak_stays(void **state)
{
    talus_heap        *heap = create_counted();
    talus_heap_stats_t full;
    talus_heap_stats_t empty;
    void              *block = talus_heap_alloc(heap, 30 * MIB, 0, NULL);

    (void)state;
    assert_non_null(block);
    talus_heap_stats(heap, &full);
    talus_heap_free(heap, block);
    talus_heap_trim(heap);
    talus_heap_stats(heap, &empty);
    assert_true(full.mapped_peak >= 30 * MIB);
    assert_int_equal(empty.mapped_peak, full.mapped_peak);
    assert_int_equal(empty.limit, 0);
    destroy_counted(heap);
}

/* R8, R50: metadata outside the pages is small against what it describes. */
static void metadata_is_small(void **state)
{
    talus_heap        *heap = create_counted();
    talus_heap_stats_t before;
    talus_heap_stats_t after;

    (void)state;
    talus_heap_stats(heap, &before);
    for (int i = 0; i < 200000; i++)
        assert_non_null(talus_heap_alloc(heap, 200, 0, NULL));
    talus_heap_stats(heap, &after);
    assert_in_range(after.metadata - before.metadata, 0, after.mapped / 20 + 512 * KIB);
    destroy_counted(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_add_up_under_a_random_load),
        cmocka_unit_test(an_empty_trimmed_heap_holds_nothing),
        cmocka_unit_test(trim_returns_memory),
        cmocka_unit_test(free_blocks_beside_live_ones_are_purged_each_time),
        cmocka_unit_test(keep_pages_keeps_them),
        cmocka_unit_test(decay_returns_memory_in_time),
        cmocka_unit_test(the_peak_stays),
        cmocka_unit_test(metadata_is_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
