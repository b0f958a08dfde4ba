/* atomic.c: threads that must not block (R18, R35): where talus_port_may_block says false, no
 * provider is called and nobody waits for one, whatever others are in the midst of; a call is
 * served from what is there, or fails. With "lies" as argument the port says true to all: the bug
 * in a port that must be found. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/arena.h"
#include <talus/inspect.h>
#include <talus/object.h>
#include <talus/port.h>
#include <talus/reserve.h>

#define KIB ((size_t)1024)

enum { BLOCKS = 20000 };

static _Alignas(TALUS_PAGE_SIZE) char first[48 * TALUS_PAGE_SIZE];
static _Alignas(TALUS_PAGE_SIZE) char second[16 * TALUS_PAGE_SIZE];

static _Thread_local bool     atomic; /* the calling thread may not block */
static _Thread_local unsigned depth, cpu;
static bool                   lies;
static unsigned               maps;
static bool                   map_waits;
static sem_t                  in_map, may_go_on;
static char                   said[8192];

/* Ends the test: a longjmp out of the heap would leave it pinned. */
static void fail_now(const char *what)
{
    fprintf(stderr, "atomic: %s\n", what);
    abort();
}

static void may_be_called(const char *what)
{
    if (atomic || depth != 0)
        fail_now(what);
}

void talus_port_panic(const char *line)
{
    fail_now(line);
    abort();
}

unsigned talus_port_pin(void)
{
    depth++;
    return cpu;
}

void talus_port_unpin(void)
{
    depth--;
}

bool talus_port_may_block(void)
{
    return lies || !atomic;
}

void *talus_port_map(size_t bytes)
{
    may_be_called("map");
    maps++;
    if (map_waits) {
        sem_post(&in_map);
        sem_wait(&may_go_on);
    }
    return arena_take(bytes);
}

void talus_port_unmap(void *block, size_t bytes)
{
    may_be_called("unmap");
    arena_give(block, bytes);
}

void talus_port_synchronize(void)
{
    may_be_called("synchronize");
}

void talus_port_yield(void)
{
    may_be_called("yield");
}

/* Time flies, so that whatever can decay wants to. */
uint64_t talus_port_now_ms(void)
{
    static _Thread_local uint64_t now_ms;
    return now_ms += 200;
}

void talus_port_write(const char *text, size_t length)
{
    strncat(said, text, length < sizeof said - strlen(said) - 1 ? length : 0);
}

static int start(void **state)
{
    (void)state;
    sem_init(&in_map, 0, 0);
    sem_init(&may_go_on, 0, 0);
    return talus_kernel_start(&(talus_kernel_options){
               .block = first,
               .bytes = sizeof first,
               .cpus = 2,
               .window = 2 * ARENA_BYTES,
               .heap = { .growth = 4 * TALUS_PAGE_SIZE, .limit = 1024 * KIB } })
               ? 0
               : -1;
}

/* Takes until there is no more; returns the number. */
static size_t take_all(talus_heap *heap, void **blocks, size_t bytes)
{
    size_t count = 0;
    while (count < BLOCKS && (blocks[count] = talus_heap_alloc(heap, bytes, 0, NULL)) != NULL)
        count++;
    return count;
}

static void give_all(talus_heap *heap, void **blocks, size_t count)
{
    while (count > 0)
        talus_heap_free(heap, blocks[--count]);
}

static void *blocks[BLOCKS];

static void is_served_from_what_is_there(void **state)
{
    (void)state;
    talus_heap *heap = talus_heap_default();
    unsigned    before = maps;
    atomic = true;
    for (size_t bytes = 16; bytes <= 100 * KIB; bytes *= 3) {
        size_t count = take_all(heap, blocks, bytes);
        assert_true(count > 0 && count < BLOCKS);
        assert_null(talus_calloc(1, bytes));
        assert_null(talus_aligned_alloc(64, bytes));
        give_all(heap, blocks, count);
        void *again = talus_calloc(1, bytes);
        assert_non_null(again);
        again = talus_realloc(again, bytes / 2 + 1);
        again = talus_realloc(again, bytes);
        assert_non_null(again);
        talus_free_sized(again, bytes);
    }
    atomic = false;
    assert_int_equal(maps, before);
    size_t count = take_all(heap, blocks, 100 * KIB);
    assert_true(maps > before);
    give_all(heap, blocks, count);
    talus_heap_trim(heap);
}

