/* metrics_load.c: talus-metrics-load does what `talus metrics` measures, under whatever malloc is
 * in front of it.
 *     talus-metrics-load MODE
 * 1 Lines       "figure KEY NUMBER" for each figure, then "malloc PATH", the object that malloc
 *               came from.
 * 2 Memory      Growth is of Rss in /proc/self/smaps_rollup, which is exact. The harness takes its
 *               arrays from mmap and writes to them before it looks for the first time; it is
 *               linked to little, since mode floor shows a small program.
 * 3 Time        CLOCK_MONOTONIC around whole batches of calls; what is printed is the median of
 *               GROUPS groups of batches, so that a moment of other programs falls out.
 * 4 Contexts    thread */
#define _GNU_SOURCE
#include "talus/heap.h"
#include "tools/talus/load/load.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define GROUPS     21u
#define BATCH_MAX  100u
#define BLOCKS     1000000u
#define THREADS    100u
#define STACK_WARM 16384u /* what a thread has touched of its stack before it counts as idle */

static void figure(const char *key, double number)
{
    printf("figure %s %.6g\n", key, number);
}

static double rss_kib(void)
{
    return (double)tl_load_proc_kib("/proc/self/smaps_rollup", "Rss:");
}

/* Memory of the harness, all of it resident. */
static void *resident(size_t bytes)
{
    void *memory = tl_load_map(bytes);
    memset(memory, 0xff, bytes);
    return memory;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double groups[GROUPS])
{
    qsort(groups, GROUPS, sizeof groups[0], compare); /* GROUPS of 8 bytes: sorts in place */
    return groups[GROUPS / 2];
}

/* --- speed ------------------------------------------------------------------------------------ */

/* `batch` allocations, then, when all were written to, as many frees. */
static void speed_of(const char *name, size_t size, unsigned batch, unsigned batches)
{
    double malloc_ns[GROUPS], free_ns[GROUPS];
    void  *blocks[BATCH_MAX];
    char   key[48];
    for (unsigned g = 0; g < GROUPS; g++) {
        uint64_t taking = 0, giving = 0;
        for (unsigned n = 0; n < batches; n++) {
            uint64_t start = tl_load_now();
            for (unsigned i = 0; i < batch; i++)
                blocks[i] = malloc(size);
            uint64_t taken = tl_load_now();
            for (unsigned i = 0; i < batch; i++) {
                if (blocks[i] == NULL)
                    tl_load_die(3, "malloc returned NULL");
                tl_load_touch(blocks[i], size);
            }
            uint64_t touched = tl_load_now();
            for (unsigned i = 0; i < batch; i++)
                free(blocks[i]);
            giving += tl_load_now() - touched;
            taking += taken - start;
        }
        malloc_ns[g] = (double)taking / batches / batch;
        free_ns[g] = (double)giving / batches / batch;
    }
    snprintf(key, sizeof key, "malloc_%s_ns", name);
    figure(key, median(malloc_ns));
    snprintf(key, sizeof key, "free_%s_ns", name);
    figure(key, median(free_ns));
}

static void run_speed(void)
{
    speed_of("small", 64, 100, 200);
    speed_of("large", 256u << 10, 8, 25);
}

/* --- memory ----------------------------------------------------------------------------------- */

static void run_nothing(void)
{
    double rss = rss_kib();
    double private_kib = (double)tl_load_proc_kib("/proc/self/smaps_rollup", "Anonymous:");
    figure("nothing_kib", rss);
    figure("nothing_private_kib", private_kib);
}

/* What talus itself says that it holds outside of the program's pages. Says nothing under others.
 * */
static void print_own_metadata(void)
{
    talus_heap_stats_t stats;
    talus_heap *(*heap_default)(void) = NULL;
    void (*heap_stats)(talus_heap * heap, talus_heap_stats_t * to) = NULL;
    *(void **)&heap_default = dlsym(RTLD_DEFAULT, "talus_heap_default");
    *(void **)&heap_stats = dlsym(RTLD_DEFAULT, "talus_heap_stats");
    if (heap_default == NULL || heap_stats == NULL)
        return;
    heap_stats(heap_default(), &stats);
    figure("own_metadata_kib", (double)stats.metadata / 1024);
}

static void run_floor(void)
{
    char *block = malloc(64);
    if (block == NULL)
        tl_load_die(3, "malloc returned NULL");
    block[0] = 1;
    double rss = rss_kib();
    double private_kib = (double)tl_load_proc_kib("/proc/self/smaps_rollup", "Anonymous:");
    figure("floor_kib", rss);
    figure("floor_private_kib", private_kib);
    print_own_metadata();
}

/* Resident bytes for each block besides its size, when all of them were written to. */
static double bytes_beside(size_t size, unsigned count, void **blocks)
{
    double before = rss_kib();
    for (unsigned i = 0; i < count; i++)
        blocks[i] = tl_load_take(size);
    double growth = (rss_kib() - before) * 1024;
    return growth / count - (double)size;
}

static void run_blocks_64(void)
{
    figure("block_64_bytes", bytes_beside(64, BLOCKS, resident(BLOCKS * sizeof(void *))));
}

