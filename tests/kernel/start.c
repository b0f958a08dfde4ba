/* start.c: a kernel's heap begins in one block, with the smallest port there is: one CPU, nothing
 * preempts, nothing but what it was given (R6, R11, R12, R13, R22). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <talus/port.h>

void talus_port_panic(const char *line)
{
    fprintf(stderr, "panic: %s\n", line);
    abort();
}

#define BLOCK_BYTES ((size_t)1 << 20)

static char first[BLOCK_BYTES + 1]; /* from an odd address on */
static char second[16 * TALUS_PAGE_SIZE];

static bool inside(const void *block, size_t bytes, const char *region, size_t region_bytes)
{
    uintptr_t offset = (uintptr_t)block - (uintptr_t)region;
    return offset < region_bytes && bytes <= region_bytes - offset;
}

static void refuses_what_cannot_be(void **state)
{
    (void)state;
    assert_false(talus_kernel_start(&(talus_kernel_options){ 0 }));
    assert_false(talus_kernel_start(
        &(talus_kernel_options){ .block = first, .bytes = TALUS_PAGE_SIZE / 2 }));
    assert_false(
        talus_kernel_start(&(talus_kernel_options){ .block = first, .bytes = TALUS_PAGE_SIZE }));
    assert_false(talus_kernel_start(&(talus_kernel_options){
        .block = first, .bytes = BLOCK_BYTES, .cpus = TALUS_CPUS_MAX + 1 }));
    assert_false(talus_kernel_start(&(talus_kernel_options){
        .block = first, .bytes = BLOCK_BYTES, .window = (size_t)1 << 31 }));
    assert_null(talus_heap_default());
}

/* The block is full of old contents, and expand comes before the first allocation. */
static void begins_in_one_block(void **state)
{
    (void)state;
    talus_heap_stats_t stats;
    memset(first, 0xa5, sizeof first);
    memset(second, 0xa5, sizeof second);
    assert_true(talus_kernel_start(&(talus_kernel_options){
        .block = first + 1, .bytes = BLOCK_BYTES, .window = (size_t)1 << 26 }));
    assert_false(
        talus_kernel_start(&(talus_kernel_options){ .block = second, .bytes = sizeof second }));
    assert_true(talus_heap_expand(talus_heap_default(), second, sizeof second));
    talus_heap_stats(talus_heap_default(), &stats);
    assert_int_equal(stats.allocated, 0);
    assert_true(stats.mapped > BLOCK_BYTES / 4 + sizeof second - 2 * TALUS_PAGE_SIZE);
    assert_true(stats.mapped <= BLOCK_BYTES + sizeof second);
    assert_int_equal(stats.free_pages, stats.mapped);
    assert_int_equal(stats.provider_maps, 0);
}

static void expand_refuses_what_is_no_block(void **state)
{
    (void)state;
    talus_heap *heap = talus_heap_default();
    assert_false(talus_heap_expand(heap, NULL, TALUS_PAGE_SIZE));
    assert_false(talus_heap_expand(heap, second, TALUS_PAGE_SIZE / 2));
    /* its addresses are those of a block that the heap has */
    assert_false(talus_heap_expand(heap, second, sizeof second));
}

struct taken {
    void  *block;
    size_t bytes;
};

