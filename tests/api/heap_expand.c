/* heap_expand.c: blocks that a heap's owner adds: they serve the heap like the provider's, and the
 * provider never gets them. */
#include <talus/heap.h>

#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/counted_heap.h"
#include "lib/pattern.h"
#include "lib/test.h"

/* Whole pages of the heap's, which may be longer than the system's; munmap ends it. */
static unsigned char *own_block(size_t bytes)
{
    unsigned char *room = mmap(NULL, bytes + TALUS_PAGE_SIZE, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    size_t         before = -(uintptr_t)room & (TALUS_PAGE_SIZE - 1);

    assert_true((void *)room != MAP_FAILED);
    if (before != 0)
        munmap(room, before);
    munmap(room + before + bytes, TALUS_PAGE_SIZE - before);
    memset(room + before, 0xa5, bytes);
    return room + before;
}

static bool lies_in(const void *block, const unsigned char *region, size_t bytes)
{
    return (uintptr_t)block - (uintptr_t)region < bytes;
}

/* R11, R13: blocks that do not touch, before the first allocation: all of both is used before the
 * provider is asked. They are not zero, and what is asked zeroed is. */
static void blocks_serve_before_the_provider(void **state)
{
    talus_heap        *heap = create_counted(.decay_ms = 1);
    unsigned char     *first = own_block(MIB);
    unsigned char     *second = own_block(MIB);
    talus_heap_stats_t stats;
    bool               from_first = false, from_second = false;

    (void)state;
    assert_true(talus_heap_expand(heap, first, MIB / 2));
    assert_true(talus_heap_expand(heap, second, MIB));
    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.mapped, MIB / 2 + MIB);
    assert_int_equal(stats.free_pages, stats.mapped);
    for (size_t taken = 0; taken < MIB / 2 + MIB; taken += MIB / 8) {
        unsigned char *block = talus_heap_zalloc(heap, MIB / 8, 0, NULL);

        assert_non_null(block);
        assert_true(is_zero(block, MIB / 8));
        from_first |= lies_in(block, first, MIB / 2);
        from_second |= lies_in(block, second, MIB);
        assert_true(lies_in(block, first, MIB / 2) || lies_in(block, second, MIB));
    }
    assert_true(from_first && from_second);
    assert_int_equal(counted.maps, 0);
    assert_non_null(talus_heap_alloc(heap, 2 * MIB, 0, NULL));
    assert_int_equal(counted.maps, 1);
    destroy_counted(heap);
    munmap(first, MIB);
    munmap(second, MIB);
}

/* R13: what lies side by side becomes one, also with a block in between that came last. Odd ends
 * are not used. */
static void neighbours_become_one(void **state)
{
    talus_heap        *heap = create_counted(.decay_ms = 1);
    unsigned char     *block = own_block(3 * MIB + TALUS_PAGE_SIZE);
    talus_heap_stats_t stats;

    (void)state;
    assert_true(talus_heap_expand(heap, block, MIB));
    assert_true(talus_heap_expand(heap, block + 2 * MIB, MIB + 100));
    assert_true(talus_heap_expand(heap, block + MIB - 100, MIB + 200));
    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.mapped, 3 * MIB);
    assert_int_equal(stats.largest_free_run, 3 * MIB);
    assert_ptr_equal(talus_heap_alloc(heap, 3 * MIB, 0, NULL), block);
    destroy_counted(heap);
    munmap(block, 3 * MIB + TALUS_PAGE_SIZE);
}

static void refused(talus_heap *heap, void *block, size_t bytes, int why)
{
    errno = 0;
    assert_false(talus_heap_expand(heap, block, bytes));
    assert_int_equal(errno, why);
}

/* R11: what holds no whole page, wraps around, or is in use already, by whichever heap. */
static void what_cannot_be_is_refused(void **state)
{
    talus_heap        *heap = create_counted(.decay_ms = 1);
    talus_heap        *other = talus_heap_create(NULL);
    unsigned char     *block = own_block(MIB);
    talus_heap_stats_t stats;

    (void)state;
    assert_non_null(other);
    refused(heap, NULL, MIB, EINVAL);
    refused(heap, block, 0, EINVAL);
    refused(heap, block, TALUS_PAGE_SIZE - 1, EINVAL);
    refused(heap, block + 1, 2 * TALUS_PAGE_SIZE - 2, EINVAL);
    refused(heap, (void *)(UINTPTR_MAX - 100), 50, EINVAL);
    refused(heap, (void *)(UINTPTR_MAX - 100), TALUS_PAGE_SIZE, EINVAL);
    refused(heap, block, SIZE_MAX, EINVAL);
    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.mapped, 0);

    assert_true(talus_heap_expand(heap, block, MIB));
    refused(heap, block, MIB, ENOMEM);
    refused(heap, block + MIB / 2, MIB / 4, ENOMEM);
    refused(other, block + MIB - 2 * TALUS_PAGE_SIZE, 2 * TALUS_PAGE_SIZE, ENOMEM);
    assert_true(talus_heap_destroy(other));
    destroy_counted(heap);
    munmap(block, MIB);
}