static void so_are_reserves_and_objects(void **state)
{
    (void)state;
    talus_heap           *heap = talus_heap_default();
    talus_reserve_stats_t stats;
    atomic = true;
    talus_reserve      *reserve = talus_reserve_create(heap, 100, 0, 8, 4, NULL, NULL);
    talus_object_cache *cache =
        talus_object_cache_create(heap, &(talus_object_type){ .size = 100 });
    assert_non_null(reserve);
    assert_non_null(cache);
    void *taken[8];
    for (size_t i = 0; i < 8; i++)
        taken[i] = talus_reserve_take(reserve);
    size_t count = take_all(heap, blocks, 100); /* whose slow exits refilled the reserve */
    assert_true(count > 0 && count < BLOCKS);
    void *more[8];
    for (size_t i = 0; i < 8; i++)
        assert_non_null(more[i] = talus_reserve_take(reserve));
    assert_false(talus_reserve_refill(reserve));
    assert_false(talus_reserve_prepare(reserve, 8));
    assert_null(talus_object_cache_alloc(cache));
    give_all(heap, blocks, count);
    assert_true(talus_reserve_prepare(reserve, 8));
    talus_reserve_stats(reserve, &stats);
    assert_int_equal(stats.available, 8);
    void *object = talus_object_cache_alloc(cache);
    assert_non_null(object);
    talus_object_cache_free(cache, object);
    assert_int_equal(talus_object_cache_shrink(cache), 1);
    for (size_t i = 0; i < 8; i++) {
        talus_free(taken[i]);
        talus_free(more[i]);
    }
    atomic = false;
    assert_true(talus_reserve_destroy(reserve));
    assert_true(talus_object_cache_destroy(cache));
}

/* A provider that could do everything. */
static void *map_more(void *context, size_t bytes)
{
    (void)context;
    may_be_called("map of another provider");
    void *block = arena_take(bytes);
    return block != NULL ? memset(block, 0, bytes) : NULL;
}

static void unmap_more(void *context, void *block, size_t bytes)
{
    (void)context;
    may_be_called("unmap of another provider");
    arena_give(block, bytes);
}

static bool purge_more(void *context, void *pages, size_t bytes)
{
    (void)context;
    may_be_called("purge");
    memset(pages, 0, bytes);
    return true;
}

/* A kernel copies. */
static bool move_more(void *context, void *from, void *to, size_t bytes)
{
    (void)context;
    (void)from;
    (void)to;
    (void)bytes;
    fail_now("move");
    return false;
}

static unsigned asked;

static bool give_one(void *context, talus_heap *heap, size_t bytes)
{
    (void)bytes;
    asked++;
    talus_heap_free(heap, *(void **)context);
    *(void **)context = NULL;
    return true;
}

static void *held; /* what the heap's owner can give back */

static talus_heap *heap_of_another_provider(void)
{
    static const talus_provider provider = {
        .map = map_more, .unmap = unmap_more, .purge = purge_more, .move = move_more, .zeroed = true
    };
    talus_heap *heap = talus_heap_create(&(talus_heap_options){ .provider = &provider,
                                                                .initial = 2048 * KIB,
                                                                .growth = 64 * KIB,
                                                                .decay_ms = 1,
                                                                .on_exhausted = give_one,
                                                                .on_exhausted_context = &held });
    assert_non_null(heap);
    return heap;
}

