/* team.c: start, progress, watchdog, end. */
#include "stress/lib/team.h"

#include "stress/lib/preempt.h"
#include "stress/lib/report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define TICK_US          20000u
#define PHASE_SECONDS    0.25 /* how long one way of pinning lasts */
#define PROGRESS_SECONDS 2.0
#define STUCK_SECONDS \
    45.0 /* no operation by anybody for so long: far beyond what a busy machine explains */

struct seat {
    pthread_t       thread;
    struct st_team *team;
    unsigned        index;
};

double st_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

bool st_team_runs(struct st_worker *worker)
{
    st_preempt_follow(worker);
    return !atomic_load_explicit(&worker->team->stop, memory_order_relaxed);
}

static void *seat_main(void *argument)
{
    struct seat      *seat = argument;
    struct st_team   *team = seat->team;
    struct st_worker *worker = st_worker_enter(seat->index + 1, team->run->target, team->run->seed);

    st_count_add(&worker->counts.threads, 1);
    worker->index = seat->index;
    worker->team = team;
    worker->may_fail = team->may_fail;
    pthread_barrier_wait(&team->start);
    team->body(worker, team->shared);
    st_worker_leave(worker);
    return NULL;
}

struct watch {
    double   begin;
    double   last_progress;
    double   last_move;
    double   last_phase;
    uint64_t operations;
};

static void watch_tick(struct watch *watch, const struct st_team *team, double seconds)
{
    struct st_counts total;
    double           now = st_now();

    st_counts_total(&total);
    uint64_t operations = st_count_read(&total.operations);
    if (operations != watch->operations) {
        watch->operations = operations;
        watch->last_move = now;
    }
    if (now - watch->last_move > STUCK_SECONDS)
        st_fail("stuck", "  no operation finished for %.0f s", now - watch->last_move);
    if (now - watch->last_phase > PHASE_SECONDS) {
        watch->last_phase = now;
        st_preempt_next_phase();
    }
    if (now - watch->last_progress > PROGRESS_SECONDS) {
        watch->last_progress = now;
        st_say("  %s%s%s: %.0f of %.0f s, %" PRIu64 " operations, %" PRIu64 " blocks, %" PRIu64
               " remote, %" PRIu64 " preemptions",
               team->run->suite, team->part != NULL ? ", " : "",
               team->part != NULL ? team->part : "", now - watch->begin, seconds, operations,
               st_count_read(&total.blocks), st_count_read(&total.remote),
               st_count_read(&total.preemptions));
    }
}

static void join(pthread_t thread)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += (time_t)STUCK_SECONDS;
    int error = pthread_timedjoin_np(thread, NULL, &deadline);
    if (error != 0)
        st_fail("stuck", "  a worker did not come to its end: %s", strerror(error));
}

void st_team_run(struct st_team *team, unsigned size, double seconds)
{
    struct seat  seats[ST_TEAM_MAX];
    double       now = st_now();
    struct watch watch = { now, now, now, now, 0 };

    team->size = size;
    atomic_store_explicit(&team->stop, false, memory_order_relaxed);
    pthread_barrier_init(&team->start, NULL, size + 1);
    for (unsigned i = 0; i < size; i++) {
        seats[i] = (struct seat){ .team = team, .index = i };
        int error = pthread_create(&seats[i].thread, NULL, seat_main, &seats[i]);
        if (error != 0)
            st_fail("setup", "  pthread_create: %s", strerror(error));
    }
    pthread_barrier_wait(&team->start);
    while (st_now() - watch.begin < seconds) {
        usleep(TICK_US);
        watch_tick(&watch, team, seconds);
    }
    atomic_store_explicit(&team->stop, true, memory_order_relaxed);
    for (unsigned i = 0; i < size; i++)
        join(seats[i].thread);
    pthread_barrier_destroy(&team->start);
}
