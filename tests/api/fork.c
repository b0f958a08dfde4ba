/* fork.c: the child of a process with many threads can use the heap (R30). */
#include <pthread.h>
#include <stdatomic.h>

#include <talus/heap.h>

#include "lib/pattern.h"
#include "lib/process.h"
#include "lib/test.h"

static atomic_bool stop;

static void *allocate_all_the_time(void *context)
{
    void *blocks[64] = { NULL };

    (void)context;
    for (size_t i = 0; !atomic_load(&stop); i++) {
        talus_free(blocks[i % 64]);
        blocks[i % 64] = talus_malloc(i % 40000);
    }
    for (size_t i = 0; i < 64; i++)
        talus_free(blocks[i]);
    return NULL;
}

struct family {
    unsigned char *block; /* the parent's, of 1000 bytes */
    talus_heap    *heap;
};

static int use_both_heaps(void *context)
{
    struct family *family = context;

    if (!pattern_holds(family->block, 1000, 1))
        return 2;
    talus_free(family->block);
    for (size_t size = 1; size < 2 * MIB; size += size / 3 + 1) {
        void *block = talus_malloc(size);
        void *other = talus_heap_alloc(family->heap, size, 0, NULL);

        if (block == NULL || other == NULL)
            return 3;
        memset(block, 1, size);
        memset(other, 2, size);
        talus_free(block);
        talus_heap_free(family->heap, other);
    }
    return talus_heap_destroy(family->heap) ? 0 : 4;
}

/* R30: fork while other threads are in the midst of allocating: the child allocates, frees,
 * destroys; the parent goes on. */
static void the_child_can_use_the_heap(void **state)
{
    pthread_t     threads[3];
    struct family family;

    (void)state;
    family.block = talus_malloc(1000);
    family.heap = talus_heap_create(NULL);
    assert_non_null(family.block);
    assert_non_null(family.heap);
    pattern_fill(family.block, 1000, 1);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, allocate_all_the_time, NULL), 0);
    for (int i = 0; i < TEST_ROUNDS(50); i++) {
        struct process_result result = process_run_child(use_both_heaps, &family);

        assert_int_equal(result.signal, 0);
        assert_int_equal(result.exit_code, 0);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(use_both_heaps(&family), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_child_can_use_the_heap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
