/* hostile.c: what a kernel's contexts, other threads and short memory can do to one call of the
 * heap, step by step (R11, R14, R16, R31, D8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "kernel/arena.h"
#include <talus/port.h>
#include <talus/reserve.h>

static _Alignas(TALUS_PAGE_SIZE) char first[32 * TALUS_PAGE_SIZE];

static unsigned pins;
static unsigned maps, unmaps;
static size_t   mapped;
static bool     may_block = true;
static bool     none_left;
static uint64_t now_ms;
static unsigned until_switch; /* pins that end until another thread runs; 0: none does */
static void     another_runs(void);

void talus_port_panic(const char *line)
{
    fprintf(stderr, "panic: %s\n", line);
    abort();
}

unsigned talus_port_pin(void)
{
    pins++;
    return 0;
}

void talus_port_unpin(void)
{
    assert_true(pins > 0);
    if (--pins == 0 && until_switch != 0 && --until_switch == 0)
        another_runs();
}

void *talus_port_map(size_t bytes)
{
    assert_int_equal(pins, 0);
    assert_true(may_block);
    if (none_left)
        return NULL;
    void *block = arena_take(bytes);
    maps += block != NULL;
    mapped += block != NULL ? bytes : 0;
    return block;
}

void talus_port_unmap(void *block, size_t bytes)
{
    assert_int_equal(pins, 0);
    assert_true(may_block);
    unmaps++;
    mapped -= bytes;
    arena_give(block, bytes);
}

bool talus_port_may_block(void)
{
    return may_block;
}

uint64_t talus_port_now_ms(void)
{
    return now_ms;
}

static int start(void **state)
{
    (void)state;
    bool started =
        talus_kernel_start(&(talus_kernel_options){ .block = first,
                                                    .bytes = sizeof first,
                                                    .window = 2 * ARENA_BYTES,
                                                    .heap = { .growth = 4 * TALUS_PAGE_SIZE } });
    return started ? 0 : -1;
}

static talus_heap_stats_t stats_of(talus_heap *heap)
{
    talus_heap_stats_t stats;
    talus_heap_stats(heap, &stats);
    assert_int_equal(pins, 0);
    return stats;
}

static void *large[3];

static void nothing_is_lost(void)
{
    talus_heap_trim(talus_heap_default());
    talus_heap_stats_t stats = stats_of(talus_heap_default());
    assert_int_equal(stats.allocated, 0);
    assert_int_equal(stats.free_pages, stats.mapped);
}

/* It frees a block of its own. */
static void another_runs(void)
{
    void *block = large[2];
    large[2] = NULL;
    talus_free(block);
}

/* Whenever another thread gets the CPU meanwhile. */
static void statistics_take_in_large_blocks_pinned(void **state)
{
    (void)state;
    bool switched = true;
    for (unsigned when = 1; switched; when++) {
        for (unsigned i = 0; i < 3; i++)
            assert_non_null(large[i] = talus_malloc(9 * TALUS_PAGE_SIZE));
        talus_free(large[0]); /* the CPU's cache keeps it */
        talus_free_from_interrupt(large[1]);
        until_switch = when;
        stats_of(talus_heap_default());
        switched = until_switch == 0;
        until_switch = 0;
        if (!switched)
            talus_free(large[2]);
        nothing_is_lost();
    }
}

/* Old free blocks go back by allocations, but not by one that may not block. */
static void nothing_is_unmapped_where_it_may_not_block(void **state)
{
    (void)state;
    void *block = talus_malloc(100 * TALUS_PAGE_SIZE);
    assert_non_null(block);
    talus_free(block);
    now_ms += 10000;
    may_block = false;
    unsigned before = unmaps;
    talus_free(talus_malloc(40 * TALUS_PAGE_SIZE));
    may_block = true;
    assert_int_equal(unmaps, before);
    talus_free(talus_malloc(40 * TALUS_PAGE_SIZE));
    assert_true(unmaps > before);
    nothing_is_lost();
}

enum { BLOCKS = 1500, CHUNK = 16 * 1024 };
static void *blocks[BLOCKS];

/* What the provider gave is the heap's pages, but for a little that its structures took. */
static void structures_take_little(void **state)
{
    (void)state;
    talus_heap_stats_t before = stats_of(talus_heap_default());
    size_t             mapped_before = mapped;
    for (size_t i = 0; i < BLOCKS; i++)
        assert_non_null(blocks[i] = talus_aligned_alloc(2 * TALUS_PAGE_SIZE, TALUS_PAGE_SIZE));
    talus_heap_stats_t after = stats_of(talus_heap_default());
    size_t             structures = (mapped - mapped_before) - (after.mapped - before.mapped);
    assert_true(structures <= after.metadata - before.metadata + 4 * CHUNK);
    for (size_t i = 0; i < BLOCKS; i++)
        talus_free(blocks[i]);
    nothing_is_lost();
}

