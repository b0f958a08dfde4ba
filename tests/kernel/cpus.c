/* cpus.c: more threads than CPUs in a kernel's heap: a thread that is not pinned may be anywhere
 * the next moment, and nobody else is on a CPU while one is pinned there (R30, R31, D8). First
 * blocks of all sizes, then objects of one cache.
 *
 * A CPU is a lock that a pinned thread holds; which one it gets is drawn anew at each pin. So
 * whatever the heap keeps of a CPU beyond the pin is used by two threads at once, which the
 * patterns in the blocks, and ThreadSanitizer, see. With "unpinned" as argument pins exclude
 * nobody: the seeded bug, which must be found. With "objects" only these, and for long: for the
 * build with a bug there. With "short" there is too little memory, so that all take what others
 * were sent home and did not take in. With "owner" another thread gives the heap blocks, marks them
 * and others to drain, contracts and shrinks it all the while. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/atomic.h"
#include "kernel/arena.h"
#include "kernel/owner.h"
#include "lib/object_load.h"
#include "lib/pattern.h"
#include "lib/rng.h"
#include <talus/port.h>

enum {
    CPUS = 3,
    THREADS = 8,
    ROUNDS = 60000,
    LONG = 60,
    HELD = 200,
    SHARED = 64,
    SHORT_BYTES = 4 << 20
};

static pthread_mutex_t cpus[CPUS];
static bool            unpinned, objects_alone, is_short, has_owner;
static tl_atomic_word  refused; /* atomic: allocations, of all threads */

static _Thread_local unsigned   depth, here;
static _Thread_local struct rng rng;

static void fail(const char *what)
{
    fprintf(stderr, "cpus: %s\n", what);
    _Exit(1);
}

void talus_port_panic(const char *line)
{
    fail(line);
    abort();
}

unsigned talus_port_pin(void)
{
    if (depth++ == 0) {
        here = (unsigned)(rng_next(&rng) % CPUS);
        if (!unpinned)
            pthread_mutex_lock(&cpus[here]);
    }
    return here;
}

void talus_port_unpin(void)
{
    if (--depth == 0 && !unpinned)
        pthread_mutex_unlock(&cpus[here]);
}

/* Whoever asks may be on another one by the time it looks. */
unsigned talus_port_cpu(void)
{
    return depth != 0 ? here : (unsigned)(rng_next(&rng) % CPUS);
}

/* The holder is a thread that may have lost its real CPU. */
void talus_port_relax(void)
{
    sched_yield();
}

void talus_port_write(const char *text, size_t length)
{
    if (!has_owner) /* who marks what he may not, and is told */
        fprintf(stderr, "%.*s", (int)length, text);
}

void *talus_port_map(size_t bytes)
{
    if (depth != 0)
        fail("the port is asked for memory by a pinned thread");
    return arena_take(bytes);
}

void talus_port_unmap(void *block, size_t bytes)
{
    if (depth != 0)
        fail("the port is given memory by a pinned thread");
    arena_give(block, bytes);
}

uint64_t talus_port_now_ms(void)
{
    static _Thread_local uint64_t calls;
    return calls++; /* time passes quickly, differently for each */
}

struct held {
    void    *block;
    size_t   bytes;
    uint64_t key;
};

static struct held     shared[SHARED]; /* shared_lock */
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;

static void put(struct held *held)
{
    if (held->block == NULL)
        return;
    if (!pattern_holds(held->block, held->bytes, held->key))
        fail("a block was written by somebody else");
    talus_free(held->block);
    held->block = NULL;
}

static size_t some_size(void)
{
    uint64_t draw = rng_next(&rng);
    switch (draw % 64) {
    case 0:
        return 1 + draw / 64 % 200000;
    case 1:
    case 2:
        return 1 + draw / 64 % 20000;
    default:
        return 1 + draw / 64 % 600;
    }
}

static void take(struct held *held)
{
    held->bytes = some_size();
    held->key = rng_next(&rng);
    held->block = talus_malloc(held->bytes);
    if (held->block == NULL) {
        if (!is_short)
            fail("no memory");
        tl_add_relaxed(&refused, 1);
        return;
    }
    pattern_fill(held->block, held->bytes, held->key);
}

/* Blocks change hands: this thread frees what another one took. */
static void swap_with_others(struct held *held)
{
    pthread_mutex_lock(&shared_lock);
    struct held *other = &shared[rng_next(&rng) % SHARED];
    struct held  mine = *held;
    *held = *other;
    *other = mine;
    pthread_mutex_unlock(&shared_lock);
}

/* The owner may get its CPU late. */
static bool goes_on(unsigned round)
{
    if (!has_owner)
        return round < ROUNDS;
    return round < ROUNDS / 3 || (round < 100 * ROUNDS && !owner_did_enough());
}

