/* heap_limit.c: a heap with a limit never exceeds it, says so, and works on. */
#include <talus/heap.h>

#include "lib/counted_heap.h"
#include "lib/process.h"
#include "lib/reference.h"
#include "lib/rng.h"
#include "lib/test.h"

/* Allocates blocks of `size` until NULL and chains them through their first word. Returns their
 * number. */
static size_t exhaust(talus_heap *heap, size_t size, void **chain)
{
    size_t count = 0;
    void  *block;

    errno = 0;
    while ((block = talus_heap_alloc(heap, size, 0, NULL)) != NULL) {
        *(void **)block = *chain;
        *chain = block;
        count++;
        errno = 0;
    }
    assert_int_equal(errno, ENOMEM);
    return count;
}

static void free_chain(talus_heap *heap, void **chain)
{
    while (*chain != NULL) {
        void *block = *chain;

        *chain = *(void **)block;
        talus_heap_free(heap, block);
    }
}

/* R15: 1 MiB, blocks of each size in turn until NULL: never exceeded, ENOMEM, nearly all of it
 * usable, works again after frees. */
static void one_mib_is_never_exceeded(void **state)
{
    static const size_t sizes[] = { 16, 64, 200, 1000, 4096, 10000, 50000, 200000 };
    talus_heap         *heap = create_counted(.limit = MIB);
    void               *chain = NULL;

    (void)state;
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            size_t             count = exhaust(heap, sizes[i], &chain);
            talus_heap_stats_t stats;

            talus_heap_stats(heap, &stats);
            assert_true(stats.mapped <= MIB);
            assert_true(counted.bytes <= MIB);
            assert_int_equal(stats.limit, MIB);
            assert_true(stats.limit_hits > 0);
            /* half of it at least is the caller's, whatever the class */
            assert_true(count * sizes[i] >= MIB / 2);
            free_chain(heap, &chain);
        }
    assert_true(counted.bytes_peak <= MIB);
    destroy_counted(heap);
}

/* R15: a random load far beyond the limit: every NULL is ENOMEM, nothing is lost, the limit holds
 * all the way. */
static void a_random_load_beyond_the_limit(void **state)
{
    talus_heap      *heap = create_counted(.limit = MIB);
    struct reference reference;
    struct rng       rng = rng_seeded(test_seed());
    size_t           failed = 0;

    (void)state;
    reference_open(&reference);
    for (int step = 0; step < TEST_ROUNDS(50000); step++) {
        if (reference.count > 0 && rng_below(&rng, 100) < 45) {
            size_t index = rng_below(&rng, reference.count);
            void  *block = reference.blocks[index].start;

            assert_true(reference_remove(&reference, index));
            talus_heap_free(heap, block);
        } else {
            size_t size = rng_size(&rng, 100000);
            void  *block;

            errno = 0;
            block = talus_heap_alloc(heap, size, 0, NULL);
            if (block == NULL) {
                failed++;
                assert_int_equal(errno, ENOMEM);
            } else {
                assert_true(reference_add(&reference, block, size, talus_usable_size(block), 0));
            }
        }
    }
    assert_true(failed > 0);
    assert_true(reference_check_all(&reference));
    assert_true(counted.bytes_peak <= MIB);
    reference_close(&reference);
    destroy_counted(heap);
}

/* R15: a limit that is no multiple of the page is rounded down. */
static void the_limit_is_rounded_down(void **state)
{
    talus_heap *heap = create_counted(.limit = 20 * TALUS_PAGE_SIZE + TALUS_PAGE_SIZE / 2);
    void       *chain = NULL;

    (void)state;
    assert_true(exhaust(heap, 1000, &chain) > 100);
    assert_true(counted.bytes_peak <= 20 * TALUS_PAGE_SIZE);
    free_chain(heap, &chain);
    destroy_counted(heap);
}

/* R15: one page is the least limit, and small blocks can be had from it. */
static void a_heap_of_one_page(void **state)
{
    talus_heap *heap = create_counted(.limit = TALUS_PAGE_SIZE);
    void       *chain = NULL;

    (void)state;
    assert_true(exhaust(heap, 16, &chain) > 0);
    free_chain(heap, &chain);
    assert_true(counted.bytes_peak <= TALUS_PAGE_SIZE);
    destroy_counted(heap);
}

static int reach_the_limit_twice(void *context)
{
    talus_heap *heap =
        talus_heap_create(&(talus_heap_options){ .name = "full", .limit = 4 * TALUS_PAGE_SIZE });
    (void)context;
    for (int i = 0; i < 2; i++)
        if (talus_heap_alloc(heap, 5 * TALUS_PAGE_SIZE, 0, NULL) != NULL)
            return 1;
    return 0;
}

/* R15: reaching the limit is reported, once for a heap. */
static void the_limit_is_reported_once(void **state)
{
    struct process_result child = process_run_child(reach_the_limit_twice, NULL);
    const char           *first = strstr(child.output, "heap 'full' reached its limit");

    (void)state;
    assert_int_equal(child.exit_code, 0);
    assert_non_null(first);
    assert_null(strstr(first + 1, "heap 'full' reached its limit"));
}

