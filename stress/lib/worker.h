/* worker.h: one thread of a suite: its number, its random stream, its counters, its last
 * operations. */
#ifndef STRESS_LIB_WORKER_H
#define STRESS_LIB_WORKER_H

#include "stress/lib/rng.h"

#include <signal.h>
#include <stdatomic.h>
#include <time.h>

/* Workers are numbered from 1. A suite's team takes the first numbers; short-lived children and the
 * main thread the last. */
#define ST_TEAM_MAX     128u
#define ST_CHILDREN_MAX 256u
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
    ST_FAILED
};

/* What a suite counts. Written by the worker alone (relaxed load and store), read by anyone at any
 * time. */
struct st_counts {
    _Atomic uint64_t operations;  /* calls of the heap */
    _Atomic uint64_t blocks;      /* blocks received */
    _Atomic uint64_t remote;      /* blocks freed that another worker had allocated */
    _Atomic uint64_t refused;     /* NULL with ENOMEM, where the suite allows it */
    _Atomic uint64_t threads;     /* threads started */
    _Atomic uint64_t preemptions; /* timer signals delivered */
    _Atomic uint64_t inside;      /* of these, while the worker was inside of the heap */
    _Atomic uint64_t overruns;    /* timer expirations beyond these */
    _Atomic uint64_t yields;      /* switches at marked points inside of the heap */
};

struct st_trace {
    _Atomic uintptr_t address;
    _Atomic uint64_t  what; /* operation << 56 | size */
};

struct st_target;
struct st_team;

struct st_worker {
    unsigned                id;    /* constant: 1 .. ST_WORKERS_MAX */
    unsigned                index; /* within its team; constant while the team runs */
    const struct st_target *target;
    struct st_team         *team;
    struct st_rng           rng;         /* the worker */
    struct st_rng           signal_rng;  /* the worker's timer handler */
    struct st_rng           yield_rng;   /* the worker, at marked points */
    bool                    may_fail;    /* NULL with ENOMEM is an answer, not a failure */
    unsigned                pin_seen;    /* the worker: phase of pinning it follows */
    timer_t                 timer;       /* the worker */
    bool                    timer_runs;  /* the worker */
    unsigned                exit_rounds; /* the worker: rounds of its exit destructors so far */
    _Atomic bool            inside;      /* the worker, read by its handler */
    struct st_counts        counts;
    _Atomic uint32_t        traced; /* the worker: operations noted so far */
    struct st_trace         trace[ST_TRACE_LENGTH];
};

extern _Thread_local struct st_worker *st_self; /* NULL in threads that are no workers */

struct st_worker *st_worker_get(unsigned id);

/* Makes the calling thread worker `id`: its timer starts, its crashes are reported. Leave before
 * the thread ends; preemption and reports go on into its exit destructors, which may enter again to
 * find themselves. */
struct st_worker *st_worker_enter(unsigned id, const struct st_target *target, uint64_t seed);
void              st_worker_leave(struct st_worker *worker);

/* Counters of all workers, added up; and back to 0 (no worker runs). */
void st_counts_total(struct st_counts *total);
void st_counts_clear(void);

static inline void st_count_add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static inline uint64_t st_count_read(_Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline void st_trace(struct st_worker *worker, enum st_operation operation,
                            const void *block, size_t size)
{
    uint32_t         n = atomic_load_explicit(&worker->traced, memory_order_relaxed);
    struct st_trace *entry = &worker->trace[n % ST_TRACE_LENGTH];
    atomic_store_explicit(&entry->address, (uintptr_t)block, memory_order_relaxed);
    atomic_store_explicit(&entry->what, (uint64_t)operation << 56 | size, memory_order_relaxed);
    atomic_store_explicit(&worker->traced, n + 1, memory_order_relaxed);
}

#endif