static void *work(void *number)
{
    static _Thread_local struct held held[HELD];
    rng = (struct rng){ (uint64_t)(uintptr_t)number + 1 };
    for (unsigned round = 0; goes_on(round); round++) {
        struct held *one = &held[rng_next(&rng) % HELD];
        put(one);
        if (rng_next(&rng) % 8 != 0)
            take(one);
        if (rng_next(&rng) % 4 == 0)
            swap_with_others(one);
    }
    for (unsigned i = 0; i < HELD; i++)
        put(&held[i]);
    return NULL;
}

bool owner_is_pinned(void)
{
    return depth != 0;
}

static void *work_as_owner(void *unused)
{
    (void)unused;
    rng = (struct rng){ 1000 };
    owner_work(talus_heap_default(), 1001);
    return NULL;
}

static talus_object_cache *objects;

void object_load_failed(const char *what)
{
    fail(what);
}

static bool construct(void *context, void *object)
{
    if (depth != 0)
        fail("a constructor is called by a pinned thread");
    return object_load_type.construct(context, object);
}

static void destruct(void *context, void *object)
{
    if (depth != 0)
        fail("a destructor is called by a pinned thread");
    object_load_type.destruct(context, object);
}

static void *work_with_objects(void *number)
{
    rng = (struct rng){ (uint64_t)(uintptr_t)number + 1 };
    object_load(objects, (uintptr_t)number + 1, objects_alone ? LONG * ROUNDS : ROUNDS);
    return NULL;
}

static void run(void *(*each)(void *number))
{
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, each, (void *)i) != 0)
            fail("no thread");
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void run_with_objects(void)
{
    talus_object_stats_t stats;
    talus_object_type    type = object_load_type;
    type.construct = construct;
    type.destruct = destruct;
    objects = talus_object_cache_create(talus_heap_default(), &type);
    if (objects == NULL)
        fail("no cache of objects");
    run(work_with_objects);
    talus_object_cache_stats(objects, &stats);
    printf("cpus: %zu objects constructed, %zu destructed, %zu kept\n", stats.constructed,
           stats.destructed, stats.kept);
    if (stats.constructed - stats.destructed != stats.kept || !talus_object_cache_destroy(objects))
        fail("objects were lost");
    if (stats.destructed == 0)
        fail("no pressure: no object went back");
}

int main(int count, char **arguments)
{
    static char first[1 << 20];
    alarm(90); /* lists in a circle end no loop */
    unpinned = count > 1 && strcmp(arguments[1], "unpinned") == 0;
    objects_alone = count > 1 && strcmp(arguments[1], "objects") == 0;
    is_short = count > 1 && strcmp(arguments[1], "short") == 0;
    has_owner = count > 1 && strcmp(arguments[1], "owner") == 0;
    rng = (struct rng){ 1 };
    for (unsigned i = 0; i < CPUS; i++)
        pthread_mutex_init(&cpus[i], NULL);
    talus_kernel_options options = { .block = first,
                                     .bytes = sizeof first,
                                     .cpus = CPUS,
                                     .window = 2 * ARENA_BYTES,
                                     .heap = { .decay_ms = 100 } };
    pthread_t            owner;
    if (has_owner)
        owner_options(&options.heap);
    if (!talus_kernel_start(&options))
        fail("it does not start");
    if (has_owner && pthread_create(&owner, NULL, work_as_owner, NULL) != 0)
        fail("no thread");
    if (is_short)
        talus_heap_set_limit(talus_heap_default(), SHORT_BYTES);
    if (!objects_alone)
        run(work);
    talus_heap_set_limit(talus_heap_default(), SIZE_MAX);
    for (unsigned i = 0; i < SHARED; i++)
        put(&shared[i]);
    if (!has_owner)
        run_with_objects();
    else {
        owner_stop();
        pthread_join(owner, NULL);
        owner_ends(talus_heap_default());
    }

    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        talus_kernel_cpu_gone(cpu);
    talus_heap_trim(talus_heap_default());
    const char *problem = has_owner ? owner_problem() : NULL;
    if (problem != NULL)
        fail(problem);
    talus_heap_stats_t stats;
    talus_heap_stats(talus_heap_default(), &stats);
    printf("cpus: %u threads on %u cpus, %u rounds each; %zu bytes mapped at most, %llu batches, "
           "%llu maps, %llu unmaps, %llu refused\n",
           (unsigned)THREADS, (unsigned)CPUS, (unsigned)ROUNDS, stats.mapped_peak,
           (unsigned long long)stats.remote_batches, (unsigned long long)stats.provider_maps,
           (unsigned long long)stats.provider_unmaps,
           (unsigned long long)tl_load_relaxed(&refused));
    if (stats.allocated != 0 || stats.free_pages != stats.mapped)
        fail("blocks were lost");
    if (is_short && tl_load_relaxed(&refused) == 0)
        fail("there was memory enough");
    if (!objects_alone && (stats.remote_batches == 0 || stats.provider_unmaps == 0))
        fail("no pressure: nothing came from another cpu, or nothing went back");
    return 0;
}
