/* threads.c: workloads in which threads work apart, swap blocks at random, or hand them over as
 * they die. Ordering: a block that crosses between threads goes through one exchange (acquire and
 * release) in `shared_slots`, or through pthread_create. */
#include "tools/talus/load/load.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

static uint32_t sizes[TL_SIZES_COUNT]; /* written before the threads start */

struct worker {
    const struct tl_load *load;
    uint32_t              index;
    uint64_t              ops;
};

static uint64_t run_workers(const struct tl_load *load, void *(*main_function)(void *))
{
    struct worker workers[TL_LOAD_THREADS_MAX];
    if (load->threads > TL_LOAD_THREADS_MAX)
        tl_load_die(5, "too many threads");
    tl_load_sizes(sizes, load);
    for (uint32_t i = 0; i < load->threads; i++)
        workers[i] = (struct worker){ load, i, tl_load_ops(load) / load->threads + 1 };
    return tl_load_threads(load->threads, main_function, workers, sizeof workers[0]);
}

/* Replaces random blocks of a working set, `ops` times. */
static void churn(void **slots, uint32_t n, uint64_t ops, struct tl_rng *rng)
{
    uint32_t cursor = tl_rng_next(rng);
    for (uint64_t i = 0; i < ops; i++) {
        uint32_t at = tl_rng_below(rng, n);
        if (slots[at] != NULL)
            tl_load_give(slots[at]);
        slots[at] = tl_load_take(sizes[cursor++ % TL_SIZES_COUNT]);
    }
}

static void give_all(void **slots, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (slots[i] != NULL)
            tl_load_give(slots[i]);
        slots[i] = NULL;
    }
}

static void *apart_main(void *argument)
{
    struct worker *self = argument;
    uint32_t       n = self->load->n;
    struct tl_rng  rng = { self->load->seed + self->index * 7919 };
    void         **slots = tl_load_map(n * sizeof *slots);
    tl_load_start_line();
    churn(slots, n, self->ops, &rng);
    give_all(slots, n);
    tl_load_unmap(slots, n * sizeof *slots);
    return NULL;
}

/* Every thread has a working set of n blocks of its own. */
void tl_run_apart(const struct tl_load *load, struct tl_load_result *result)
{
    result->ns = run_workers(load, apart_main);
    result->ops = tl_load_ops(load);
}

static void *_Atomic *shared_slots; /* exchanged by all workers */

static void *owners_main(void *argument)
{
    struct worker *self = argument;
    struct tl_rng  rng = { self->load->seed + self->index * 7919 };
    uint32_t       cursor = tl_rng_next(&rng);
    tl_load_start_line();
    for (uint64_t i = 0; i < self->ops; i++) {
        void    *block = tl_load_take(sizes[cursor++ % TL_SIZES_COUNT]);
        uint32_t at = tl_rng_below(&rng, self->load->n);
        block = atomic_exchange_explicit(&shared_slots[at], block, memory_order_acq_rel);
        if (block != NULL)
            tl_load_give(block);
    }
    return NULL;
}

/* All threads put blocks into one array of n slots and free what was there: any block may be freed
 * by any thread. */
void tl_run_owners(const struct tl_load *load, struct tl_load_result *result)
{
    shared_slots = tl_load_map(load->n * sizeof *shared_slots);
    result->ns = run_workers(load, owners_main);
    result->ops = tl_load_ops(load);
    for (uint32_t i = 0; i < load->n; i++) {
        void *block = atomic_load_explicit(&shared_slots[i],
                                           memory_order_relaxed); /* its threads were joined */
        if (block != NULL)
            tl_load_give(block);
    }
    tl_load_unmap(shared_slots, load->n * sizeof *shared_slots);
}

/* A line of threads, one at a time: each inherits the blocks of the one before, and starts the
 * next as it ends. */
struct lane {
    struct tl_rng rng;
    void        **slots;
    uint32_t      n;
    uint32_t      generations_left;
    uint64_t      ops; /* of each generation */
    sem_t         done;
};

static void *lane_main(void *argument)
{
    struct lane *lane = argument;
    pthread_t    next;
    churn(lane->slots, lane->n, lane->ops, &lane->rng);
    if (--lane->generations_left == 0) {
        sem_post(&lane->done);
        return NULL;
    }
    if (pthread_create(&next, NULL, lane_main, lane) != 0)
        tl_load_die(5, "cannot start a thread");
    pthread_detach(next);
    return NULL;
}

