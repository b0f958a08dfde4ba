/* contract.c: a kernel's heap under its owner's policy: more before it is exhausted, blocks that go
 * back or are marked to, the shrinker, the panic when memory cannot be had; never by a pinned
 * thread (R11, R14, R16, R17, R18, D6, D8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/heap.h"
#include "core/meta.h"
#include "core/pagemap.h"
#include "kernel/arena.h"
#include "kernel/port.h"
#include <talus/port.h>
#include <talus/reserve.h>

#define PAGE      TALUS_PAGE_SIZE
#define GROWTH    (16 * PAGE)
#define LOW_WATER (8 * PAGE)
#define CPUS      2u

static _Alignas(TALUS_PAGE_SIZE) char first[64 * TALUS_PAGE_SIZE];
static _Alignas(TALUS_PAGE_SIZE) char given[32 * TALUS_PAGE_SIZE];

static size_t shrunk; /* pages, within map */
static void  *removed;

static void note_removed(void *context, talus_heap *heap, void *block, size_t bytes)
{
    (void)context;
    demand_may_block();
    assert_ptr_equal(heap, talus_heap_default());
    memset(block, 0xee, bytes);
    removed = block;
}

static int start(void **state)
{
    (void)state;
    bool started = talus_kernel_start(&(talus_kernel_options){
        .block = first,
        .bytes = sizeof first,
        .cpus = CPUS,
        .window = 2 * ARENA_BYTES,
        .heap = { .growth = GROWTH, .low_water = LOW_WATER, .on_removed = note_removed } });
    return started ? 0 : -1;
}

static talus_heap_stats_t stats_of(talus_heap *heap)
{
    talus_heap_stats_t stats;
    talus_heap_stats(heap, &stats);
    assert_int_equal(pins, 0);
    return stats;
}

static void nothing_is_left(void)
{
    for (unsigned i = 0; i < 2 * CPUS; i++) { /* the first round sends blocks home */
        cpu = i % CPUS;
        talus_heap_trim(talus_heap_default());
    }
    cpu = 0;
    talus_heap_stats_t stats = stats_of(talus_heap_default());
    assert_int_equal(stats.allocated, 0);
    assert_int_equal(stats.free_pages, stats.mapped);
}

static bool is_given(const void *block)
{
    return (uintptr_t)block - (uintptr_t)given < sizeof given;
}

enum { BLOCKS = 3000 };
static void *blocks[BLOCKS];

static void take_all(size_t bytes)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        cpu = (unsigned)(i / 100 % CPUS);
        assert_non_null(blocks[i] = talus_malloc(bytes));
        memset(blocks[i], (int)(i & 0xff), bytes);
    }
    cpu = 0;
}

static void free_all(size_t bytes)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        for (size_t at = 0; at < bytes; at += 50)
            assert_int_equal(((unsigned char *)blocks[i])[at], i & 0xff);
        cpu = (unsigned)(i / 70 % CPUS); /* some are another CPU's */
        talus_free(blocks[i]);
    }
    cpu = 0;
}

/* R14: small blocks only, whose way is pinned: there is always more than low water left, where the
 * port may be asked; where it may not, or has no more, the pages that are there are served. */
static void grows_before_it_is_exhausted(void **state)
{
    (void)state;
    talus_heap *heap = talus_heap_default();
    for (size_t i = 0; i < BLOCKS; i++) {
        assert_non_null(blocks[i] = talus_malloc(500));
        memset(blocks[i], (int)(i & 0xff), 500);
        if (stats_of(heap).free_pages < LOW_WATER) { /* until the next slow path */
            void *large = talus_malloc(PAGE * 9);
            assert_non_null(large);
            talus_free(large);
        }
        assert_true(stats_of(heap).free_pages >= LOW_WATER);
    }
    free_all(500);
    nothing_is_left();

    may_block = false;
    unsigned before = maps;
    size_t   count = 0;
    while (count < BLOCKS && (blocks[count] = talus_malloc(5000)) != NULL)
        count++;
    assert_int_equal(maps, before);
    assert_true(count > 10);
    assert_true(stats_of(heap).free_pages < LOW_WATER);
    may_block = true;
    talus_free(talus_malloc(5000)); /* now somebody may ask */
    assert_true(maps > before);
    assert_true(stats_of(heap).free_pages >= LOW_WATER);
    for (size_t i = 0; i < count; i++)
        talus_free(blocks[i]);
    nothing_is_left();
}

