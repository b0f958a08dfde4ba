/* align.c: the address that a caller gets is the one that is aligned. */
#include <talus/heap.h>

#include "lib/pattern.h"
#include "lib/test.h"

/* R22: every block is aligned for any type, whatever its size. */
static void every_block_has_the_least_alignment(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 4096; size++) {
        void *plain = talus_malloc(size);
        void *zeroed = talus_calloc(1, size);

        assert_non_null(plain);
        assert_non_null(zeroed);
        assert_true(is_aligned(plain, TALUS_ALIGN_MIN));
        assert_true(is_aligned(zeroed, TALUS_ALIGN_MIN));
        talus_free(plain);
        talus_free(zeroed);
    }
}

/* R20, R22: every power of two up to 4 KiB with every size up to 4096: aligned, and the bytes are
 * all there. */
static void small_sizes_at_small_alignments(void **state)
{
    (void)state;
    for (size_t align = 1; align <= 4096; align *= 2)
        for (size_t size = 0; size <= 4096; size += TEST_SANITIZED ? 61 : 1) {
            void *block = talus_aligned_alloc(align, size);

            assert_non_null(block);
            assert_true(is_aligned(block, align));
            assert_true(is_aligned(block, TALUS_ALIGN_MIN));
            assert_true(talus_usable_size(block) >= size);
            pattern_fill(block, size, align ^ size);
            assert_true(pattern_holds(block, size, align ^ size));
            talus_free(block);
        }
}

/* R20: page alignment and more, several live at once, small and large sizes. */
static void large_alignments(void **state)
{
    static const size_t sizes[] = { 1, 100, 4096, 16384, 70000, 1000000 };

    (void)state;
    for (size_t align = 4096; align <= 64 * MIB && align <= TALUS_ALIGN_MAX; align *= 2)
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            void *blocks[3];

            for (size_t j = 0; j < 3; j++) {
                blocks[j] = talus_aligned_alloc(align, sizes[i]);
                assert_non_null(blocks[j]);
                assert_true(is_aligned(blocks[j], align));
                assert_true(talus_usable_size(blocks[j]) >= sizes[i]);
                pattern_fill(blocks[j], sizes[i], j);
            }
            for (size_t j = 0; j < 3; j++) {
                assert_true(pattern_holds(blocks[j], sizes[i], j));
                talus_free(blocks[j]);
            }
        }
}

/* R20: the largest alignment is accepted: the block is aligned, or there is no memory for it. */
static void the_largest_alignment(void **state)
{
    void *block;

    (void)state;
    errno = 0;
    block = talus_aligned_alloc(TALUS_ALIGN_MAX, 100);
    if (block == NULL)
        assert_int_equal(errno, ENOMEM);
    else
        assert_true(is_aligned(block, TALUS_ALIGN_MAX));
    talus_free(block);
}

/* R20: what is no power of two, or too large, is refused with EINVAL; heap_alloc takes 0 and 1 as
 * "none". */
static void bad_alignments_are_refused(void **state)
{
    static const size_t bad[] = { 3,
                                  5,
                                  6,
                                  24,
                                  48,
                                  100,
                                  4095,
                                  4097,
                                  SIZE_MAX,
                                  TALUS_ALIGN_MAX * 2,
                                  TALUS_ALIGN_MAX + 1,
                                  SIZE_MAX / 2 + 1 };
    talus_heap         *heap = talus_heap_default();
    void               *block;

    (void)state;
    assert_non_null(heap);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        errno = 0;
        assert_null(talus_aligned_alloc(opaque_size(bad[i]), 10));
        assert_int_equal(errno, EINVAL);
        errno = 0;
        assert_null(talus_heap_alloc(heap, 10, bad[i], NULL));
        assert_int_equal(errno, EINVAL);
        errno = 0;
        assert_null(talus_heap_zalloc(heap, 10, bad[i], NULL));
        assert_int_equal(errno, EINVAL);
    }
    errno = 0;
    assert_null(talus_aligned_alloc(opaque_size(0), 10));
    assert_int_equal(errno, EINVAL);
    for (size_t align = 0; align <= 1; align++) {
        block = talus_heap_alloc(heap, 10, align, NULL);
        assert_non_null(block);
        assert_true(is_aligned(block, TALUS_ALIGN_MIN));
        talus_heap_free(heap, block);
    }
}

/* R3, R20: zeroed and aligned at once, also where the memory was used before. */
static void zeroed_and_aligned(void **state)
{
    talus_heap *heap = talus_heap_default();

    (void)state;
    for (size_t align = 16; align <= 65536; align *= 4)
        for (size_t size = 1; size <= 200000; size = size * 5 + 3)
            for (int again = 0; again < 2; again++) {
                void *block = talus_heap_zalloc(heap, size, align, "aligned");

                assert_non_null(block);
                assert_true(is_aligned(block, align));
                assert_true(is_zero(block, size));
                memset(block, 0xa5, talus_usable_size(block));
                talus_heap_free(heap, block);
            }
}

/* R4, R22: an aligned block may be resized; contents stay, the least alignment holds. */
static void an_aligned_block_may_be_resized(void **state)
{
    (void)state;
    for (size_t align = 32; align <= 65536; align *= 2) {
        unsigned char *block = talus_aligned_alloc(align, 300);
        unsigned char *larger;

        assert_non_null(block);
        pattern_fill(block, 300, align);
        larger = talus_realloc(block, 50000);
        assert_non_null(larger);
        assert_true(is_aligned(larger, TALUS_ALIGN_MIN));
        assert_int_equal(pattern_check(larger, 300, 300, align), SIZE_MAX);
        talus_free(larger);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_block_has_the_least_alignment),
        cmocka_unit_test(small_sizes_at_small_alignments),
        cmocka_unit_test(large_alignments),
        cmocka_unit_test(the_largest_alignment),
        cmocka_unit_test(bad_alignments_are_refused),
        cmocka_unit_test(zeroed_and_aligned),
        cmocka_unit_test(an_aligned_block_may_be_resized),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
