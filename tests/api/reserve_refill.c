/* reserve_refill.c: who refills a reserve, and what the heap takes in: slow exits of any thread, of
 * allocations and frees, small and large; what lies in the heap's own inbox; memory that ends; the
 * child of a fork. */
#include <pthread.h>
#include <stdatomic.h>

#include <talus/reserve.h>

#include "fail/faulty_provider.h"
#include "lib/process.h"
#include "lib/rng.h"
#include "lib/test.h"

enum { COUNT = 100, MARK = 40, SIZE = 300 };

static size_t available(const talus_reserve *reserve)
{
    talus_reserve_stats_t stats;

    talus_reserve_stats(reserve, &stats);
    return stats.available;
}

static size_t allocated(talus_heap *heap)
{
    talus_heap_stats_t stats;

    talus_heap_stats(heap, &stats);
    return stats.allocated;
}

/* Takes all, below the mark at least; the caller frees what it wants of it. */
static void take_all(talus_reserve *reserve, void **blocks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        blocks[i] = talus_reserve_take(reserve);
        assert_non_null(blocks[i]);
    }
    assert_int_equal(available(reserve), 0);
}

struct load {
    talus_heap    *heap;
    talus_reserve *reserve;
    size_t         size;
    size_t         calls; /* until the reserve was full */
};

#define CALLS_MAX 100000

static void *allocate_until_full(void *context)
{
    struct load *load = context;
    void       **chain = NULL;

    while (available(load->reserve) < COUNT && load->calls < CALLS_MAX) {
        void **block = talus_heap_alloc(load->heap, load->size, 0, NULL);
        *block = chain;
        chain = block;
        load->calls++;
    }
    while (chain != NULL) {
        void **next = *chain;
        talus_heap_free(load->heap, chain);
        chain = next;
    }
    return NULL;
}

/* R34: whichever thread allocates next fills it, a bounded number at a time: here within the first
 * few hundred calls. */
static void allocations_refill(void **state)
{
    static const size_t sizes[] = { 16, SIZE, 1000, 10000, 60000, 400000 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        talus_heap    *heap = talus_heap_create(NULL);
        talus_reserve *reserve = talus_reserve_create(heap, SIZE, 0, COUNT, MARK, NULL, NULL);
        struct load    load = { .heap = heap, .reserve = reserve, .size = sizes[i] };
        void          *blocks[COUNT];
        pthread_t      thread;

        take_all(reserve, blocks, COUNT);
        assert_int_equal(pthread_create(&thread, NULL, allocate_until_full, &load), 0);
        pthread_join(thread, NULL);
        assert_int_equal(available(reserve), COUNT);
        assert_true(load.calls <= 4 * 256); /* slow exits at 64 blocks each, 32 brought by each */
        for (size_t n = 0; n < COUNT; n++)
            talus_reserve_put(reserve, blocks[n]);
        assert_true(talus_reserve_destroy(reserve));
        talus_heap_trim(heap);
        assert_int_equal(allocated(heap), 0);
        assert_true(talus_heap_destroy(heap));
    }
}

/* R34: so does one who frees. errno is kept there, too. */
static void frees_refill(void **state)
{
    talus_heap    *heap = talus_heap_create(NULL);
    talus_reserve *reserve = talus_reserve_create(heap, SIZE, 0, COUNT, MARK, NULL, NULL);
    void          *blocks[COUNT], *own[20000];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(own); i++)
        own[i] = talus_heap_alloc(heap, 64, 0, NULL);
    take_all(reserve, blocks, COUNT);
    errno = 77;
    for (size_t i = 0; i < COUNT_OF(own); i++)
        talus_heap_free(heap, own[i]);
    assert_int_equal(errno, 77);
    assert_int_equal(available(reserve), COUNT);
    for (size_t n = 0; n < COUNT; n++)
        talus_heap_free(heap, blocks[n]);
    assert_true(talus_reserve_destroy(reserve));
    talus_heap_trim(heap);
    assert_int_equal(allocated(heap), 0);
    assert_true(talus_heap_destroy(heap));
}

