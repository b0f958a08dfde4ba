/* hooks.c: what the port is told around each lock of the heap, and before pages go back: every lock
 * that is held lies between an enter and a leave, and the last one in is the first one out; the
 * provider is called outside of all of them, and given pages only after a grace period (R10, R16,
 * R32, D5, D8). */
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
#include "kernel/arena.h"
#include <talus/port.h>
#include <talus/reserve.h>

#define DEPTH_MAX 3u /* two locks, and one that must not be */

static _Alignas(TALUS_PAGE_SIZE) char first[32 * TALUS_PAGE_SIZE];

static const struct tl_heap *other; /* a second heap, while there is one */
static unsigned              cpu, pins;
static unsigned              depth;             /* enters without their leave */
static unsigned              around[DEPTH_MAX]; /* the locks that were held at each of them */
static unsigned              enters, deepest, maps, unmaps, graces;
static bool                  graced;
static uint64_t              now_ms;

void talus_port_panic(const char *line)
{
    fprintf(stderr, "panic: %s\n", line);
    abort();
}

static unsigned is_held(const struct tl_lock *lock)
{
    return tl_load32_relaxed(&lock->next) != tl_load32_relaxed(&lock->serving);
}

/* A bit for each lock that is held. */
static unsigned held(void)
{
    unsigned set = is_held(&tl_heaps_lock) | is_held(&tl_default_heap.lock) << 1 |
                   is_held(&tl_default_heap.pool.lock) << 2 | is_held(&tl_meta_lock) << 3;
    if (other != NULL)
        set |= is_held(&other->lock) << 4 | is_held(&other->pool.lock) << 5;
    return set;
}

static unsigned bits(unsigned set)
{
    unsigned count = 0;
    for (; set != 0; set &= set - 1)
        count++;
    return count;
}

unsigned talus_port_pin(void)
{
    assert_int_equal(bits(held()), depth);
    pins++;
    return cpu;
}

void talus_port_unpin(void)
{
    assert_int_equal(bits(held()), depth);
    assert_true(pins > 0);
    pins--;
}

void talus_port_lock_enter(void)
{
    assert_in_range(depth, 0, DEPTH_MAX - 1);
    around[depth] = held();
    assert_int_equal(bits(around[depth]), depth);
    enters++;
    if (++depth > deepest)
        deepest = depth;
}

void talus_port_lock_leave(void)
{
    assert_true(depth > 0);
    assert_int_equal(held(), around[--depth]);
}

void talus_port_relax(void)
{
    fail_msg("one CPU, and it waits for a lock");
}

static void demand_nothing_held(void)
{
    assert_int_equal(depth, 0);
    assert_int_equal(held(), 0);
    assert_int_equal(pins, 0);
}

void *talus_port_map(size_t bytes)
{
    demand_nothing_held();
    maps++;
    return arena_take(bytes);
}

void talus_port_unmap(void *block, size_t bytes)
{
    demand_nothing_held();
    assert_true(graced);
    unmaps++;
    arena_give(block, bytes);
}

/* Holds until a block is freed. */
void talus_port_synchronize(void)
{
    demand_nothing_held();
    graces++;
    graced = true;
}

uint64_t talus_port_now_ms(void)
{
    assert_int_equal(bits(held()), depth);
    return now_ms;
}

void talus_port_write(const char *text, size_t length)
{
    (void)text;
    (void)length;
    assert_int_equal(depth, 0);
    assert_int_equal(held(), 0);
}

static int start(void **state)
{
    (void)state;
    bool started = talus_kernel_start(&(talus_kernel_options){
        .block = first,
        .bytes = sizeof first,
        .cpus = 2,
        .window = 2 * ARENA_BYTES,
        .heap = { .growth = 4 * TALUS_PAGE_SIZE, .limit = 1024 * TALUS_PAGE_SIZE } });
    return started ? 0 : -1;
}