/* R16: by the port's clock, what was unused for so long; the first block never. */
static void gives_back_what_was_unused_for_long(void **state)
{
    (void)state;
    talus_heap *heap = talus_heap_default();
    take_all(500);
    now_ms += 1000;
    free_all(500);
    nothing_is_left();
    take_all(500);
    free_all(500);
    for (unsigned i = 0; i < 2 * CPUS; i++) {
        cpu = i % CPUS;
        talus_heap_contract(heap, 400); /* flushes */
    }
    cpu = 0;
    unsigned before = unmaps;
    assert_int_equal(talus_heap_contract(heap, 400), 0);
    now_ms += 300;
    assert_int_equal(talus_heap_contract(heap, 400), 0);
    now_ms += 100;
    assert_true(talus_heap_contract(heap, 400) > 0);
    assert_true(unmaps > before);
    assert_true(stats_of(heap).free_pages >= LOW_WATER);
    nothing_is_left();
}

/* R17: a block that the kernel gave drains under small blocks of two CPUs, and is its own again; by
 * a thread that may block. */
static void a_given_block_drains(void **state)
{
    (void)state;
    talus_heap *heap = talus_heap_default();
    size_t      inside = 0;
    assert_true(talus_heap_expand(heap, given, sizeof given));
    take_all(500);
    for (size_t i = 0; i < BLOCKS; i++)
        inside += is_given(blocks[i]);
    assert_true(inside > 100);
    removed = NULL;
    may_block = false;
    assert_true(talus_heap_drain(heap, given + sizeof given / 2, true));
    may_block = true;
    assert_true(talus_heap_drain(heap, given, true));
    cpu = 1;
    assert_int_equal(talus_heap_trim(heap), 0); /* its cache, too */
    for (size_t i = 0; i < BLOCKS; i++)
        if (is_given(blocks[i])) {
            cpu = (unsigned)(i / 100 % CPUS); /* who took it */
            assert_null(removed);
            talus_free(blocks[i]);
            assert_non_null(blocks[i] = talus_malloc(500));
            assert_false(is_given(blocks[i]));
            memset(blocks[i], (int)(i & 0xff), 500);
        }
    cpu = 0;
    may_block = false;
    talus_free(talus_malloc(40 * PAGE));
    assert_null(removed);
    may_block = true;
    talus_free(talus_malloc(40 * PAGE)); /* whoever comes by */
    assert_ptr_equal(removed, given);
    free_all(500);
    nothing_is_left();
}

/* R17: what drained while there was no descriptor to cut it out with goes when there is one. */
static void it_drains_when_there_are_descriptors_again(void **state)
{
    (void)state;
    struct tl_pool *pool = &tl_default_heap.pool;
    assert_true(talus_heap_expand(talus_heap_default(), given, sizeof given));
    take_all(500);
    assert_true(talus_heap_drain(talus_heap_default(), given, true));
    removed = NULL;
    free_all(500);
    for (unsigned i = 0; i < 2 * CPUS; i++) { /* what one sends home, the next takes in */
        cpu = i % CPUS;
        tl_heap_flush(&tl_default_heap);
    }
    cpu = 0;
    assert_null(removed);
    unsigned        none;
    size_t          left;
    struct tl_span *spare = pool->spare;
    unsigned        spares = pool->spares;
    while (tl_descriptors_new(TL_DESCRIPTOR_BATCH, &none) != NULL)
        ; /* they are lost */
    void *rest = tl_meta_give(NULL, 0, &left);
    pool->spare = NULL;
    pool->spares = 0;
    tl_pool_decay(pool, false);
    assert_null(removed);
    pool->spare = spare;
    pool->spares = spares;
    tl_meta_give(rest, left, &left);
    tl_pool_decay(pool, false);
    assert_ptr_equal(removed, given);
    nothing_is_left();
}

