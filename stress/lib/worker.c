/* worker.c: the table of workers. An entry is reused by the next thread with that number, never by
 * two at once. */
#include "stress/lib/worker.h"

#include "stress/lib/host.h"

static struct st_worker workers[ST_WORKERS_MAX + 1];

struct st_worker *st_worker_get(unsigned id)
{
    return id >= 1 && id <= ST_WORKERS_MAX ? &workers[id] : NULL;
}

struct st_worker *st_worker_enter(unsigned id, const struct st_target *target, uint64_t seed)
{
    struct st_worker *worker = &workers[id];

    if (st_host_self() == worker)
        return worker;
    worker->id = id;
    worker->target = target;
    worker->rng.state = st_mix(seed + UINT64_C(0x100000001) * id);
    worker->team = NULL;
    worker->may_fail = false;
    worker->frees_all = false;
    atomic_store_explicit(&worker->inside, false, memory_order_relaxed);
    st_host_enter(worker);
    return worker;
}

void st_worker_leave(struct st_worker *worker)
{
    st_host_leave(worker);
}

/* The struct holds counts only, so that it can be walked as an array of them. */
#define COUNTS (sizeof(struct st_counts) / sizeof(struct st_count))

static struct st_count *count(struct st_counts *counts, size_t i)
{
    return (struct st_count *)counts + i;
}

void st_counts_total(struct st_counts *total)
{
    for (size_t c = 0; c < COUNTS; c++) {
        uint64_t sum = 0;
        for (unsigned id = 1; id <= ST_WORKERS_MAX; id++)
            sum += st_count_read(count(&workers[id].counts, c));
        st_count_set(count(total, c), sum);
    }
}

void st_counts_clear(void)
{
    for (unsigned id = 1; id <= ST_WORKERS_MAX; id++)
        for (size_t c = 0; c < COUNTS; c++)
            st_count_set(count(&workers[id].counts, c), 0);
}