static void *blocks[2000];

static void use(talus_heap *heap)
{
    const unsigned count = sizeof blocks / sizeof blocks[0];
    for (unsigned i = 0; i < count; i++) {
        cpu = i % 2;
        now_ms += 10;
        blocks[i] =
            talus_heap_alloc(heap, i % 50 == 0 ? 9 * TALUS_PAGE_SIZE : 1 + i * 7 % 1500, 0, NULL);
        assert_non_null(blocks[i]);
    }
    for (unsigned i = 0; i < count; i += 50) {
        blocks[i] = talus_heap_realloc(heap, blocks[i], 10 * TALUS_PAGE_SIZE, NULL);
        assert_non_null(blocks[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        cpu = i / 3 % 2;
        now_ms += 10;
        graced = false;
        if (i % 5 == 0)
            talus_free_from_interrupt(blocks[i]);
        else
            talus_heap_free(heap, blocks[i]);
    }
    assert_null(talus_heap_alloc(heap, 1100 * TALUS_PAGE_SIZE, 0, NULL));
    talus_heap_stats_t stats;
    talus_heap_stats(heap, &stats);
    for (cpu = 0; cpu < 2; cpu++)
        talus_heap_trim(heap);
    cpu = 0;
    demand_nothing_held();
}

static void every_lock_lies_between_enter_and_leave(void **state)
{
    (void)state;
    talus_heap *heap = talus_heap_default();
    use(heap);
    talus_reserve *reserve = talus_reserve_create(heap, 100, 0, 40, 10, NULL, NULL);
    assert_non_null(reserve);
    for (unsigned i = 0; i < 35; i++)
        assert_non_null(blocks[i] = talus_reserve_take(reserve));
    for (unsigned i = 0; i < 35; i++)
        talus_reserve_put(reserve, blocks[i]);
    assert_true(talus_reserve_prepare(reserve, 40));
    assert_true(talus_reserve_destroy(reserve));
    talus_kernel_cpu_gone(1);
    talus_heap_set_limit(heap, SIZE_MAX);
    demand_nothing_held();
    assert_true(enters > 500);
    assert_int_equal(deepest, 2);
}

static void pages_go_back_after_a_grace_period(void **state)
{
    (void)state;
    unsigned    before = unmaps;
    talus_heap *heap = talus_heap_create(&(talus_heap_options){
        .name = "other", .growth = 4 * TALUS_PAGE_SIZE, .limit = 1024 * TALUS_PAGE_SIZE });
    assert_non_null(heap);
    other = tl_heap_of(heap);
    use(heap);
    assert_true(unmaps > before);
    before = unmaps;
    assert_non_null(talus_heap_alloc(heap, 20 * TALUS_PAGE_SIZE, 0, NULL));
    graced = false;
    assert_true(talus_heap_destroy(heap)); /* with a block in it */
    other = NULL;
    assert_true(unmaps > before && maps >= unmaps && graces > 0);
    demand_nothing_held();
}

/* R24, D2: also by a heap's handle no call takes a lock while the CPU's cache has a block. */
static void no_lock_while_the_cache_has_a_block(void **state)
{
    (void)state;
    talus_heap *heap = talus_heap_create(NULL);
    assert_non_null(heap);
    other = tl_heap_of(heap);
    assert_non_null(talus_heap_alloc(heap, 100, 0, NULL)); /* and its span stays */
    unsigned before = enters;
    for (int i = 0; i < 20; i++) {
        void *block = talus_heap_alloc(heap, 100, 0, NULL);
        assert_non_null(block);
        talus_heap_free(heap, block);
    }
    assert_int_equal(enters, before);
    assert_true(talus_heap_destroy(heap));
    other = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_lock_lies_between_enter_and_leave),
        cmocka_unit_test(pages_go_back_after_a_grace_period),
        cmocka_unit_test(no_lock_while_the_cache_has_a_block),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