/* R15: the limit can be raised and lowered at run time: lowered below what is in use it stops
 * growth, nothing else. */
static void the_limit_changes_at_run_time(void **state)
{
    talus_heap        *heap = create_counted(.limit = MIB);
    void              *chain = NULL;
    void              *more = NULL;
    talus_heap_stats_t stats;
    size_t             first;

    (void)state;
    first = exhaust(heap, 4096, &chain);
    talus_heap_set_limit(heap, 4 * MIB);
    assert_true(exhaust(heap, 4096, &chain) >= first * 2);
    assert_in_range(counted.bytes, MIB, 4 * MIB);
    talus_heap_set_limit(heap, MIB);
    errno = 0;
    assert_null(talus_heap_alloc(heap, 100000, 0, NULL));
    assert_int_equal(errno, ENOMEM);
    free_chain(heap, &chain);
    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.limit, MIB);
    more = talus_heap_alloc(heap, 100000, 0, NULL);
    assert_non_null(more);
    talus_heap_free(heap, more);
    talus_heap_set_limit(heap, 0);
    more = talus_heap_alloc(heap, 20 * MIB, 0, NULL);
    assert_non_null(more);
    talus_heap_free(heap, more);
    destroy_counted(heap);
}

struct hook {
    talus_heap *heap;
    size_t      calls;
    size_t      bytes; /* of the last call */
    void       *to_free;
};

static bool free_something_once(void *context, talus_heap *heap, size_t bytes)
{
    struct hook *hook = context;
    void        *block = hook->to_free;

    hook->calls++;
    hook->bytes = bytes;
    hook->heap = heap;
    hook->to_free = NULL;
    talus_heap_free(heap, block);
    return block != NULL;
}

/* R18: the hook is asked when expanding failed; when it freed something the request is tried again;
 * else it fails. */
static void the_owner_decides_when_exhausted(void **state)
{
    struct hook        hook = { 0 };
    talus_heap_options options = { .name = "hook",
                                   .limit = MIB,
                                   .on_exhausted = free_something_once,
                                   .on_exhausted_context = &hook };
    talus_heap        *heap = talus_heap_create(&options);
    void              *block;

    (void)state;
    assert_non_null(heap);
    hook.to_free = talus_heap_alloc(heap, 700000, 0, NULL);
    assert_non_null(hook.to_free);
    assert_int_equal(hook.calls, 0);
    block = talus_heap_alloc(heap, 600000, 0, NULL);
    assert_non_null(block);
    assert_int_equal(hook.calls, 1);
    assert_ptr_equal(hook.heap, heap);
    assert_true(hook.bytes >= 600000);
    errno = 0;
    assert_null(talus_heap_alloc(heap, 600000, 0, NULL));
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(hook.calls, 2);
    assert_true(talus_heap_destroy(heap));
}

/* R6: 80 units, 16 and 32 in use, the 16 freed: 48 are free, yet 40 cannot be had, and the
 * statistics say why. A unit is so large that each block has a run of pages to itself. */
static void enough_in_total_but_not_in_one_piece(void **state)
{
    const size_t       unit = 8 * TALUS_PAGE_SIZE;
    talus_heap_options options = { .name = "textbook", .limit = 80 * unit, .initial = 80 * unit };
    talus_heap_stats_t stats;
    talus_heap        *heap = create_counted_over(NULL, options);
    uintptr_t          first;
    uintptr_t          second;
    uintptr_t          rest;

    (void)state;
    first = (uintptr_t)talus_heap_alloc(heap, 16 * unit, 0, NULL);
    second = (uintptr_t)talus_heap_alloc(heap, 32 * unit, 0, NULL);
    rest = (uintptr_t)talus_heap_alloc(heap, 32 * unit, 0, NULL);
    assert_true(first != 0 && second != 0 && rest != 0);
    /* the picture needs the second block between the other two */
    assert_true((first < second) == (second < rest));
    talus_heap_free(heap, (void *)rest);
    talus_heap_free(heap, (void *)first);
    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.free_pages, 48 * unit);
    assert_int_equal(stats.largest_free_run, 32 * unit);
    errno = 0;
    assert_null(talus_heap_alloc(heap, 40 * unit, 0, NULL));
    assert_int_equal(errno, ENOMEM);
    talus_heap_free(heap, (void *)second);
    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.largest_free_run, 80 * unit);
    second = (uintptr_t)talus_heap_alloc(heap, 40 * unit, 0, NULL);
    assert_true(second != 0);
    talus_heap_free(heap, (void *)second);
    destroy_counted(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_is_reported_once),
        cmocka_unit_test(one_mib_is_never_exceeded),
        cmocka_unit_test(a_random_load_beyond_the_limit),
        cmocka_unit_test(the_limit_is_rounded_down),
        cmocka_unit_test(a_heap_of_one_page),
        cmocka_unit_test(the_limit_changes_at_run_time),
        cmocka_unit_test(the_owner_decides_when_exhausted),
        cmocka_unit_test(enough_in_total_but_not_in_one_piece),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