/* A reserve of the default heap, by talus_malloc and talus_free. */
static void the_default_heap_refills(void **state)
{
    talus_reserve *reserve =
        talus_reserve_create(talus_heap_default(), SIZE, 0, COUNT, MARK, NULL, NULL);
    void  *blocks[COUNT], *own[2000];
    size_t had = 0;

    (void)state;
    take_all(reserve, blocks, COUNT);
    while (available(reserve) < COUNT && had < COUNT_OF(own))
        own[had++] = talus_malloc(SIZE);
    assert_int_equal(available(reserve), COUNT);
    for (size_t i = 0; i < had; i++)
        talus_free(own[i]);
    for (size_t i = 0; i < COUNT; i++)
        talus_free(blocks[i]);
    assert_true(talus_reserve_destroy(reserve));
}

/* Above the mark nobody refills: a reserve is not topped up at each take. */
static void above_the_mark_nobody_refills(void **state)
{
    talus_heap    *heap = talus_heap_create(NULL);
    talus_reserve *reserve = talus_reserve_create(heap, SIZE, 0, COUNT, MARK, NULL, NULL);
    void          *blocks[COUNT - MARK];

    (void)state;
    for (size_t i = 0; i < COUNT - MARK; i++)
        blocks[i] = talus_reserve_take(reserve);
    for (size_t i = 0; i < 5000; i++)
        assert_non_null(talus_heap_alloc(heap, 64, 0, NULL));
    assert_int_equal(available(reserve), MARK);
    (void)blocks;
    assert_true(talus_heap_destroy(heap));
}

static struct faulty_provider provider;

/* A heap that has no more: refill says so, takes what there was, goes on when memory came back, by
 * itself. */
static void memory_that_ends_and_comes_back(void **state)
{
    talus_heap_options options = { .provider = &provider.provider };
    talus_heap        *heap;
    talus_reserve     *reserve;
    void              *blocks[COUNT], *own[2000] = { NULL };
    size_t             had = 0;

    (void)state;
    faulty_provider_open(&provider, NULL);
    heap = talus_heap_create(&options);
    reserve = talus_reserve_create(heap, 20000, 0, COUNT, MARK, NULL, NULL);
    provider.fail_at = provider.requests + 1;
    provider.fail_onwards = true;
    while (had < COUNT_OF(own) && (own[had] = talus_heap_alloc(heap, 20000, 0, NULL)) != NULL)
        had++;
    assert_true(had < COUNT_OF(own));
    take_all(reserve, blocks, COUNT);
    errno = 0;
    assert_false(talus_reserve_refill(reserve));
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(available(reserve), 0);
    errno = 0;
    assert_false(talus_reserve_prepare(reserve, 1));
    assert_int_equal(errno, ENOMEM);
    for (size_t i = 0; i < 3; i++)
        talus_free_from_interrupt(blocks[i]); /* to this thread's inbox */
    assert_false(talus_reserve_refill(reserve));
    assert_int_equal(available(reserve), 3);
    assert_true(talus_reserve_prepare(reserve, 3));
    provider.fail_onwards = false;
    provider.fail_at = 0;
    for (size_t i = 0; i < 4000 && available(reserve) < COUNT; i++) {
        void *block = talus_heap_alloc(heap, 64, 0, NULL);
        assert_non_null(block);
    }
    assert_int_equal(available(reserve), COUNT);
    assert_true(talus_heap_destroy(heap));
    assert_int_equal(provider.bytes, 0);
    faulty_provider_close(&provider);
}

