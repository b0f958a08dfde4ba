/* user_process.c: the kernel's library as a process's heap, by the port in docs/examples: more
 * threads than numbers, which come and go, and hand blocks to each other (R30, R31). */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <talus/port.h>

#include "lib/pattern.h"
#include "lib/rng.h"

bool user_heap_start(void);
void user_thread_ends(void);

enum { THREADS = TALUS_CPUS_MAX + 12, WAVES = 3, ROUNDS = 300, HELD = 60, SHARED = 200 };

struct held {
    void    *block;
    size_t   bytes;
    uint64_t key;
};

static struct held       shared[SHARED]; /* lock */
static pthread_mutex_t   lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t all_are_there;
static _Atomic(unsigned) numbers[TALUS_CPUS_MAX]; /* threads that had each */

static void fail(const char *what)
{
    fprintf(stderr, "user_process: %s\n", what);
    _Exit(1);
}

static void give_back(struct held *held)
{
    if (held->block != NULL && !pattern_holds(held->block, held->bytes, held->key))
        fail("a block was written by somebody else");
    talus_free(held->block);
    held->block = NULL;
}

static void take(struct held *held, struct rng *rng)
{
    *held = (struct held){ .bytes = rng_size(rng, 20000), .key = rng_next(rng) };
    held->block = talus_malloc(held->bytes);
    if (held->block == NULL)
        fail("no memory");
    pattern_fill(held->block, held->bytes, held->key);
}

static void swap_with_others(struct held *held, struct rng *rng)
{
    pthread_mutex_lock(&lock);
    struct held *other = &shared[rng_below(rng, SHARED)];
    struct held  mine = *held;
    *held = *other;
    *other = mine;
    pthread_mutex_unlock(&lock);
}

static void *work(void *seed)
{
    struct held held[HELD] = { { NULL, 0, 0 } };
    struct rng  rng = { (uintptr_t)seed };
    take(&held[0], &rng);
    pthread_barrier_wait(&all_are_there);
    numbers[talus_port_cpu()]++;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct held *one = &held[rng_below(&rng, HELD)];
        give_back(one);
        if (rng_below(&rng, 4) != 0)
            take(one, &rng);
        if (rng_below(&rng, 4) == 0)
            swap_with_others(one, &rng);
    }
    for (unsigned i = 0; i < HELD; i++)
        give_back(&held[i]);
    user_thread_ends();
    return NULL;
}

int main(void)
{
    talus_heap_stats_t stats;
    alarm(90);
    if (!user_heap_start())
        fail("it does not start");
    pthread_barrier_init(&all_are_there, NULL, THREADS);
    for (uintptr_t wave = 0; wave < WAVES; wave++) {
        pthread_t threads[THREADS];
        for (uintptr_t i = 0; i < THREADS; i++)
            if (pthread_create(&threads[i], NULL, work, (void *)(wave * THREADS + i + 1)) != 0)
                fail("no thread");
        for (unsigned i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
    }
    for (unsigned i = 0; i < SHARED; i++)
        give_back(&shared[i]);
    talus_kernel_cpu_gone(TALUS_CPUS_MAX - 1); /* the shared one: nobody is there now */
    talus_heap_trim(talus_heap_default());
    talus_heap_stats(talus_heap_default(), &stats);
    printf("user_process: %u waves of %u threads, %u at once with a number to themselves, %u with "
           "the last; %zu bytes mapped at most, %u caches, %llu taken over\n",
           (unsigned)WAVES, (unsigned)THREADS, TALUS_CPUS_MAX - 2,
           numbers[TALUS_CPUS_MAX - 1] / WAVES, stats.mapped_peak, stats.caches,
           (unsigned long long)stats.adoptions);
    if (stats.allocated != 0 || stats.free_pages != stats.mapped)
        fail("blocks were lost");
    if (stats.caches > TALUS_CPUS_MAX || stats.adoptions < TALUS_CPUS_MAX)
        fail("caches of threads that ended were not taken over");
    for (unsigned number = 1; number < TALUS_CPUS_MAX - 1; number++) /* 0 is the main thread's */
        if (numbers[number] != WAVES)
            fail("two threads had one number, or none had it");
    if (numbers[TALUS_CPUS_MAX - 1] != WAVES * (THREADS - TALUS_CPUS_MAX + 2))
        fail("the others did not share the last number");
    return 0;
}
