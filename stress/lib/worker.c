/* worker.c: the table of workers. An entry is reused by the next thread with that number, never by
 * two at once. */
#include "stress/lib/worker.h"

#include "stress/lib/preempt.h"
#include "stress/lib/report.h"

static struct st_worker         workers[ST_WORKERS_MAX + 1];
_Thread_local struct st_worker *st_self;

struct st_worker *st_worker_get(unsigned id)
{
    return id >= 1 && id <= ST_WORKERS_MAX ? &workers[id] : NULL;
}

struct st_worker *st_worker_enter(unsigned id, const struct st_target *target, uint64_t seed)
{
    struct st_worker *worker = &workers[id];

    if (st_self == worker)
        return worker;
    worker->id = id;
    worker->target = target;
    worker->rng.state = st_mix(seed + UINT64_C(0x100000001) * id);
    worker->signal_rng.state = st_mix(worker->rng.state + 1);
    worker->yield_rng.state = st_mix(worker->rng.state + 2);
    worker->may_fail = false;
    worker->pin_seen = 0;
    atomic_store_explicit(&worker->inside, false, memory_order_relaxed);
    st_self = worker;
    st_report_thread_start(id);
    st_preempt_thread_start(worker);
    return worker;
}

void st_worker_leave(struct st_worker *worker)
{
    st_preempt_thread_stop(worker);
}

/* The struct holds counters only, so that it can be walked as an array of them. */
#define COUNTERS (sizeof(struct st_counts) / sizeof(_Atomic uint64_t))

static _Atomic uint64_t *counter(struct st_counts *counts, size_t i)
{
    return (_Atomic uint64_t *)counts + i;
}

void st_counts_total(struct st_counts *total)
{
    for (size_t c = 0; c < COUNTERS; c++) {
        uint64_t sum = 0;
        for (unsigned id = 1; id <= ST_WORKERS_MAX; id++)
            sum += st_count_read(counter(&workers[id].counts, c));
        atomic_store_explicit(counter(total, c), sum, memory_order_relaxed);
    }
}

void st_counts_clear(void)
{
    for (unsigned id = 1; id <= ST_WORKERS_MAX; id++)
        for (size_t c = 0; c < COUNTERS; c++)
            atomic_store_explicit(counter(&workers[id].counts, c), 0, memory_order_relaxed);
}
