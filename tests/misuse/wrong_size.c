/* wrong_size.c: sized frees with a size or an alignment that the block cannot have (R45). */
#include "misuse/recorder.h"

/* R45: too large a size, by class: noticed, and nothing is freed. */
static void more_than_the_block_can_hold(void **state)
{
    static const size_t sizes[] = { 1, 16, 100, 1000, 5000, 100000, 3000000 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        unsigned char *block = talus_malloc(sizes[i]);

        assert_non_null(block);
        memset(block, 0x3c, sizes[i]);
        talus_free_sized(block, talus_usable_size(block) + 1);
        assert_reported(TALUS_MISUSE_WRONG_SIZE, block);
        assert_int_equal(block[0], 0x3c);
        assert_int_equal(block[sizes[i] - 1], 0x3c);
        talus_free_sized(block, sizes[i]);
        assert_not_reported();
    }
}

/* R45: the same for aligned blocks, and an alignment that the address does not have. */
static void a_size_or_alignment_that_an_aligned_block_cannot_have(void **state)
{
    static const size_t sizes[] = { 1, 100, 1000, 5000, 100000, 3000000 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        for (size_t align = 1; align <= 65536; align *= 16) {
            unsigned char *block = talus_aligned_alloc(align, sizes[i]);
            uintptr_t      address = (uintptr_t)block;

            assert_non_null(block);
            memset(block, 0x3c, sizes[i]);
            talus_free_aligned_sized(block, align, talus_usable_size(block) + 1);
            assert_reported(TALUS_MISUSE_WRONG_SIZE, block);
            talus_free_aligned_sized(block, 2 * (address & (~address + 1)), sizes[i]);
            assert_reported(TALUS_MISUSE_WRONG_SIZE, block);
            assert_int_equal(block[0], 0x3c);
            assert_int_equal(block[sizes[i] - 1], 0x3c);
            talus_free_aligned_sized(block, align, sizes[i]);
            assert_not_reported();
        }
    }
}

/* R45: a pointer that is no block is told as that, whatever size and alignment come with it. */
static void no_block_at_all(void **state)
{
    char local[64];

    (void)state;
    talus_free_sized(local + 1, SIZE_MAX);
    assert_reported(TALUS_MISUSE_FOREIGN_POINTER, local + 1);
    talus_free_aligned_sized(local + 1, 64, SIZE_MAX);
    assert_reported(TALUS_MISUSE_FOREIGN_POINTER, local + 1);
    talus_free_aligned_sized(NULL, 64, 100);
    assert_not_reported();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        misuse_test(more_than_the_block_can_hold),
        misuse_test(a_size_or_alignment_that_an_aligned_block_cannot_have),
        misuse_test(no_block_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