/* Large blocks, which no cache owns, freed from an interrupt: each who looks takes them in. */
static void large_blocks_come_back(void **state)
{
    talus_heap_options options = { .limit = 8 * MIB };
    talus_heap        *heap = talus_heap_create(&options);
    void              *blocks[7];

    (void)state;
    for (unsigned way = 0; way < 3; way++) {
        for (size_t i = 0; i < COUNT_OF(blocks); i++)
            assert_non_null(blocks[i] = talus_heap_alloc(heap, MIB, 0, NULL));
        assert_null(talus_heap_alloc(heap, 2 * MIB, 0, NULL));
        for (size_t i = 0; i < COUNT_OF(blocks); i++)
            talus_free_from_interrupt(blocks[i]);
        if (way == 0)
            talus_heap_trim(heap);
        else if (way == 1)
            assert_int_equal(allocated(heap), 0); /* statistics take them in */
        else
            talus_heap_free(heap, talus_heap_alloc(heap, 7 * MIB, 0, NULL)); /* an allocation */
        assert_int_equal(allocated(heap), 0);
    }
    blocks[0] = talus_heap_alloc(heap, MIB, 0, NULL);
    talus_free_from_interrupt(blocks[0]); /* and the end of the heap */
    assert_true(talus_heap_destroy(heap));
}

static void *free_all(void *context)
{
    void **blocks = context;

    for (size_t i = 0; blocks[i] != NULL; i++)
        talus_free_from_interrupt(blocks[i]);
    return NULL;
}

/* R30: blocks of every kind, freed so by a thread that never had a cache. */
static void blocks_of_all_kinds_come_back(void **state)
{
    talus_heap *heap = talus_heap_create(NULL);
    void       *blocks[400] = { NULL };
    pthread_t   thread;

    (void)state;
    for (size_t i = 0; i + 1 < COUNT_OF(blocks); i++) {
        blocks[i] = talus_heap_alloc(heap, i * i * 2, (size_t)1 << i % 14, NULL);
        assert_non_null(blocks[i]);
    }
    assert_int_equal(pthread_create(&thread, NULL, free_all, blocks), 0);
    pthread_join(thread, NULL);
    talus_heap_trim(heap);
    assert_int_equal(allocated(heap), 0);
    assert_true(talus_heap_destroy(heap));
}

static atomic_bool stop;

static void *disturb(void *context)
{
    struct load *load = context;

    while (!atomic_load(&stop)) {
        void *block = talus_reserve_take(load->reserve);
        talus_heap_free(load->heap, talus_heap_alloc(load->heap, 500, 0, NULL));
        talus_reserve_put(load->reserve, block);
        talus_reserve_refill(load->reserve);
    }
    return NULL;
}

static int use_in_the_child(void *context)
{
    struct load *load = context;
    void        *blocks[COUNT];
    size_t       there = available(load->reserve);
    size_t       had = 0;

    while (had < COUNT && (blocks[had] = talus_reserve_take(load->reserve)) != NULL)
        memset(blocks[had++], 1, SIZE);
    if (had != there || had + 4 < COUNT)
        return 2;
    for (size_t i = 0; i < had / 2; i++)
        talus_reserve_put(load->reserve, blocks[i]);
    for (size_t i = had / 2; i < had; i++)
        talus_free_from_interrupt(blocks[i]);
    for (size_t i = 0; i < 2000; i++)
        talus_heap_free(load->heap, talus_heap_alloc(load->heap, 16 + i * 10, 0, NULL));
    if (!talus_reserve_refill(load->reserve) || available(load->reserve) != COUNT)
        return 3;
    if (!talus_reserve_destroy(load->reserve))
        return 4;
    return talus_heap_destroy(load->heap) ? 0 : 5;
}

/* The child of a fork has the reserve as it was, but for what other threads held at that moment. */
static void the_child_has_the_reserve(void **state)
{
    struct load load = { .heap = talus_heap_create(NULL) };
    pthread_t   threads[3];

    (void)state;
    load.reserve = talus_reserve_create(load.heap, SIZE, 0, COUNT, MARK, NULL, NULL);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, disturb, &load), 0);
    for (int round = 0; round < TEST_ROUNDS(50); round++) {
        struct process_result result = process_run_child(use_in_the_child, &load);
        assert_string_equal(result.output, "");
        assert_int_equal(result.exit_code, 0);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    assert_true(talus_reserve_destroy(load.reserve));
    talus_heap_trim(load.heap);
    assert_int_equal(allocated(load.heap), 0);
    assert_true(talus_heap_destroy(load.heap));
}