/* A page map that is folded has an entry for NULL's page, which may be a block's. */
static void null_is_nobodys_block(void **state)
{
    (void)state;
    const size_t window = 4 * ARENA_BYTES; /* and a page, rounded up */
    talus_heap  *heap = talus_heap_create(NULL);
    char        *range = mmap(NULL, 2 * window, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_non_null(heap);
    assert_true(range != MAP_FAILED);
    uintptr_t page = ((uintptr_t)range + window - 1) & ~(uintptr_t)(window - 1);
    bool      added = talus_heap_expand(heap, (void *)page, 16 * TALUS_PAGE_SIZE);
    if (added) { /* else a block of this program's is there already */
        void *there = talus_heap_alloc(heap, 100, 0, NULL);
        assert_true((uintptr_t)there - page < TALUS_PAGE_SIZE);
    }
    void *block = talus_realloc(NULL, 100);
    assert_non_null(block);
    talus_free_sized(NULL, 10);
    talus_free_aligned_sized(NULL, 64, 10);
    talus_free(NULL);
    assert_int_equal(talus_usable_size(NULL), 0);
    talus_free(block);
    assert_true(talus_heap_destroy(heap));
    munmap(range, 2 * window);
    nothing_is_lost();
}

/* Each takes memory for its structure, which is fetched while there are pages. */
static void as_many_reserves_as_there_is_memory_for(void **state)
{
    (void)state;
    static talus_reserve *reserves[200];
    for (size_t i = 0; i < 200; i++)
        assert_non_null(reserves[i] =
                            talus_reserve_create(talus_heap_default(), 100, 0, 4, 0, NULL, NULL));
    for (size_t i = 0; i < 200; i++)
        assert_true(talus_reserve_destroy(reserves[i]));
    nothing_is_lost();
}

static _Alignas(TALUS_PAGE_SIZE) char second[16 * TALUS_PAGE_SIZE];
static _Alignas(TALUS_PAGE_SIZE) char third[64 * TALUS_PAGE_SIZE];

struct link {
    struct link *next;
};

static struct link *take_all(talus_heap *heap, size_t bytes, size_t *count)
{
    struct link *chain = NULL, *link;
    for (*count = 0; (link = talus_heap_alloc(heap, bytes, 0, NULL)) != NULL; ++*count) {
        link->next = chain;
        chain = link;
    }
    return chain;
}

static void free_all(talus_heap *heap, struct link *chain)
{
    while (chain != NULL) {
        struct link *next = chain->next;
        talus_heap_free(heap, chain);
        chain = next;
    }
}

/* The default heap has no page left, another heap's provider has some: that heap grows. */
static void a_heap_grows_while_the_default_one_is_full(void **state)
{
    (void)state;
    talus_fixed_region fixed = { .start = third, .bytes = sizeof third };
    talus_provider     provider = talus_provider_fixed(&fixed);
    talus_heap        *heap = talus_heap_create(
               &(talus_heap_options){ .provider = &provider, .growth = 16 * TALUS_PAGE_SIZE });
    assert_non_null(heap);
    assert_non_null(talus_heap_alloc(heap, 10 * TALUS_PAGE_SIZE, 0, NULL));
    size_t count;
    none_left = true;
    struct link *chain = take_all(talus_heap_default(), 100, &count);
    assert_non_null(talus_heap_alloc(heap, 10 * TALUS_PAGE_SIZE, 0, NULL));
    assert_non_null(talus_heap_alloc(heap, 10 * TALUS_PAGE_SIZE, 0, NULL));
    free_all(talus_heap_default(), chain);
    none_left = false;
    assert_true(talus_heap_destroy(heap));
    nothing_is_lost();
}

/* All descriptors are used up, and what is free are single pages, too short for more of them: what
 * is added brings both. */
static void a_full_heap_is_expanded(void **state)
{
    (void)state;
    talus_heap  *heap = talus_heap_default();
    size_t       count, more;
    struct link *chain = take_all(heap, 10 * TALUS_PAGE_SIZE, &count);
    struct link *small = take_all(heap, 100, &more);
    for (struct link *link = chain; link != NULL; link = link->next)
        assert_ptr_equal(talus_realloc(link, 9 * TALUS_PAGE_SIZE), link);
    assert_true(talus_heap_expand(heap, second, sizeof second));
    struct link *added = take_all(heap, 100, &more);
    assert_true(more * 100 > sizeof second / 2);
    free_all(heap, added);
    free_all(heap, small);
    free_all(heap, chain);
    nothing_is_lost();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_is_nobodys_block),
        cmocka_unit_test(as_many_reserves_as_there_is_memory_for),
        cmocka_unit_test(statistics_take_in_large_blocks_pinned),
        cmocka_unit_test(nothing_is_unmapped_where_it_may_not_block),
        cmocka_unit_test(structures_take_little),
        cmocka_unit_test(a_heap_grows_while_the_default_one_is_full),
        cmocka_unit_test(a_full_heap_is_expanded),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