static void lanes_open(struct lane *lanes, const struct tl_load *load)
{
    if (load->threads > TL_LOAD_THREADS_MAX)
        tl_load_die(5, "too many threads");
    tl_load_sizes(sizes, load);
    for (uint32_t i = 0; i < load->threads; i++) {
        lanes[i] = (struct lane){ .rng = { load->seed + i },
                                  .n = load->n,
                                  .generations_left = load->peers };
        lanes[i].ops = tl_load_ops(load) / load->threads / load->peers + 1;
        lanes[i].slots = tl_load_map(load->n * sizeof(void *));
        sem_init(&lanes[i].done, 0, 0);
    }
}

/* Runs the lanes to their end, frees what they leave behind, and closes them. */
static void lanes_run(struct lane *lanes, const struct tl_load *load, struct tl_load_result *result)
{
    pthread_t first;
    uint64_t  start = tl_load_now();
    for (uint32_t i = 0; i < load->threads; i++) {
        if (pthread_create(&first, NULL, lane_main, &lanes[i]) != 0)
            tl_load_die(5, "cannot start a thread");
        pthread_detach(first);
    }
    for (uint32_t i = 0; i < load->threads; i++) {
        while (sem_wait(&lanes[i].done) != 0)
            continue; /* EINTR */
        give_all(lanes[i].slots, lanes[i].n);
    }
    result->ns = tl_load_now() - start;
    result->ops = lanes[0].ops * load->threads * load->peers;
    for (uint32_t i = 0; i < load->threads; i++)
        tl_load_unmap(lanes[i].slots, load->n * sizeof(void *));
}

/* `threads` lanes of `peers` generations, each with n blocks. */
void tl_run_handover(const struct tl_load *load, struct tl_load_result *result)
{
    struct lane lanes[TL_LOAD_THREADS_MAX];
    lanes_open(lanes, load);
    lanes_run(lanes, load, result);
}

/* The same, but the first generation finds its n blocks there: the main thread has allocated them,
 * dealing them out at random, so that neighbours in memory belong to different lanes. */
void tl_run_server(const struct tl_load *load, struct tl_load_result *result)
{
    struct lane   lanes[TL_LOAD_THREADS_MAX];
    uint32_t      dealt[TL_LOAD_THREADS_MAX] = { 0 };
    struct tl_rng rng = { load->seed };
    lanes_open(lanes, load);
    for (uint64_t i = 0; i < (uint64_t)load->n * load->threads; i++) {
        uint32_t to = tl_rng_below(&rng, load->threads);
        while (dealt[to] == load->n)
            to = (to + 1) % load->threads;
        lanes[to].slots[dealt[to]++] = tl_load_take(sizes[i % TL_SIZES_COUNT]);
    }
    lanes_run(lanes, load, result);
}

static void *spawn_main(void *argument)
{
    const struct tl_load *load = argument;
    tl_load_give(tl_load_take(load->n));
    return NULL;
}

/* A thread is created, allocates and frees one block of n bytes, and ends; then the next. */
void tl_run_spawn(const struct tl_load *load, struct tl_load_result *result)
{
    uint64_t ops = tl_load_ops(load);
    uint64_t start = tl_load_now();
    for (uint64_t i = 0; i < ops; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, spawn_main, (void *)load) != 0)
            tl_load_die(5, "cannot start a thread");
        pthread_join(thread, NULL);
    }
    result->ns = tl_load_now() - start;
    result->ops = ops;
}

#define HEIRLOOMS 10u /* blocks that a thread of spawn_busy leaves behind */

struct heir {
    struct tl_rng rng;
    uint32_t      ops;
    void         *slots[HEIRLOOMS]; /* the one thread that lives; threads are joined in between */
};

static void *heir_main(void *argument)
{
    struct heir *heir = argument;
    churn(heir->slots, HEIRLOOMS, heir->ops, &heir->rng);
    return NULL;
}

/* A thread is created, allocates n blocks, of which the last few stay for the next thread to free,
 * and ends; then the next. */
void tl_run_spawn_busy(const struct tl_load *load, struct tl_load_result *result)
{
    uint64_t    threads = tl_load_ops(load) / load->n + 1;
    struct heir heir = { .rng = { load->seed }, .ops = load->n };
    tl_load_sizes(sizes, load);
    uint64_t start = tl_load_now();
    for (uint64_t i = 0; i < threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, heir_main, &heir) != 0)
            tl_load_die(5, "cannot start a thread");
        pthread_join(thread, NULL);
    }
    give_all(heir.slots, HEIRLOOMS);
    result->ns = tl_load_now() - start;
    result->ops = threads * load->n;
}
