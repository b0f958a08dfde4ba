/* early.c: the heap begins before there are CPU numbers, and before anybody knows how many CPUs
 * there will be (R11, R30): one cache until pins return other numbers, which then have theirs. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/arena.h"
#include "lib/pattern.h"
#include <talus/port.h>

enum { CPUS = 5, BLOCKS = 600, ROUNDS = 40 };

static _Alignas(TALUS_PAGE_SIZE) char first[32 * TALUS_PAGE_SIZE];

static _Thread_local unsigned cpu; /* a thread is a CPU, once there are any */
static bool                   none_left;

void talus_port_panic(const char *line)
{
    fprintf(stderr, "panic: %s\n", line);
    abort();
}

unsigned talus_port_pin(void)
{
    return cpu;
}

void *talus_port_map(size_t bytes)
{
    return none_left ? NULL : arena_take(bytes);
}

static talus_heap_stats_t stats_now(void)
{
    talus_heap_stats_t stats;
    talus_heap_stats(talus_heap_default(), &stats);
    return stats;
}

static void *blocks[CPUS][BLOCKS];

static size_t bytes_of(size_t i)
{
    return 16 + i % 40 * 16;
}

static void take(unsigned of)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[of][i] = talus_malloc(bytes_of(i));
        if (blocks[of][i] == NULL)
            abort();
        pattern_fill(blocks[of][i], bytes_of(i), of * BLOCKS + i);
    }
}

static void give(unsigned of)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        if (!pattern_holds(blocks[of][i], bytes_of(i), of * BLOCKS + i))
            abort();
        talus_free(blocks[of][i]);
    }
}

/* `cpus` is not said: the first block has room for the structures of one. */
static void begins_with_one(void **state)
{
    (void)state;
    assert_true(talus_kernel_start(&(talus_kernel_options){
        .block = first, .bytes = sizeof first, .window = 2 * ARENA_BYTES }));
    take(0);
    assert_int_equal(stats_now().caches, 1);
}

static pthread_barrier_t barrier;

/* Each frees what another one took, all at once. */
static void *run(void *number)
{
    cpu = (unsigned)(uintptr_t)number;
    for (unsigned round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&barrier);
        give((cpu + round) % CPUS);
        pthread_barrier_wait(&barrier);
        take((cpu + round) % CPUS);
    }
    return NULL;
}

/* The CPU that did all so far stays number 0, then number 4, and others come up. */
static void others_come_later(void **state)
{
    (void)state;
    pthread_t threads[CPUS];
    cpu = 4;
    for (unsigned of = 1; of < CPUS; of++)
        take(of);
    assert_int_equal(stats_now().caches, 2);
    pthread_barrier_init(&barrier, NULL, CPUS);
    for (uintptr_t i = 0; i < CPUS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run, (void *)i), 0);
    for (size_t i = 0; i < CPUS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(stats_now().caches, CPUS);
    assert_int_equal(stats_now().caches_idle, 0);
    for (unsigned of = 0; of < CPUS; of++)
        give(of);
}

/* A number that was the first CPU's only until it had one: what lies there serves others. */
static void a_first_number_may_go(void **state)
{
    (void)state;
    cpu = 4;
    talus_kernel_cpu_gone(0);
    assert_int_equal(stats_now().caches_idle, 1);
    cpu = CPUS; /* a new one */
    talus_free(talus_malloc(100));
    assert_int_equal(stats_now().caches_idle, 0);
    assert_int_equal(stats_now().caches, CPUS);
}

/* A CPU for whose cache there is no memory can free, and allocates as soon as there is some. */
static void a_cache_may_not_be_had(void **state)
{
    (void)state;
    size_t       count = 0;
    static void *all[40000];
    none_left = true;
    cpu = 4;
    while (count < 40000 && (all[count] = talus_malloc(4000)) != NULL)
        count++;
    assert_true(count > 8 && count < 40000);
    for (cpu = CPUS + 1; cpu < TALUS_CPUS_MAX && talus_malloc(16) != NULL; cpu++)
        continue; /* until structures use up what is left */
    assert_true(cpu < TALUS_CPUS_MAX);
    assert_null(talus_malloc(4000));
    while (count > 4)
        talus_free(all[--count]);
    unsigned late = cpu;
    cpu = 4;
    talus_heap_trim(talus_heap_default()); /* takes in what was sent home */
    cpu = late;
    void *block = talus_malloc(4000);
    assert_non_null(block);
    talus_free(block);
    while (count > 0)
        talus_free(all[--count]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_with_one),
        cmocka_unit_test(others_come_later),
        cmocka_unit_test(a_first_number_may_go),
        cmocka_unit_test(a_cache_may_not_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