static void run_blocks_100(void)
{
    figure("block_100_bytes", bytes_beside(100, BLOCKS, resident(BLOCKS * sizeof(void *))));
}

/* --- threads ---------------------------------------------------------------------------------- */

static pthread_barrier_t created, allocate, allocated, end;

static void *idle_main(void *argument)
{
    volatile char stack[STACK_WARM];
    for (size_t at = 0; at < sizeof stack; at += 1024)
        stack[at] = 1;
    pthread_barrier_wait(&created);
    pthread_barrier_wait(&allocate);
    *(void **)argument = tl_load_take(64);
    pthread_barrier_wait(&allocated);
    pthread_barrier_wait(&end);
    return NULL;
}

/* THREADS threads sleep; then each allocates one block and sleeps again. */
static void run_idle_threads(void)
{
    static pthread_t         threads[THREADS];
    static void             *blocks[THREADS];
    pthread_barrier_t *const barriers[] = { &created, &allocate, &allocated, &end };
    for (unsigned i = 0; i < 4; i++)
        pthread_barrier_init(barriers[i], NULL, THREADS + 1);
    for (unsigned i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, idle_main, &blocks[i]) != 0)
            tl_load_die(5, "cannot start a thread");
    }
    pthread_barrier_wait(&created);
    double before = rss_kib();
    pthread_barrier_wait(&allocate);
    pthread_barrier_wait(&allocated);
    double after = rss_kib();
    pthread_barrier_wait(&end);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    figure("idle_thread_kib", (after - before) / THREADS);
}

static void *spawned_main(void *argument)
{
    tl_load_give(tl_load_take(64));
    return argument;
}

/* One thread after the other is created, allocates and frees once, and ends. */
static void run_spawn(void)
{
    double    groups[GROUPS];
    pthread_t thread;
    for (unsigned g = 0; g < GROUPS; g++) {
        uint64_t start = tl_load_now();
        for (unsigned i = 0; i < 50; i++) {
            if (pthread_create(&thread, NULL, spawned_main, NULL) != 0)
                tl_load_die(5, "cannot start a thread");
            pthread_join(thread, NULL);
        }
        groups[g] = (double)(tl_load_now() - start) / 50 / 1000;
    }
    figure("thread_us", median(groups));
}

/* --- fragmentation ---------------------------------------------------------------------------- */

#define LIVE_BYTES ((size_t)32 << 20)
#define POINTS     10u
#define SIZE_MIN   32u
#define PAUSES     50u

/* About LIVE_BYTES are live all the time: what is allocated takes the place of blocks chosen at
 * random. Sizes drift: from 32..256 bytes up to 2..16 KiB in the first half of the points, and back
 * in the second; until each point twice LIVE_BYTES are allocated, in PAUSES parts with a rest after
 * each, so that there is time to give memory back. Prints at each point the resident growth as a
 * multiple of what is live. */
static void run_fragmentation(void)
{
    struct block {
        void  *memory;
        size_t size;
    } *blocks = resident((LIVE_BYTES / SIZE_MIN + 1) * sizeof *blocks);
    size_t        count = 0, live = 0, rested = 0;
    struct tl_rng rng = { 12345 };
    double        before = rss_kib();
    for (unsigned point = 0; point < POINTS; point++) {
        unsigned step = point < POINTS / 2 ? point : POINTS - 1 - point;
        for (size_t turned = rested = 0; turned < 2 * LIVE_BYTES;) {
            unsigned doublings = step * 6 / (POINTS / 2 - 1) + tl_rng_below(&rng, 3);
            size_t   size = (size_t)SIZE_MIN << doublings;
            size += tl_rng_below(&rng, (uint32_t)size);
            while (live + size > LIVE_BYTES) {
                size_t gone = tl_rng_below(&rng, (uint32_t)count);
                live -= blocks[gone].size;
                tl_load_give(blocks[gone].memory);
                blocks[gone] = blocks[--count];
            }
            blocks[count++] = (struct block){ tl_load_take(size), size };
            live += size;
            turned += size;
            if (turned >= rested) {
                rested += 2 * LIVE_BYTES / PAUSES;
                nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
            }
        }
        char key[32];
        snprintf(key, sizeof key, "fragmentation_%u", point + 1);
        double growth = (rss_kib() - before) * 1024;
        figure(key, growth / (double)live);
    }
}

static const struct mode {
    const char *name;
    void (*run)(void);
} modes[] = {
    { "speed", run_speed },           { "nothing", run_nothing },
    { "floor", run_floor },           { "blocks-64", run_blocks_64 },
    { "blocks-100", run_blocks_100 }, { "idle-threads", run_idle_threads },
    { "spawn", run_spawn },           { "fragmentation", run_fragmentation },
};

int main(int argc, char **argv)
{
    rss_kib(); /* the reader's own buffer is resident from here on */
    for (size_t i = 0; argc == 2 && i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(modes[i].name, argv[1]) == 0) {
            modes[i].run();
            printf("malloc %s\n", tl_load_malloc_object());
            return 0;
        }
    }
    fputs("usage: talus-metrics-load MODE (by talus metrics)\n", stderr);
    return 2;
}