/* Destroyed while slow exits of other threads refill it: it waits for them, and nothing is lost. */
static void *allocate_all_the_time(void *context)
{
    struct load *load = context;
    void        *blocks[64] = { NULL };

    for (size_t i = 0; !atomic_load(&stop); i++) {
        talus_heap_free(load->heap, blocks[i % 64]);
        blocks[i % 64] = talus_heap_alloc(load->heap, 3000 + i % 3000, 0, NULL);
    }
    for (size_t i = 0; i < 64; i++)
        talus_heap_free(load->heap, blocks[i]);
    return NULL;
}

static void destroyed_while_others_refill(void **state)
{
    struct load load = { .heap = talus_heap_create(NULL) };
    pthread_t   threads[2];

    (void)state;
    atomic_store(&stop, false);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, allocate_all_the_time, &load), 0);
    for (int round = 0; round < TEST_ROUNDS(500); round++) {
        talus_reserve *reserve = talus_reserve_create(load.heap, SIZE, 0, COUNT, MARK, NULL, NULL);
        void          *blocks[COUNT - MARK + 1];
        for (size_t i = 0; i < COUNT_OF(blocks); i++)
            blocks[i] = talus_reserve_take(reserve);
        for (size_t i = 0; i < COUNT_OF(blocks); i++)
            talus_free_from_interrupt(blocks[i]);
        assert_true(talus_reserve_destroy(reserve));
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    talus_heap_trim(load.heap);
    assert_int_equal(allocated(load.heap), 0);
    assert_true(talus_heap_destroy(load.heap));
}

/* R3, R34: the slow exit of a zeroed allocation refills one reserve with blocks of that class and
 * another one with fresh pages: what is known of those is not known of the block that it returns.
 */
static void zeroed_blocks_are_zero_while_reserves_are_refilled(void **state)
{
    enum { SMALLER = 3000, LARGER = 5000, RESERVED = 8 };
    static void   *live[256];
    talus_heap    *heap = talus_heap_create(NULL);
    talus_reserve *larger = talus_reserve_create(heap, LARGER, 0, RESERVED, RESERVED, NULL, NULL);
    talus_reserve *smaller = talus_reserve_create(heap, SMALLER, 0, RESERVED, RESERVED, NULL, NULL);
    struct rng     rng = rng_seeded(test_seed());

    (void)state;
    assert_true(larger != NULL && smaller != NULL);
    for (int round = 0; round < 500; round++) {
        for (int i = 0; i < 3; i++) {
            (void)talus_reserve_take(larger); /* never freed: the next one is fresh */
            talus_heap_free(heap, talus_reserve_take(smaller));
        }
        for (int i = 0; i < 4; i++) {
            void **place = &live[rng_below(&rng, COUNT_OF(live))];

            if (*place != NULL) {
                talus_heap_free(heap, *place);
                *place = NULL;
                continue;
            }
            *place = talus_heap_zalloc(heap, SMALLER, 0, NULL);
            assert_non_null(*place);
            assert_true(is_zero(*place, SMALLER));
            memset(*place, 0xff, SMALLER);
        }
    }
    assert_true(talus_heap_destroy(heap));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_refill),
        cmocka_unit_test(frees_refill),
        cmocka_unit_test(the_default_heap_refills),
        cmocka_unit_test(above_the_mark_nobody_refills),
        cmocka_unit_test(memory_that_ends_and_comes_back),
        cmocka_unit_test(large_blocks_come_back),
        cmocka_unit_test(blocks_of_all_kinds_come_back),
        cmocka_unit_test(the_child_has_the_reserve),
        cmocka_unit_test(destroyed_while_others_refill),
        cmocka_unit_test(zeroed_blocks_are_zero_while_reserves_are_refilled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
