/* team.c: start, end, and how a team without a clock comes to its end: by the operations that its
 * workers have done together, so that nobody is left waiting for others. */
#include "stress/lib/team.h"

#include "stress/lib/block.h"
#include "stress/lib/handlers.h"

struct seat {
    struct st_thread thread;
    struct st_team  *team;
    unsigned         index;
};

static struct seat     seats[ST_TEAM_MAX]; /* of the team that runs: one at a time */
static struct st_block tables[ST_TEAM_MAX][ST_TABLE_BLOCKS]; /* its worker */

struct st_block *st_team_table(const struct st_worker *worker)
{
    return tables[worker->index];
}

void st_team_wait(_Atomic uint32_t *arrived, uint32_t all)
{
    /* acq_rel, acquire: what each did before is seen by all behind */
    uint32_t here = atomic_fetch_add_explicit(arrived, 1, memory_order_acq_rel) + 1;
    while (here < all) {
        st_host_yield();
        here = atomic_load_explicit(arrived, memory_order_acquire);
    }
}

/* Takes what the worker did since the last time off what the team is to do. */
static void account(struct st_worker *worker, struct st_team *team)
{
    uint32_t done = atomic_load_explicit(&worker->counts.operations.low, memory_order_relaxed);
    uint32_t spent = done - worker->accounted + 1; /* one more: who waits in vain ends, too */

    worker->accounted = done;
    if (atomic_fetch_sub_explicit(&team->left, spent, memory_order_relaxed) <= spent)
        atomic_store_explicit(&team->stop, 1, memory_order_relaxed);
}

bool st_team_runs(struct st_worker *worker)
{
    struct st_team *team = worker->team;

    st_host_turn(worker);
    if (team->run->handlers != NULL)
        team->run->handlers->turn(worker);
    if (!team->run->timed)
        account(worker, team);
    return atomic_load_explicit(&team->stop, memory_order_relaxed) == 0;
}

static void seat_main(void *argument)
{
    struct seat      *seat = argument;
    struct st_team   *team = seat->team;
    struct st_worker *worker = st_worker_enter(seat->index + 1, team->run->target, team->run->seed);

    st_count_add(&worker->counts.threads, 1);
    worker->index = seat->index;
    worker->team = team;
    worker->may_fail = team->may_fail;
    worker->accounted = atomic_load_explicit(&worker->counts.operations.low, memory_order_relaxed);
    st_team_wait(&team->arrived, team->size + 1);
    if (team->run->handlers != NULL)
        st_host_handlers_enter(worker);
    team->body(worker, team->shared);
    if (team->run->handlers != NULL)
        st_host_handlers_leave(worker);
    st_worker_leave(worker);
}

bool st_team_run(struct st_team *team, unsigned size, uint32_t amount)
{
    team->size = size;
    team->amount = amount;
    atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
    atomic_store_explicit(&team->left, amount * size, memory_order_relaxed);
    atomic_store_explicit(&team->stop, 0, memory_order_relaxed);
    for (unsigned i = 0; i < size; i++) {
        seats[i].thread = (struct st_thread){ .main = seat_main, .argument = &seats[i] };
        seats[i].team = team;
        seats[i].index = i;
        st_host_start(&seats[i].thread);
    }
    st_team_wait(&team->arrived, size + 1);
    bool goes_on = st_host_watch(team);
    if (team->run->timed)
        atomic_store_explicit(&team->stop, 1, memory_order_relaxed);
    for (unsigned i = 0; i < size; i++)
        st_host_join(&seats[i].thread);
    if (team->run->handlers != NULL)
        team->run->handlers->drain();
    return goes_on;
}
