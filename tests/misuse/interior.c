/* interior.c: pointers into the middle of a block (R5, R45), where the release heap notices them
 * always: large blocks. */
#include "misuse/recorder.h"

static void assert_interior_reported(const void *pointer)
{
    assert_reported(TALUS_MISUSE_INTERIOR_POINTER, pointer);
}

/* R45: near the start, on the next pages, near the end; nothing is freed. */
static void inside_a_large_block(void **state)
{
    static const size_t offsets[] = { 1,           16,          4096,        TALUS_PAGE_SIZE,
                                      3 * MIB / 2, 2 * MIB + 5, 3 * MIB - 16 };
    char               *block = talus_malloc(3 * MIB);

    (void)state;
    assert_non_null(block);
    memset(block, 0x33, 3 * MIB);
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        char *inside = opaque_pointer(block + offsets[i]);

        talus_free(inside);
        assert_interior_reported(inside);
        talus_heap_free(talus_heap_default(), inside);
        assert_interior_reported(inside);
        errno = 0;
        assert_null(talus_realloc(inside, 10));
        assert_interior_reported(inside);
    }
    assert_int_equal(block[0], 0x33);
    assert_int_equal(block[3 * MIB - 1], 0x33);
    talus_free(block);
    assert_not_reported();
}

/* R45: one past the end of a large block is not a block either. */
static void past_the_end_of_a_large_block(void **state)
{
    talus_heap *heap = talus_heap_create(NULL);
    char       *block;
    char       *past;

    (void)state;
    assert_non_null(heap);
    block = talus_heap_alloc(heap, 3 * MIB, 0, NULL);
    assert_non_null(block);
    past = opaque_pointer(block + talus_usable_size(block));
    talus_heap_free(heap, past);
    assert_int_equal(recorder.reports, 1);
    assert_ptr_equal(recorder.pointer, past);
    recorder.reports = 0;
    talus_heap_free(heap, block);
    assert_not_reported();
    assert_true(talus_heap_destroy(heap));
}

/* R45: the pages were a span's before, several pages long. */
static void inside_what_were_small_blocks(void **state)
{
    talus_heap *heap = talus_heap_create(NULL);
    void       *blocks[2000];
    size_t      bytes = COUNT_OF(blocks) * 2048;
    char       *block;

    (void)state;
    assert_non_null(heap);
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        assert_non_null(blocks[i] = talus_heap_alloc(heap, 2048, 0, NULL));
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        talus_heap_free(heap, blocks[i]);
    talus_heap_trim(heap);
    block = talus_heap_alloc(heap, bytes, 0, NULL);
    assert_non_null(block);
    for (size_t offset = 2048; offset < bytes; offset += 2048) {
        talus_heap_free(heap, opaque_pointer(block + offset));
        assert_interior_reported(block + offset);
    }
    talus_heap_free(heap, block);
    assert_not_reported();
    assert_true(talus_heap_destroy(heap));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        misuse_test(inside_a_large_block),
        misuse_test(past_the_end_of_a_large_block),
        misuse_test(inside_what_were_small_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
