/* short.c: when memory is short, what other CPUs were sent back and did not take in serves whoever
 * asks: they may not come by for long (R18, R30). The heap has one block and no port to ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <talus/port.h>

enum { CPUS = 4, BLOCK_BYTES = 8 << 20, BLOCKS_MAX = 20000 };

static _Alignas(TALUS_PAGE_SIZE) char memory[BLOCK_BYTES];
static unsigned cpu;
static void    *blocks[BLOCKS_MAX];

void talus_port_panic(const char *line)
{
    fprintf(stderr, "panic: %s\n", line);
    abort();
}

unsigned talus_port_pin(void)
{
    return cpu;
}

static bool idle; /* and so in no state to sleep */

bool talus_port_may_block(void)
{
    return !idle;
}

static int start(void **state)
{
    (void)state;
    bool started = talus_kernel_start(
        &(talus_kernel_options){ .block = memory, .bytes = sizeof memory, .cpus = CPUS });
    return started ? 0 : -1;
}

static size_t sizes[BLOCKS_MAX];

/* As many as there are, by the CPUs below `cpus` in turn; of one size, or, where it is 0, of three.
 * Returns their number. */
static size_t take_all(size_t one_size, unsigned cpus)
{
    size_t count = 0;
    for (; count < BLOCKS_MAX; count++) {
        size_t size = one_size != 0 ? one_size : (size_t)500 << count / cpus % 3;
        cpu = (unsigned)count % cpus;
        sizes[count] = size;
        blocks[count] = count % 2 == 0 ? talus_malloc(size) : talus_calloc(1, size);
        if (blocks[count] == NULL)
            break;
        if (count % 2 != 0)
            for (size_t at = 0; at < size; at += 8)
                assert_int_equal(((char *)blocks[count])[at], 0);
        memset(blocks[count], (int)(count % 251), size);
    }
    return count;
}

static void give_all(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const unsigned char *block = blocks[i];
        for (size_t at = 0; at < sizes[i]; at += sizes[i] / 8)
            assert_int_equal(block[at], i % 251);
        talus_free(blocks[i]);
    }
}

/* The last CPU frees all, the others are quiet; each of the two then has all. */
static void other_cpus_inboxes_are_reached(void **state)
{
    (void)state;
    static const size_t tried[] = { 512, 2048, 4096, 8192, 0 };
    for (size_t n = 0; n < sizeof tried / sizeof tried[0]; n++) {
        size_t size = tried[n], count = take_all(size, CPUS - 1);
        assert_true(count > BLOCK_BYTES / (size != 0 ? size : 1200) / 10 * 9);
        for (unsigned turn = 0; turn < 2; turn++) {
            cpu = CPUS - 1;
            give_all(count);
            size_t again = take_all(size, 1); /* CPU 0, which owns a third */
            printf("%zu %zu %zu\n", size, count, again);
            assert_true(again >= count / 20 * (size != 0 ? 19 : 16));
            count = again;
        }
        cpu = 0;
        give_all(count);
        for (unsigned gone = 0; gone < CPUS; gone++)
            talus_kernel_cpu_gone(gone);
        talus_heap_stats_t stats;
        talus_heap_trim(talus_heap_default());
        talus_heap_stats(talus_heap_default(), &stats);
        assert_int_equal(stats.allocated, 0);
        assert_int_equal(stats.free_pages, stats.mapped);
    }
}

/* All CPUs idle, one after the other, twice: all is in the pool. */
static void expect_all_free(void)
{
    idle = true;
    for (unsigned looks = 0; looks < 2 * CPUS; looks++) {
        cpu = looks % CPUS;
        assert_int_equal(talus_heap_trim(talus_heap_default()), 0); /* to a provider: nothing */
    }
    idle = false;
    talus_heap_stats_t stats;
    talus_heap_stats(talus_heap_default(), &stats);
    assert_int_equal(stats.allocated, 0);
    assert_int_equal(stats.free_pages, stats.mapped);
}

static void *take_on(unsigned on_cpu, size_t size)
{
    cpu = on_cpu;
    void *block = talus_malloc(size);
    return block != NULL ? memset(block, (int)on_cpu, size) : NULL;
}

static void give_on(unsigned on_cpu, void **block)
{
    cpu = on_cpu;
    talus_free(*block);
    *block = NULL;
}

/* An idle loop may not block, and what its CPU keeps serves the others all the same. */
static void idle_cpus_give_back(void **state)
{
    (void)state;
    size_t count = take_all(0, CPUS - 1);
    cpu = CPUS - 1;
    give_all(count);
    talus_heap_stats_t stats;
    talus_heap_stats(talus_heap_default(), &stats);
    assert_true(stats.allocated > 0);
    expect_all_free();
}

/* All CPUs but one have spans half of whose blocks are free, and idle: that one gets every free
 * block. Then they wake, each with what was its own, and nothing is lost. */
static void idle_cpus_spans_are_reached(void **state)
{
    (void)state;
    static const size_t tried[] = { 64, 512, 2048, 4096, 8192 };
    for (size_t n = 0; n < sizeof tried / sizeof tried[0]; n++) {
        size_t       size = tried[n], count = 0, freed = 0, again = 0;
        static void *all[BLOCK_BYTES / 64], *anew[BLOCK_BYTES / 64];
        for (; (all[count] = take_on(1 + (unsigned)count % (CPUS - 1), size)) != NULL; count++)
            ;
        assert_true(count > BLOCK_BYTES / size / 10 * 9);
        for (size_t i = 0; i < count; i++)
            if (i / (CPUS - 1) % 2 == 0) {
                give_on(1 + (unsigned)i % (CPUS - 1), &all[i]);
                freed++;
            }
        idle = true;
        for (cpu = 1; cpu < CPUS; cpu++)
            assert_int_equal(talus_heap_trim(talus_heap_default()), 0);
        idle = false;
        while ((anew[again] = take_on(0, size)) != NULL)
            again++;
        print_message("%zu bytes: %zu blocks, %zu of %zu freed taken\n", size, count, again, freed);
        assert_true(again >= freed); /* beside these, what the CPUs had not come to yet */
        for (size_t i = 0; i < count; i++)
            give_on(1 + (unsigned)(i + 1) % (CPUS - 1), &all[i]);
        while (again-- > 0)
            give_on(0, &anew[again]);
        expect_all_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(other_cpus_inboxes_are_reached),
                                        cmocka_unit_test(idle_cpus_give_back),
                                        cmocka_unit_test(idle_cpus_spans_are_reached) };
    return cmocka_run_group_tests(tests, start, NULL);
}