/* R15: the limit bounds what the provider is asked for, not what is given; that counts, though. */
static void the_limit_stops_growth_only(void **state)
{
    talus_heap_options options = { .name = "limited", .limit = MIB };
    talus_heap        *heap = talus_heap_create(&options);
    unsigned char     *block = own_block(2 * MIB);

    (void)state;
    assert_non_null(heap);
    assert_true(talus_heap_expand(heap, block, 2 * MIB));
    assert_true(lies_in(talus_heap_alloc(heap, MIB, 0, NULL), block, 2 * MIB));
    assert_null(talus_heap_alloc(heap, 3 * MIB / 2, 0, NULL));
    assert_true(talus_heap_destroy(heap));
    munmap(block, 2 * MIB);
}

/* R16: the provider is not told to purge, move or unmap what is not its own, beside blocks that it
 * does: neither by trim, nor by realloc, nor at the end. The block, shared memory as it was, is the
 * owner's again and can be given anew. */
static void the_block_stays_the_owners(void **state)
{
    enum { BYTES = 16 * MIB };
    unsigned char *block = own_block(BYTES), *twin;
    FILE          *file = tmpfile();

    (void)state;
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), BYTES), 0);
    assert_true(mmap(block, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fileno(file),
                     0) == block);
    twin = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fileno(file), 0); /* the same memory */
    assert_true((void *)twin != MAP_FAILED);
    for (int round = 0; round < 2; round++) {
        talus_heap *heap = create_counted(.decay_ms = 1);
        void       *large, *small;

        assert_true(talus_heap_expand(heap, block, BYTES));
        large = talus_heap_alloc(heap, 3 * MIB, 0, NULL);
        small = talus_heap_alloc(heap, BYTES / 2, 0, NULL);
        assert_true(lies_in(large, block, BYTES) && lies_in(small, block, BYTES));
        memset(large, 0x11, 3 * MIB);
        for (size_t bytes = 4 * MIB; bytes <= 64 * MIB; bytes *= 2) { /* out of the block */
            large = talus_heap_realloc(heap, large, bytes, NULL);
            assert_non_null(large);
            memset(large, 0x11, bytes);
        }
        assert_false(lies_in(large, block, BYTES));
        assert_true(counted.maps > 0);
        talus_heap_free(heap, small);
        talus_heap_free(heap, large);
        talus_heap_trim(heap);
        assert_int_equal(talus_heap_trim(heap), 0);
        assert_int_equal(counted.bytes, 0);
        assert_non_null(small = talus_heap_alloc(heap, 100, 0, NULL));
        assert_true(lies_in(small, block, BYTES));
        destroy_counted(heap);
        assert_int_equal(talus_usable_size(small), 0);
        memset(block, 0x77, BYTES);
        assert_memory_equal(twin, block, BYTES);
    }
    munmap(twin, BYTES);
    fclose(file);
    munmap(block, BYTES);
}

/* R16: where the block alone is dirty, nothing was given back. */
static void trim_counts_what_the_provider_got(void **state)
{
    talus_heap    *heap = create_counted(.decay_ms = 1);
    unsigned char *block = own_block(MIB);
    void          *large;

    (void)state;
    assert_true(talus_heap_expand(heap, block, MIB));
    assert_non_null(large = talus_heap_alloc(heap, MIB / 2, 0, NULL));
    talus_heap_free(heap, large);
    assert_int_equal(talus_heap_trim(heap), 0);
    assert_int_equal(counted.purges, 0);
    destroy_counted(heap);
    munmap(block, MIB);
}

enum { EXPANDERS = 4, PIECES = 16 };

struct expander {
    talus_heap    *heap;
    unsigned char *start;
    bool           wrong;
};

static void *expand_and_use(void *context)
{
    struct expander *expander = context;
    const size_t     bytes = 8 * TALUS_PAGE_SIZE;
    void            *blocks[PIECES];

    for (size_t i = 0; i < PIECES; i++) {
        unsigned char *piece = expander->start + i * EXPANDERS * bytes; /* neighbours are others' */

        if (!talus_heap_expand(expander->heap, piece, bytes) ||
            (blocks[i] = talus_heap_alloc(expander->heap, bytes / 2, 0, NULL)) == NULL)
            expander->wrong = true;
    }
    for (size_t i = 0; i < PIECES && !expander->wrong; i++)
        talus_heap_free(expander->heap, blocks[i]);
    return NULL;
}

/* R13: several threads expand at once, with blocks that touch each other's, and allocate. */
static void threads_expand_at_once(void **state)
{
    const size_t       all = EXPANDERS * PIECES * 8 * TALUS_PAGE_SIZE;
    talus_heap        *heap = create_counted(.decay_ms = 1);
    unsigned char     *block = own_block(all);
    struct expander    expanders[EXPANDERS];
    pthread_t          threads[EXPANDERS];
    talus_heap_stats_t stats;

    (void)state;
    for (size_t i = 0; i < EXPANDERS; i++) {
        expanders[i] = (struct expander){ heap, block + i * 8 * TALUS_PAGE_SIZE, false };
        assert_int_equal(pthread_create(&threads[i], NULL, expand_and_use, &expanders[i]), 0);
    }
    for (size_t i = 0; i < EXPANDERS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(expanders[i].wrong);
    }
    talus_heap_trim(heap);
    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.allocated, 0);
    assert_int_equal(stats.mapped, all);
    assert_int_equal(stats.largest_free_run, all);
    assert_int_equal(counted.maps, 0);
    destroy_counted(heap);
    munmap(block, all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_serve_before_the_provider),
        cmocka_unit_test(neighbours_become_one),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(the_limit_stops_growth_only),
        cmocka_unit_test(the_block_stays_the_owners),
        cmocka_unit_test(trim_counts_what_the_provider_got),
        cmocka_unit_test(threads_expand_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
