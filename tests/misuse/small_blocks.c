/* small_blocks.c: small blocks freed twice (R45). The release heap looks at no block when it is
 * freed, so it notices late, and not always: for certain when a span's pages are about to go back
 * to the pool with one of its blocks found twice. */
#include "lib/pattern.h"
#include "misuse/recorder.h"

/* R45: one of three blocks is freed twice, another once: when the heap is trimmed the third looks
 * free, but the list of free blocks gives the fault away. It is reported, the pages stay, and so
 * does the third block. */
static void a_block_freed_twice_is_found_before_its_pages_are_reused(void **state)
{
    static const size_t sizes[] = { 5000, 20000, 100000 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        talus_heap *heap = talus_heap_create(NULL);
        void       *blocks[3];

        assert_non_null(heap);
        for (size_t j = 0; j < COUNT_OF(blocks); j++) {
            blocks[j] = talus_heap_alloc(heap, sizes[i], 0, NULL);
            assert_non_null(blocks[j]);
        }
        pattern_fill(blocks[2], sizes[i], 1);
        talus_heap_free(heap, blocks[0]);
        talus_heap_free(heap, opaque_pointer(blocks[0]));
        talus_heap_free(heap, blocks[1]);
        talus_heap_trim(heap);
        assert_true(recorder.reports > 0);
        assert_int_equal(recorder.what, TALUS_MISUSE_DOUBLE_FREE);
        recorder.reports = 0;
        assert_true(pattern_holds(blocks[2], sizes[i], 1));
        for (int again = 0; again < 100; again++) {
            char *block = talus_heap_alloc(heap, sizes[i], 0, NULL);

            assert_non_null(block);
            assert_true(block + sizes[i] <= (char *)blocks[2] ||
                        block >= (char *)blocks[2] + sizes[i]);
        }
        assert_true(pattern_holds(blocks[2], sizes[i], 1));
        assert_true(talus_heap_destroy(heap));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        misuse_test(a_block_freed_twice_is_found_before_its_pages_are_reused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