/* Serves from both blocks until both are full, tells so, and has all of it back. */
static void serves_all_of_it(void **state)
{
    (void)state;
    static struct taken taken[8192];
    size_t              count = 0, total = 0;
    bool                from_second = false;
    talus_heap_stats_t  stats;
    for (size_t bytes = 1; count < sizeof taken / sizeof taken[0]; bytes = bytes * 5 % 601) {
        char *block = talus_malloc(bytes);
        if (block == NULL)
            break;
        bool in_first = inside(block, bytes, first, sizeof first);
        assert_true(in_first || inside(block, bytes, second, sizeof second));
        assert_int_equal((uintptr_t)block % TALUS_ALIGN_MIN, 0);
        from_second |= !in_first;
        memset(block, (int)(count & 0xff), bytes);
        taken[count++] = (struct taken){ block, bytes };
        total += bytes;
    }
    assert_true(from_second);
    assert_null(talus_malloc(8 * TALUS_PAGE_SIZE));
    talus_heap_stats(talus_heap_default(), &stats);
    assert_true(total > stats.mapped / 2);
    for (size_t i = 0; i < count; i++) {
        const char *block = taken[i].block;
        for (size_t at = 0; at < taken[i].bytes; at++)
            assert_int_equal((unsigned char)block[at], i & 0xff);
        talus_free(taken[i].block);
    }
    talus_heap_trim(talus_heap_default());
    talus_heap_stats(talus_heap_default(), &stats);
    assert_int_equal(stats.allocated, 0);
    assert_int_equal(stats.free_pages, stats.mapped);
}

static void the_other_calls(void **state)
{
    (void)state;
    char *block = talus_calloc(3, 1000);
    assert_non_null(block);
    for (size_t i = 0; i < 3000; i++)
        assert_int_equal(block[i], 0);
    memset(block, 7, 3000);
    block = talus_realloc(block, 20000);
    assert_non_null(block);
    block = talus_realloc(block, 40 * TALUS_PAGE_SIZE);
    assert_non_null(block);
    for (size_t i = 0; i < 3000; i++)
        assert_int_equal(block[i], 7);
    assert_null(talus_realloc(block, BLOCK_BYTES)); /* and it is untouched */
    assert_int_equal(block[2999], 7);
    talus_free_sized(block, 40 * TALUS_PAGE_SIZE);
    for (size_t align = 1; align <= 4 * TALUS_PAGE_SIZE; align *= 2) {
        void *aligned = talus_aligned_alloc(align, 100);
        assert_non_null(aligned);
        assert_int_equal((uintptr_t)aligned % align, 0);
        talus_free(aligned);
    }
    talus_free(NULL);
    volatile size_t most = SIZE_MAX; /* the compiler warns where it sees the number */
    assert_null(talus_malloc(most));
    assert_null(talus_calloc(most / 2, 3));
    assert_null(talus_malloc(BLOCK_BYTES));
}

/* Enough is free, but not in one piece: the textbook's 80 units, 16 and 32 of them in use, the 16
 * freed, 40 asked for with 48 free (R6), in pages. */
static void enough_but_not_in_one_piece(void **state)
{
    (void)state;
    static _Alignas(TALUS_PAGE_SIZE) char region[80 * TALUS_PAGE_SIZE];
    talus_fixed_region                    fixed = { .start = region, .bytes = sizeof region };
    talus_provider                        provider = talus_provider_fixed(&fixed);
    talus_heap                           *heap =
        talus_heap_create(&(talus_heap_options){ .provider = &provider, .initial = sizeof region });
    talus_heap_stats_t stats;
    assert_non_null(heap);
    void *sixteen = talus_heap_alloc(heap, 16 * TALUS_PAGE_SIZE, 0, NULL);
    void *thirty_two = talus_heap_alloc(heap, 32 * TALUS_PAGE_SIZE, 0, NULL);
    assert_non_null(sixteen);
    assert_non_null(thirty_two);
    talus_heap_free(heap, sixteen);
    assert_null(talus_heap_alloc(heap, 40 * TALUS_PAGE_SIZE, 0, NULL));
    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.free_pages, 48 * TALUS_PAGE_SIZE);
    assert_int_equal(stats.largest_free_run, 32 * TALUS_PAGE_SIZE);
    assert_true(talus_heap_destroy(heap));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_cannot_be),
        cmocka_unit_test(begins_in_one_block),
        cmocka_unit_test(expand_refuses_what_is_no_block),
        cmocka_unit_test(serves_all_of_it),
        cmocka_unit_test(the_other_calls),
        cmocka_unit_test(enough_but_not_in_one_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
