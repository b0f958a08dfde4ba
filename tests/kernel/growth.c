/* growth.c: a kernel's heap asks its port for more, gives back what was not used for long, takes
 * what the port's context allows, and hands a CPU's caches on (R10, R14, R15, R16, R18, D8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/arena.h"
#include "kernel/port.h"
#include <talus/port.h>

#define CPUS 3u

static _Alignas(TALUS_PAGE_SIZE) char first[32 * TALUS_PAGE_SIZE];

static int start(void **state)
{
    (void)state;
    bool started = talus_kernel_start(&(talus_kernel_options){
        .block = first,
        .bytes = sizeof first,
        .cpus = CPUS,
        .window = 2 * ARENA_BYTES,
        .heap = { .growth = 4 * TALUS_PAGE_SIZE, .limit = 256 * TALUS_PAGE_SIZE } });
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
    for (cpu = 0; cpu < CPUS; cpu++)
        talus_heap_trim(talus_heap_default());
    cpu = 0;
    talus_heap_stats_t stats = stats_of(talus_heap_default());
    assert_int_equal(stats.allocated, 0);
    assert_int_equal(stats.free_pages, stats.mapped);
}

enum { BLOCKS = 3000 };
static void *blocks[BLOCKS];

static void grows_and_shrinks(void **state)
{
    (void)state;
    unsigned before = maps;
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = talus_malloc(300);
        assert_non_null(blocks[i]);
        memset(blocks[i], (int)(i & 0xff), 300);
    }
    assert_true(maps > before + 2);
    assert_int_equal(stats_of(talus_heap_default()).provider_failures, 0);
    for (size_t i = 0; i < BLOCKS; i++) {
        const unsigned char *block = blocks[i];
        for (size_t at = 0; at < 300; at++)
            assert_int_equal(block[at], i & 0xff);
        cpu = (unsigned)(i % CPUS); /* most are another CPU's */
        talus_free(blocks[i]);
    }
    nothing_is_left();
    assert_true(unmaps > 0);
}

/* Not at once, but after the decay time, by whoever comes by. */
static void decays_by_the_ports_clock(void **state)
{
    (void)state;
    void *block = talus_malloc(20 * TALUS_PAGE_SIZE);
    assert_non_null(block);
    talus_free(block);
    unsigned before = unmaps;
    now_ms += 100;
    talus_free(talus_malloc(5 * TALUS_PAGE_SIZE));
    assert_int_equal(unmaps, before);
    for (unsigned i = 0; i < 40; i++) { /* the block kept by the CPU's cache leaves it, then ages */
        now_ms += 600;
        talus_free(talus_malloc(40 * TALUS_PAGE_SIZE));
    }
    assert_true(unmaps > before);
    nothing_is_left();
}

static void asks_nobody_where_it_may_not_block(void **state)
{
    (void)state;
    unsigned before = maps;
    may_block = false;
    assert_null(talus_malloc(100 * TALUS_PAGE_SIZE));
    void *small = talus_malloc(100); /* of what is there */
    may_block = true;
    assert_int_equal(maps, before);
    assert_non_null(small);
    talus_free(small);
    void *large = talus_malloc(100 * TALUS_PAGE_SIZE);
    assert_non_null(large);
    assert_true(maps > before);
    talus_free(large);
    nothing_is_left();
}

static bool give_back_one(void *context, talus_heap *heap, size_t bytes)
{
    assert_true(bytes == 30 * TALUS_PAGE_SIZE);
    assert_int_equal(pins, 0);
    void **held = context;
    talus_heap_free(heap, *held);
    bool had = *held != NULL;
    *held = NULL;
    return had;
}

static void fails_as_the_owner_says(void **state)
{
    (void)state;
    none_left = true;
    assert_null(talus_malloc(100 * TALUS_PAGE_SIZE));
    assert_true(stats_of(talus_heap_default()).provider_failures > 0);
    none_left = false;

    void       *held = NULL;
    talus_heap *heap = talus_heap_create(&(talus_heap_options){ .name = "driver",
                                                                .limit = 40 * TALUS_PAGE_SIZE,
                                                                .on_exhausted = give_back_one,
                                                                .on_exhausted_context = &held });
    assert_non_null(heap);
    held = talus_heap_alloc(heap, 30 * TALUS_PAGE_SIZE, 0, NULL);
    assert_non_null(held);
    void *again = talus_heap_alloc(heap, 30 * TALUS_PAGE_SIZE, 0, NULL);
    assert_non_null(again);
    assert_null(held);
    assert_null(talus_heap_alloc(heap, 30 * TALUS_PAGE_SIZE, 0, NULL));
    assert_non_null(strstr(said, "heap 'driver' reached its limit"));
    assert_true(talus_heap_destroy(heap));
    nothing_is_left();
}

/* What CPU 1 held serves CPU 2, without more from the port. */
static void a_gone_cpus_cache_is_taken_over(void **state)
{
    (void)state;
    cpu = 1;
    for (size_t i = 0; i < BLOCKS; i++)
        assert_non_null(blocks[i] = talus_malloc(300));
    for (size_t i = 0; i < BLOCKS; i++)
        talus_free(blocks[i]);
    cpu = 2;
    talus_kernel_cpu_gone(1);
    assert_int_equal(stats_of(talus_heap_default()).caches_idle, 1);
    none_left = true;
    for (size_t i = 0; i < BLOCKS; i++)
        assert_non_null(blocks[i] = talus_malloc(300));
    none_left = false;
    for (size_t i = 0; i < BLOCKS; i++)
        talus_free(blocks[i]);
    cpu = 1; /* it comes back */
    void *block = talus_malloc(300);
    assert_non_null(block);
    talus_free(block);
    nothing_is_left();
}

static void double_frees_are_told(void **state)
{
    (void)state;
    void *block = talus_malloc(50 * TALUS_PAGE_SIZE);
    said[0] = '\0';
    talus_free(block);
    talus_free(block);
    assert_non_null(strstr(said, "free of what is free"));
    nothing_is_left();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_shrinks),
        cmocka_unit_test(decays_by_the_ports_clock),
        cmocka_unit_test(asks_nobody_where_it_may_not_block),
        cmocka_unit_test(fails_as_the_owner_says),
        cmocka_unit_test(a_gone_cpus_cache_is_taken_over),
        cmocka_unit_test(double_frees_are_told),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
