/* calloc.c: zeroed memory. */
#include <talus/talus.h>

#include "lib/test.h"

/* R3: fresh or used before, small or large, calloc gives zeroes. */
static void dirty_memory_comes_back_zeroed(void **state)
{
    static const size_t sizes[] = { 1,     7,     16,     24,     100,     1000,
                                    1024,  1025,  4096,   8192,   9000,    16384,
                                    33000, 70000, 300000, 800000, 2000000, 9000000 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (int round = 0; round < 4; round++) {
            void *dirty[8];

            for (size_t j = 0; j < COUNT_OF(dirty); j++) {
                dirty[j] = talus_malloc(sizes[i]);
                assert_non_null(dirty[j]);
                memset(dirty[j], 0xff, talus_usable_size(dirty[j]));
            }
            for (size_t j = 0; j < COUNT_OF(dirty); j++)
                talus_free(dirty[j]);
            for (size_t j = 0; j < COUNT_OF(dirty); j++) {
                dirty[j] = talus_calloc(1, sizes[i]);
                assert_non_null(dirty[j]);
                assert_true(is_zero(dirty[j], sizes[i]));
                memset(dirty[j], 0xff, sizes[i]);
            }
            for (size_t j = 0; j < COUNT_OF(dirty); j++)
                talus_free(dirty[j]);
        }
}

/* R3: count x size bytes, however the product is split. */
static void the_product_is_what_counts(void **state)
{
    (void)state;
    for (size_t count = 1; count <= 4096; count *= 4) {
        unsigned char *block = talus_calloc(count, 4096 / count);

        assert_non_null(block);
        assert_true(talus_usable_size(block) >= 4096);
        assert_true(is_zero(block, 4096));
        talus_free(block);
    }
}

/* R3: an overflowing product is refused with ENOMEM, not cut. */
static void an_overflowing_product_is_refused(void **state)
{
    static const size_t pairs[][2] = { { SIZE_MAX, 2 },
                                       { 2, SIZE_MAX },
                                       { SIZE_MAX, SIZE_MAX },
                                       { SIZE_MAX / 2 + 1, 2 },
                                       { (size_t)1 << (sizeof(size_t) * 4),
                                         (size_t)1 << (sizeof(size_t) * 4) },
                                       { SIZE_MAX / 3, 4 },
                                       { PTRDIFF_MAX, 2 } };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        errno = 0;
        assert_null(talus_calloc(opaque_size(pairs[i][0]), opaque_size(pairs[i][1])));
        assert_int_equal(errno, ENOMEM);
        errno = 0;
        assert_null(talus_reallocarray(NULL, opaque_size(pairs[i][0]), opaque_size(pairs[i][1])));
        assert_int_equal(errno, ENOMEM);
    }
}

/* R3: nothing times something is a block like that of talus_malloc(0). */
static void a_zero_product_is_a_block(void **state)
{
    void *first = talus_calloc(0, 100);
    void *second = talus_calloc(100, 0);

    (void)state;
    assert_non_null(first);
    assert_non_null(second);
    assert_ptr_not_equal(first, second);
    talus_free(first);
    talus_free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dirty_memory_comes_back_zeroed),
        cmocka_unit_test(the_product_is_what_counts),
        cmocka_unit_test(an_overflowing_product_is_refused),
        cmocka_unit_test(a_zero_product_is_a_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
