/* harness.c: the threads of a litmus test. Theory: harness.h. */
#define _GNU_SOURCE
#include "litmus/harness.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arch/cpu.h"
#include "lib/rng.h"

enum {
    CELLS = 1024, /* together about as large as a second level cache */
    CHUNK = 32,   /* cells between two meetings */
    START_BITS_MAX = 11,
    STEPS = 4, /* cells between two such waits */
    STEP_BITS_MAX = 10,
    SPINS_MAX = 50000 /* of a thread that waits for the others, before it gives its CPU away */
};

typedef uintptr_t registers[LITMUS_REGISTERS];

struct team {
    const struct litmus_shape  *shape;
    const struct litmus_bounds *bounds;
    struct litmus_found        *found;
    struct litmus_cell         *cells;
    registers                  *seen[LITMUS_THREADS_MAX]; /* by role, for each cell */
    unsigned                    threads;
    unsigned                    cpus;
    TL_CACHE_LINE
    atomic_uint arrived;
    atomic_uint meetings;
    atomic_bool stop; /* written by member 0 between two meetings */
};

struct member {
    struct team *team;
    unsigned     index;
    pthread_t    thread;
};

static double seconds_of(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double now_seconds(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

/* Returns when all have come here. */
static void meet(struct team *team)
{
    unsigned meeting = atomic_load(&team->meetings);

    if (atomic_fetch_add(&team->arrived, 1) + 1 == team->threads) {
        atomic_store(&team->arrived, 0);
        atomic_store(&team->meetings, meeting + 1);
        return;
    }
    for (unsigned spins = 0; atomic_load(&team->meetings) == meeting; spins++) {
        if (spins < SPINS_MAX && team->threads <= team->cpus)
            tl_cpu_relax();
        else
            sched_yield();
    }
}

/* The CPUs are told apart only where each thread can have one. */
static void pin(unsigned index, unsigned threads)
{
    cpu_set_t all, mine;
    unsigned  nth = 0;

    if (sched_getaffinity(0, sizeof(all), &all) != 0 || (unsigned)CPU_COUNT(&all) < threads)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &all) && nth++ == index) {
            CPU_ZERO(&mine);
            CPU_SET(cpu, &mine);
            (void)sched_setaffinity(0, sizeof(mine), &mine); /* refused: less pressure, no harm */
        }
    }
}

static void wait_a_moment(struct rng *rng, unsigned bits_max)
{
    volatile unsigned left = (unsigned)rng_below(rng, (size_t)1 << rng_below(rng, bits_max));

    while (left > 0)
        left = left - 1;
}

/* One chunk, in this round's role. */
static void go_through(struct team *team, unsigned role, unsigned first, struct rng *rng)
{
    void (*body)(struct litmus_cell *, uintptr_t *) = team->shape->body[role];
    unsigned give_way = team->threads > team->cpus ? (unsigned)rng_below(rng, CHUNK) : CHUNK;

    wait_a_moment(rng, START_BITS_MAX);
    for (unsigned i = 0; i < CHUNK; i++) {
        if (i % STEPS == 0) /* who is ahead falls behind, or does not */
            wait_a_moment(rng, STEP_BITS_MAX);
        body(&team->cells[first + i], team->seen[role][first + i]);
        if (i == give_way)
            sched_yield();
    }
}

static void count(struct litmus_found *found, const struct litmus_outcome *outcome,
                  enum litmus_verdict verdict)
{
    unsigned i = 0;

    /* the judge also looks at the cell: what was seen alone does not make the verdict */
    while (i < found->outcomes &&
           (found->count[i].verdict != verdict ||
            memcmp(&found->count[i].outcome, outcome, sizeof(*outcome)) != 0))
        i++;
    if (i == LITMUS_OUTCOMES_MAX) {
        found->more = true;
        return;
    }
    if (i == found->outcomes)
        found->count[found->outcomes++] = (struct litmus_count){ *outcome, verdict, 0 };
    found->count[i].times++;
}

