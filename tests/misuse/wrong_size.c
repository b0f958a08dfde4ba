/* wrong_size.c: talus_free_sized with a size that the block cannot have (R45). */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        misuse_test(more_than_the_block_can_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