/* R17: the block with the heap's data, and those that it took more from for the same use. */
static void what_holds_the_heaps_data_stays(void **state)
{
    (void)state;
    talus_heap *heap = talus_heap_default();
    void       *block = NULL;
    for (size_t i = 0; i < 64; i++) { /* the last page of the first block */
        said[0] = '\0';
        if (talus_heap_drain(heap, first + sizeof first - 1 - i * PAGE, true))
            fail_msg("the first block was marked");
        assert_true(i > 40 || strstr(said, "holds data of the heap's own") != NULL);
    }
    assert_non_null(block = talus_malloc(10 * PAGE));
    assert_true(talus_heap_drain(heap, first + sizeof first - 1, false)); /* it has no mark */
    talus_free(block);
    talus_heap_contract(heap, 0);
    talus_heap_contract(heap, 0);
    assert_true(stats_of(heap).mapped >= sizeof first / 2);
    nothing_is_left();
}

static void shrink(void)
{
    shrunk = talus_heap_shrink(talus_heap_default(), SIZE_MAX);
}

/* R16: the memory-pressure hook: within map, where it leaves caches alone; not where it may not
 * block. */
static void shrinks_for_the_kernel(void **state)
{
    (void)state;
    talus_heap *heap = talus_heap_default();
    nothing_is_left();
    take_all(500);
    free_all(500);
    for (cpu = 0; cpu < CPUS; cpu++)
        assert_true(talus_heap_shrink(heap, 1) <= 1);
    cpu = 0;
    may_block = false;
    assert_int_equal(talus_heap_shrink(heap, SIZE_MAX), 0);
    may_block = true;
    unsigned before = unmaps;
    in_map = shrink;
    void *block = talus_malloc(400 * PAGE);
    assert_non_null(block);
    assert_null(in_map);
    assert_true(shrunk > GROWTH / PAGE);
    assert_true(unmaps > before);
    talus_free(block);
    nothing_is_left();
}

static unsigned asked;

static bool ask(void *context, talus_heap *heap, size_t bytes)
{
    (void)context;
    assert_non_null(heap);
    assert_int_equal(bytes, 30 * PAGE);
    assert_int_equal(pins, 0);
    asked++;
    return true;
}

/* R18: expand, ask, try again, panic with the name and the size: in this order. */
static void panics_when_memory_cannot_be_had(void **state)
{
    (void)state;
    talus_heap *heap = talus_heap_create(&(talus_heap_options){
        .name = "driver", .limit = 40 * PAGE, .on_exhausted = ask, .panic = true });
    assert_non_null(heap);
    unsigned before = maps;
    assert_non_null(talus_heap_alloc(heap, 30 * PAGE, 0, NULL));
    assert_int_equal(asked, 0);
    assert_true(maps > before);
    said[0] = '\0';
    jmp_buf before_panic;
    panic_is_expected = &before_panic;
    if (setjmp(before_panic) == 0) {
        void *volatile none = talus_heap_alloc(heap, 30 * PAGE, 0, NULL);
        assert_null(none);
        fail_msg("it returned");
    }
    assert_null(panic_is_expected);
    assert_int_equal(pins, 0);
    assert_int_equal(asked, 1);
    char line[100];
    snprintf(line, sizeof line, "heap 'driver' has no memory for %zu bytes", 30 * PAGE);
    assert_non_null(strstr(said, line));
    assert_true(talus_heap_destroy(heap));
    nothing_is_left();
}

/* R34: large blocks, which are taken without a pin, bring a reserve what it lacks, too. */
static void large_blocks_refill_a_reserve(void **state)
{
    (void)state;
    talus_heap           *heap = talus_heap_default();
    talus_reserve        *reserve = talus_reserve_create(heap, 200, 0, 8, 8, NULL, NULL);
    talus_reserve_stats_t stats;
    assert_non_null(reserve);
    void *taken = talus_reserve_take(reserve);
    assert_non_null(taken);
    void *block = talus_malloc(20 * PAGE);
    talus_reserve_stats(reserve, &stats);
    assert_int_equal(stats.available, 8);
    talus_free(block);
    talus_free(taken);
    assert_true(talus_reserve_destroy(reserve));
    nothing_is_left();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_before_it_is_exhausted),
        cmocka_unit_test(gives_back_what_was_unused_for_long),
        cmocka_unit_test(a_given_block_drains),
        cmocka_unit_test(it_drains_when_there_are_descriptors_again),
        cmocka_unit_test(what_holds_the_heaps_data_stays),
        cmocka_unit_test(shrinks_for_the_kernel),
        cmocka_unit_test(panics_when_memory_cannot_be_had),
        cmocka_unit_test(large_blocks_refill_a_reserve),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