static void judge(struct team *team)
{
    struct litmus_found  *found = team->found;
    struct litmus_outcome before;

    for (unsigned i = 0; i < CELLS; i++) {
        struct litmus_outcome outcome;
        enum litmus_verdict   verdict;

        memset(&outcome, 0, sizeof(outcome));
        for (unsigned role = 0; role < team->threads; role++)
            memcpy(outcome.seen[role], team->seen[role][i], sizeof(registers));
        verdict = team->shape->judge(&team->cells[i], &outcome);
        found->weak += verdict == LITMUS_WEAK;
        found->forbidden += verdict == LITMUS_FORBIDDEN;
        found->overlaps += i % CHUNK != 0 && memcmp(&outcome, &before, sizeof(outcome)) != 0;
        count(found, &outcome, verdict);
        before = outcome;
    }
    found->cells += CELLS;
}

static void clear(struct team *team)
{
    memset(team->cells, 0, CELLS * sizeof(team->cells[0]));
    for (unsigned role = 0; role < team->threads; role++)
        memset(team->seen[role], 0, CELLS * sizeof(registers));
}

/* On a busy machine, which gave all threads together less than half of a CPU, it is four times as
 * long. */
static bool is_time_over(const struct litmus_bounds *bounds, double ms)
{
    double cpu_ms = seconds_of(CLOCK_PROCESS_CPUTIME_ID) * 1000;

    return ms >= bounds->ms_max && (cpu_ms >= bounds->ms_max / 2.0 || ms >= 4.0 * bounds->ms_max);
}

static bool is_enough(const struct team *team, double start)
{
    const struct litmus_bounds *bounds = team->bounds;
    double                      ms = (now_seconds() - start) * 1000;

    if (bounds->until_caught) /* in a process of its own */
        return team->found->forbidden > 0 || is_time_over(bounds, ms);
    return ms >= bounds->ms_max ||
           (ms >= bounds->ms && team->found->overlaps >= LITMUS_OVERLAPS_MIN);
}

static void *take_part(void *argument)
{
    struct member *member = argument;
    struct team   *team = member->team;
    struct rng     own = rng_seeded(team->bounds->seed * 8 + member->index);
    struct rng     common = rng_seeded(team->bounds->seed); /* the same numbers in each thread */
    double         start = now_seconds();

    pin(member->index, team->threads);
    for (;;) {
        for (unsigned first = 0; first < CELLS; first += CHUNK) {
            size_t turn = rng_below(&common, team->threads);
            meet(team);
            go_through(team, (unsigned)(member->index + turn) % team->threads, first, &own);
        }
        meet(team);
        if (member->index == 0) {
            judge(team);
            clear(team);
            atomic_store(&team->stop, is_enough(team, start));
        }
        meet(team);
        if (atomic_load(&team->stop))
            return NULL;
    }
}

static bool run_threads(struct team *team)
{
    struct member members[LITMUS_THREADS_MAX];

    for (unsigned i = 0; i < team->threads; i++) {
        members[i] = (struct member){ .team = team, .index = i };
        if (pthread_create(&members[i].thread, NULL, take_part, &members[i]) != 0)
            return false; /* who was started waits for ever: the caller ends the program */
    }
    for (unsigned i = 0; i < team->threads; i++)
        pthread_join(members[i].thread, NULL);
    return true;
}

bool litmus_run(const struct litmus_shape *shape, const struct litmus_bounds *bounds,
                struct litmus_found *found)
{
    static struct team team;
    cpu_set_t          all;
    double             start = now_seconds();
    bool               ran = false;

    memset(found, 0, sizeof(*found));
    team.shape = shape;
    team.bounds = bounds;
    team.found = found;
    team.threads = shape->threads;
    team.cpus = sched_getaffinity(0, sizeof(all), &all) == 0 ? (unsigned)CPU_COUNT(&all) : 1;
    atomic_init(&team.arrived, 0);
    atomic_init(&team.meetings, 0);
    atomic_init(&team.stop, false);
    team.cells = aligned_alloc(_Alignof(struct litmus_cell), CELLS * sizeof(struct litmus_cell));
    ran = team.cells != NULL;
    for (unsigned role = 0; role < team.threads; role++) {
        team.seen[role] = calloc(CELLS, sizeof(registers));
        ran = ran && team.seen[role] != NULL;
    }
    if (ran) {
        clear(&team);
        ran = run_threads(&team);
    }
    for (unsigned role = 0; role < team.threads; role++)
        free(team.seen[role]);
    free(team.cells);
    found->seconds = now_seconds() - start;
    return ran;
}
