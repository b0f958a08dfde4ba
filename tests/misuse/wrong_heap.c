/* wrong_heap.c: a block of one heap given to another one is noticed, always, and stays allocated
 * (R45). */
#include "lib/pattern.h"
#include "misuse/recorder.h"

static const size_t sizes[] = { 1, 100, 1000, 4000, 20000, 300000, 3000000 };

static void expect_wrong_heap(talus_heap *wrong, void *block, size_t size)
{
    pattern_fill(block, size, size);
    errno = 4711;
    talus_heap_free(wrong, block);
    assert_reported(TALUS_MISUSE_WRONG_HEAP, block);
    assert_int_equal(errno, 4711);
    errno = 0;
    assert_null(talus_heap_realloc(wrong, block, size * 2, NULL));
    assert_int_equal(errno, EINVAL);
    assert_reported(TALUS_MISUSE_WRONG_HEAP, block);
    assert_true(pattern_holds(block, size, size));
    assert_true(talus_usable_size(block) >= size);
}

/* R45: two instances, and an instance and the default heap, both ways. */
static void a_block_of_another_heap(void **state)
{
    talus_heap *first = talus_heap_create(NULL);
    talus_heap *second = talus_heap_create(NULL);

    (void)state;
    assert_non_null(first);
    assert_non_null(second);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        void *of_first = talus_heap_alloc(first, sizes[i], 0, NULL);
        void *of_default = talus_malloc(sizes[i]);

        assert_non_null(of_first);
        assert_non_null(of_default);
        expect_wrong_heap(second, of_first, sizes[i]);
        expect_wrong_heap(talus_heap_default(), of_first, sizes[i]);
        expect_wrong_heap(second, of_default, sizes[i]);
        talus_heap_free(first, of_first);
        talus_free(of_default);
        assert_not_reported();
    }
    assert_true(talus_heap_destroy(first));
    assert_true(talus_heap_destroy(second));
    assert_not_reported();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        misuse_test(a_block_of_another_heap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
