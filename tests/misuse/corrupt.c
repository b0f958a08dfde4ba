/* corrupt.c: free blocks that are written to (R45). Their links lie inside, and the release heap
 * looks at some of them on its slow ways: at the one that it follows next when a list is taken, at
 * all of a span before its pages go back. */
#include "misuse/recorder.h"

enum { BLOCKS = 400, BYTES = 48 };

static void take(talus_heap *heap, char *blocks[BLOCKS])
{
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = talus_heap_alloc(heap, BYTES, 0, NULL);
        assert_non_null(blocks[i]);
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(blocks[i], blocks[j]);
    }
}

static void give_back(talus_heap *heap, char *blocks[BLOCKS])
{
    for (size_t i = 0; i < BLOCKS; i++)
        talus_heap_free(heap, blocks[i]);
}

static void assert_told(void)
{
    assert_true(recorder.reports > 0);
    assert_int_equal(recorder.what, TALUS_MISUSE_CORRUPT);
    recorder.reports = 0;
}

/* R45: the block freed last: before malloc follows the link. What hung on it stays given out, and
 * nothing is handed out twice. */
static void malloc_does_not_follow_the_link_of_the_block_freed_last(void **state)
{
    talus_heap *heap = talus_heap_create(NULL);
    char       *blocks[BLOCKS];

    (void)state;
    assert_non_null(heap);
    take(heap, blocks);
    give_back(heap, blocks);
    memset(opaque_pointer(blocks[BLOCKS - 1]), ' ', BYTES);
    take(heap, blocks);
    assert_told();
    take(heap, blocks);
    assert_not_reported();
    assert_true(talus_heap_destroy(heap));
}

/* R45: any other one: before its span's pages are used for anything else. */
static void trim_finds_a_link_that_leads_nowhere(void **state)
{
    talus_heap *heap = talus_heap_create(NULL);
    char       *blocks[BLOCKS];

    (void)state;
    assert_non_null(heap);
    take(heap, blocks);
    give_back(heap, blocks);
    memset(opaque_pointer(blocks[BLOCKS / 2]), ' ', BYTES);
    talus_heap_trim(heap);
    assert_told();
    take(heap, blocks);
    assert_not_reported();
    assert_true(talus_heap_destroy(heap));
}

/* R45: on a list that malloc uses already: where it is walked back. */
static void trim_stops_where_a_list_leads_nowhere(void **state)
{
    talus_heap *heap = talus_heap_create(NULL);
    char       *first, *second;

    (void)state;
    assert_non_null(heap);
    first = talus_heap_alloc(heap, BYTES, 0, NULL);
    second = first + BYTES; /* the next on the list, as spans are cut */
    memset(opaque_pointer(second), ' ', sizeof(void *));
    talus_heap_trim(heap);
    assert_told();
    assert_true(talus_heap_destroy(heap));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        misuse_test(malloc_does_not_follow_the_link_of_the_block_freed_last),
        misuse_test(trim_finds_a_link_that_leads_nowhere),
        misuse_test(trim_stops_where_a_list_leads_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