/* The owner is asked all the same. */
static void no_function_of_another_provider_is_called(void **state)
{
    (void)state;
    talus_heap *heap = heap_of_another_provider();
    atomic = true;
    char *block = talus_heap_alloc(heap, 200 * KIB, 0, NULL);
    void *wall = talus_heap_alloc(heap, 200 * KIB, 0, NULL);
    memset(block, 7, 200 * KIB);
    block = talus_heap_realloc(heap, block, 600 * KIB, NULL);
    assert_non_null(block);
    assert_int_equal(block[200 * KIB - 1], 7);
    talus_heap_free(heap, block);
    talus_heap_free(heap, wall);
    for (size_t bytes = 40; bytes <= 100 * KIB; bytes *= 3)
        give_all(heap, blocks, take_all(heap, blocks, bytes));
    held = talus_heap_alloc(heap, 300 * KIB, 0, NULL);
    size_t count = take_all(heap, blocks, 10 * KIB);
    assert_true(asked > 0);
    assert_null(held);
    give_all(heap, blocks, count);
    talus_heap_stats_t stats;
    talus_heap_stats(heap, &stats);
    talus_heap_set_limit(heap, 4096 * KIB);
    assert_true(talus_heap_expand(heap, second, sizeof second));
    assert_int_equal(talus_heap_trim(heap), 0); /* what gives back waits for who may block */
    assert_int_equal(talus_heap_contract(heap, 0), 0);
    assert_int_equal(talus_heap_shrink(heap, 1000), 0);
    assert_true(talus_heap_drain(heap, second, true));
    talus_heap_free(heap, talus_heap_alloc(heap, 40, 0, NULL)); /* the CPU handed its cache on */
    talus_heap_dump(heap, NULL, NULL);
    assert_non_null(strstr(said, "  cache 0, 0x"));
    atomic = false;
    assert_true(talus_heap_trim(heap) > 0);
    assert_true(talus_heap_destroy(heap));
}

static void *grow(void *unused)
{
    (void)unused;
    cpu = 1;
    void *block = talus_malloc(300 * KIB);
    if (block == NULL)
        fail_now("no memory for who may block");
    talus_free(block);
    return NULL;
}

static void *create_heaps(void *unused)
{
    talus_heap *heaps[100];
    size_t      count = 0;
    (void)unused;
    cpu = 1;
    while (count < 100 && (heaps[count] = talus_heap_create(NULL)) != NULL)
        count++;
    if (count == 0)
        fail_now("no heap for who may block");
    while (count > 0)
        talus_heap_destroy(heaps[--count]);
    return NULL;
}

/* The other thread sits in the provider; what it holds there nobody waits for. */
static void beside(void *(*other)(void *))
{
    pthread_t thread;
    atomic = true;
    size_t most = take_all(talus_heap_default(), blocks, 64);
    map_waits = true;
    assert_int_equal(pthread_create(&thread, NULL, other, NULL), 0);
    sem_wait(&in_map);
    map_waits = false;
    assert_null(talus_malloc(300 * KIB));
    assert_null(talus_malloc(64));
    give_all(talus_heap_default(), blocks, most / 2);
    for (size_t bytes = 40; bytes <= 4 * KIB; bytes *= 3) {
        size_t count = take_all(talus_heap_default(), blocks + most, bytes);
        assert_true(count > 0);
        give_all(talus_heap_default(), blocks + most, count);
    }
    atomic = false;
    sem_post(&may_go_on);
    pthread_join(thread, NULL);
    for (size_t i = most / 2; i < most; i++)
        talus_free(blocks[i]);
}

static void nobody_waits_for_a_growth(void **state)
{
    (void)state;
    beside(grow);
}

static void nobody_waits_for_memory_for_structures(void **state)
{
    (void)state;
    beside(create_heaps);
}

int main(int count, char **arguments)
{
    lies = count > 1 && strcmp(arguments[1], "lies") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_served_from_what_is_there),
        cmocka_unit_test(so_are_reserves_and_objects),
        cmocka_unit_test(no_function_of_another_provider_is_called),
        cmocka_unit_test(nobody_waits_for_a_growth),
        cmocka_unit_test(nobody_waits_for_memory_for_structures),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
