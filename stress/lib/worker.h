/* worker.h: one thread of a suite: its number, its random stream, its counters, its last
 * operations. */
#ifndef STRESS_LIB_WORKER_H
#define STRESS_LIB_WORKER_H

#include "stress/lib/rng.h"

#include <stdatomic.h>

/* Workers are numbered from 1. A suite's team takes the first numbers; short-lived children and the
 * main thread the last. */
#ifndef ST_TEAM_MAX
#define ST_TEAM_MAX     128u
#define ST_CHILDREN_MAX 256u
#endif
#define ST_WORKERS_MAX  (ST_TEAM_MAX + ST_CHILDREN_MAX + 1u)
#define ST_WORKER_MAIN  ST_WORKERS_MAX
#define ST_TRACE_LENGTH 32u

enum st_operation {
    ST_ALLOC = 1,
    ST_ZALLOC,
    ST_ALIGNED,
    ST_RESIZE,
    ST_RESIZED,
    ST_FREE,
    ST_FAILED,
    ST_LEFT /* to the end of its heap */
};

/* A count in two halves: not every CPU has atomics of 8 bytes. Written by the worker alone (relaxed
 * load and store), read by anyone at any time; who reads while a carry is under way may be off by
 * it. */
struct st_count {
    _Atomic uint32_t low;
    _Atomic uint32_t high;
};

/* What a suite counts. */
struct st_counts {
    struct st_count operations;  /* calls of the heap */
    struct st_count blocks;      /* blocks received */
    struct st_count remote;      /* blocks freed that another worker had allocated */
    struct st_count refused;     /* NULL with ENOMEM, where the suite allows it */
    struct st_count threads;     /* threads started */
    struct st_count preemptions; /* timer signals delivered */
    struct st_count inside;      /* of these, while the worker was inside of the heap */
    struct st_count yields;      /* switches at marked points inside of the heap */
};

struct st_trace {
    _Atomic uintptr_t address;
    _Atomic size_t    size;
    _Atomic uint32_t  operation; /* enum st_operation */
};

struct st_target;
struct st_team;

struct st_worker {
    unsigned                id;    /* constant: 1 .. ST_WORKERS_MAX */
    unsigned                index; /* within its team; constant while the team runs */
    const struct st_target *target;
    struct st_team         *team;      /* NULL: none */
    struct st_rng           rng;       /* the worker */
    bool                    may_fail;  /* NULL for want of memory is an answer, not a failure */
    bool                    frees_all; /* the worker: nothing is left to handlers (handlers.c) */
    uint32_t                accounted; /* the worker: operations its team knows of (team.c) */
    _Atomic bool            inside;    /* the worker, read by its handlers */
    struct st_counts        counts;
    _Atomic uint32_t        traced; /* the worker: operations noted so far */
    struct st_trace         trace[ST_TRACE_LENGTH];
};

struct st_worker *st_worker_get(unsigned id);

/* Makes the calling thread worker `id`, as the host has it (host.h). Leave before the thread ends;
 * its exit destructors may enter again to find themselves. */
struct st_worker *st_worker_enter(unsigned id, const struct st_target *target, uint64_t seed);
void              st_worker_leave(struct st_worker *worker);

/* Counters of all workers, added up; and back to 0 (no worker runs). */
void st_counts_total(struct st_counts *total);
void st_counts_clear(void);

static inline uint64_t st_count_read(struct st_count *count)
{
    return (uint64_t)atomic_load_explicit(&count->high, memory_order_relaxed) << 32 |
           atomic_load_explicit(&count->low, memory_order_relaxed);
}

static inline void st_count_set(struct st_count *count, uint64_t n)
{
    atomic_store_explicit(&count->high, (uint32_t)(n >> 32), memory_order_relaxed);
    atomic_store_explicit(&count->low, (uint32_t)n, memory_order_relaxed);
}

static inline void st_count_add(struct st_count *count, uint64_t n)
{
    st_count_set(count, st_count_read(count) + n);
}

static inline void st_trace(struct st_worker *worker, enum st_operation operation,
                            const void *block, size_t size)
{
    uint32_t         n = atomic_load_explicit(&worker->traced, memory_order_relaxed);
    struct st_trace *entry = &worker->trace[n % ST_TRACE_LENGTH];
    atomic_store_explicit(&entry->address, (uintptr_t)block, memory_order_relaxed);
    atomic_store_explicit(&entry->size, size, memory_order_relaxed);
    atomic_store_explicit(&entry->operation, (uint32_t)operation, memory_order_relaxed);
    atomic_store_explicit(&worker->traced, n + 1, memory_order_relaxed);
}

#endif
