/* preempt.c: real preemption.
 * 1 Timers      Each worker owns a timer that signals it alone (timer.h), after a seeded time. The
 *               handler yields, so the cut falls wherever the worker was, most usefully inside of
 *               the heap, and another thread runs there first. One signal in 16 sleeps instead, so
 *               that a thread can stay cut for as long as thousands of operations of others. Then
 *               it sets the timer anew: a period of 0 makes the shortest delays there are. Where
 *               they are shorter than a signal takes, nothing is done between two: a worker that
 *               began no operation in some of them is given twice the time, and again. And on a
 *               busy machine each cut costs a worker a turn of all others: who joins one for long
 *               has all of them cut seldom, so that it comes to its end.
 * 2 Places      free: the scheduler's choice; one: all on one CPU, so that every switch is a
 *               preemption; spread: worker n on CPU n modulo CPUs; fifo: every other worker is a
 *               real-time thread, of three priorities, which sleeps for moments and comes back over
 *               whoever runs. All of them in turn, a quarter of a second each, since some races
 *               need true concurrency and others need one thread to stand still.
 * 3 Yields      Builds of the core with TL_PREEMPT_HOOK call tl_preempt_point() between the steps
 *               of its algorithms; there a seeded one in so many yields. In all builds workers
 *               yield between operations, too.
 * 4 Fifo        No real-time thread waits by spinning: it would keep the CPU from whom it waits
 *               for. The heap's locks sleep (sync/lock.h); the suites wait in st_host_yield, where
 *               such a thread sleeps. What it starts is an ordinary thread. Each sleeps for so
 *               long, by what it worked, that all of them leave half of the CPUs to ordinary
 *               threads, were all suites that run at once here: else nobody would end this quarter
 *               of a second, nor what a join waits for. Who joins for long is an ordinary thread,
 *               so that its patience counts what ordinary threads get. Where the system refuses
 *               real-time threads, the run goes on without, and says so.
 * 5 Contexts    The handler touches its own worker's counters only, keeps errno, and calls nothing
 *               but system calls.
 * 6 Exit        The timer outlives st_worker_leave(): it stops in the third round of the thread's
 *               exit destructors, after those of the heap have run. The fourth and last is left
 *               uncut: sanitizers take their thread state down there.
 * 7 TSan        It delivers signals at atomics and at intercepted calls only: the cuts then fall
 *               there, and nowhere else. A cut inside of pthread_join deadlocks its runtime (libc
 *               frees there, under a lock of the runtime that the handler's entry takes again), so
 *               starting and joining threads is done in pauses, in all builds.
 * 8 Judged      Timers by the cuts that fell into the heap, yields by their number, one CPU by the
 *               switches that the system forced, fifo by the naps that real-time threads came back
 *               from. */
#include "stress/hosted/preempt.h"

#include "stress/hosted/timer.h"
#include "stress/lib/handlers.h"
#include "stress/lib/report.h"
#include "stress/lib/target.h"
#include "stress/words.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define EXIT_ROUNDS      3u
#define SLEEP_ONE_IN     16u
#define SLEEP_US_MAX     200u
#define TURN_YIELDS_1_IN 4u
#define FIFO_PRIORITIES  3u
#define NAP_US_MAX       250000L
#define FASTEST_US       8u /* less makes fewer cuts: signals take the time of each other */
#define SELDOM_US        10000u
#define VAIN_MOST        8u  /* cuts without an operation between them: then the delays grow */
#define VAIN_GROWTH_MOST 13u /* doublings: 8 ms */
#define CPUS_MAX         CPU_SETSIZE

/* Where threads run. */
enum place { FREE, ONE, SPREAD, FIFO, PLACES };

/* What each worker has here. */
struct cut {
    struct st_rng   signal_rng;  /* the worker's timer handler */
    struct st_rng   yield_rng;   /* the worker, at marked points */
    unsigned        phase_seen;  /* the worker: the one it follows; 0: none */
    bool            fifo;        /* the worker: it is a real-time thread now */
    long            worked_us;   /* the worker: CPU time until its last nap ended */
    struct st_timer timer;       /* the worker */
    uint32_t        began;       /* its signal handlers: operations at the last one */
    unsigned        vain;        /* the same: how often in a row there was no other */
    unsigned        exit_rounds; /* the worker: rounds of its exit destructors so far */
};

static struct cut                cuts[ST_WORKERS_MAX + 1]; /* by number */
static struct st_preempt_options options;                  /* constant after setup, as the next */
static enum place                places[PLACES];           /* in turn */
static unsigned                  place_count;
static int                       cpus[CPUS_MAX]; /* those we may run on */
static unsigned                  cpu_count;
static cpu_set_t                 all_cpus;
static pthread_key_t             exit_key;
static _Atomic unsigned          timers;        /* atomic: running */
static _Atomic unsigned          phase = 1;     /* written by the main thread */
static _Atomic unsigned          taken[PLACES]; /* atomic: workers that took it, in this suite
                                                     * */
static _Atomic unsigned          naps;          /* atomic: of real-time threads */
static _Atomic int               fifo_refused;  /* atomic: errno */
static _Atomic unsigned          long_waits;    /* atomic: joins that have lasted for long */
static struct rusage             before;        /* the main thread: at the suite's begin */

_Thread_local struct st_worker *st_self;
static _Thread_local sigset_t   unpaused; /* the mask before the pause */

/* ---- options ---- */

static const struct {
    const char *name;
    unsigned    modes;
} mode_names[] = { { "none", ST_PREEMPT_NONE },     { "yield", ST_PREEMPT_YIELD },
                   { "signal", ST_PREEMPT_SIGNAL }, { "pin", ST_PREEMPT_PIN },
                   { "fifo", ST_PREEMPT_FIFO },     { "all", ST_PREEMPT_ALL } };

#define MODE_NAMES (sizeof(mode_names) / sizeof(mode_names[0]))

bool st_preempt_parse(const char *text, unsigned *modes)
{
    struct st_word word;
    bool           none = false;

    *modes = ST_PREEMPT_NONE;
    while (st_words_next(&text, &word)) {
        size_t i = 0;
        while (i < MODE_NAMES && !st_word_is(&word, mode_names[i].name))
            i++;
        if (i == MODE_NAMES)
            return false;
        none = none || mode_names[i].modes == ST_PREEMPT_NONE;
        *modes |= mode_names[i].modes;
    }
    return !none || *modes == ST_PREEMPT_NONE;
}

const char *st_preempt_name(unsigned modes)
{
    static char text[64];

    text[0] = '\0';
    for (size_t i = 0; i < MODE_NAMES; i++) {
        if (mode_names[i].modes == modes)
            return mode_names[i].name;
        if ((mode_names[i].modes & ~modes) != 0 || mode_names[i].modes == ST_PREEMPT_NONE)
            continue;
        strcat(text, text[0] != '\0' ? "," : "");
        strcat(text, mode_names[i].name);
    }
    return text;
}

bool st_preempt_has(enum st_preempt mode)
{
    return (options.modes & mode) != 0;
}

/* ---- timers ---- */

/* Microseconds to add, since the worker does not get on. */
static unsigned relief_us(const struct st_worker *worker)
{
    struct cut *cut = &cuts[worker->id];
    uint32_t    began = atomic_load_explicit(&worker->counts.operations.low, memory_order_relaxed);

    cut->vain = began == cut->began ? cut->vain + 1 : 0;
    cut->began = began;
    if (cut->vain <= VAIN_MOST)
        return 0;
    unsigned doublings = cut->vain - VAIN_MOST - 1;
    return 1u << (doublings < VAIN_GROWTH_MOST ? doublings : VAIN_GROWTH_MOST);
}

unsigned st_preempt_delay_us(const struct st_worker *worker, struct st_rng *rng, unsigned threads)
{
    /* Each CPU sees about one signal in a period, whatever the number of threads: more would starve
     * them of their work. */
    unsigned period = options.period_us != 0 ? options.period_us : FASTEST_US;
    unsigned us = period * ((threads + cpu_count - 1) / cpu_count);
    if (us < SELDOM_US && atomic_load_explicit(&long_waits, memory_order_relaxed) > 0)
        us = SELDOM_US;
    return 1 + us / 2 + st_rng_below(rng, us) + relief_us(worker);
}

static void set_timer(const struct st_worker *worker)
{
    struct cut *cut = &cuts[worker->id];
    unsigned    live = atomic_load_explicit(&timers, memory_order_relaxed);
    st_timer_set(&cut->timer, st_preempt_delay_us(worker, &cut->signal_rng, live));
}

/* Not by nanosleep, where a thread may be cancelled: the handler may have interrupted the heap. */
static void sleep_us(unsigned us)
{
    struct timespec nap = { 0, 1000L * (long)us };
    syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &nap, NULL);
}

static void on_timer(int signal_number)
{
    struct st_worker *worker = st_self;
    int               saved_errno = errno;

    (void)signal_number;
    if (worker != NULL) {
        struct cut *cut = &cuts[worker->id];
        st_count_add(&worker->counts.preemptions, 1);
        if (atomic_load_explicit(&worker->inside, memory_order_relaxed))
            st_count_add(&worker->counts.inside, 1);
        if (st_rng_one_in(&cut->signal_rng, SLEEP_ONE_IN)) {
            sleep_us(1 + st_rng_below(&cut->signal_rng, SLEEP_US_MAX));
        } else {
            sched_yield();
        }
        set_timer(worker);
    }
    errno = saved_errno;
}

/* All signals of the suites, since a handler's comes amid a call of the system like a cut. */
static void change_mask(int how, sigset_t *before_it)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, ST_SIGNAL_CUT);
    sigaddset(&set, ST_SIGNAL_HANDLER);
    sigaddset(&set, ST_SIGNAL_OTHER);
    pthread_sigmask(how, &set, before_it);
}

void st_preempt_pause(void)
{
    change_mask(SIG_BLOCK, &unpaused);
}

void st_preempt_resume(void)
{
    pthread_sigmask(SIG_SETMASK, &unpaused, NULL);
}

static void become_ordinary(struct cut *cut)
{
    if (cut->fifo)
        sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &(struct sched_param){ 0 });
    cut->fifo = false;
}

static void stop(struct st_worker *worker)
{
    struct cut *cut = &cuts[worker->id];

    st_preempt_pause();
    if (cut->timer.made)
        atomic_fetch_sub_explicit(&timers, 1, memory_order_relaxed);
    st_timer_drop(&cut->timer);
    become_ordinary(cut); /* what follows may spin for a lock that an ordinary thread holds */
    st_self = NULL;
}

static void on_thread_exit(void *argument)
{
    struct st_worker *worker = argument;

    if (++cuts[worker->id].exit_rounds < EXIT_ROUNDS)
        pthread_setspecific(exit_key, worker);
    else
        stop(worker);
}

/* Which places are taken in turn. */
static void set_places(void)
{
    place_count = 0;
    if (options.modes == ST_PREEMPT_ALL ||
        (options.modes & (ST_PREEMPT_PIN | ST_PREEMPT_FIFO)) == 0)
        places[place_count++] = FREE;
    if (st_preempt_has(ST_PREEMPT_PIN))
        places[place_count++] = ONE;
    if (options.modes == ST_PREEMPT_ALL && cpu_count > 1)
        places[place_count++] = SPREAD;
    if (st_preempt_has(ST_PREEMPT_FIFO))
        places[place_count++] = FIFO;
}

void st_preempt_setup(const struct st_preempt_options *wanted)
{
    struct sigaction action;

    options = *wanted;
    if (sched_getaffinity(0, sizeof(all_cpus), &all_cpus) != 0)
        CPU_ZERO(&all_cpus);
    cpu_count = 0;
    for (int cpu = 0; cpu < CPUS_MAX; cpu++)
        if (CPU_ISSET(cpu, &all_cpus))
            cpus[cpu_count++] = cpu;
    cpu_count = cpu_count == 0 ? 1 : cpu_count;
    set_places();
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_timer;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    if (sigaction(ST_SIGNAL_CUT, &action, NULL) != 0)
        st_fail("setup", "  sigaction: %s", strerror(errno));
    if (pthread_key_create(&exit_key, on_thread_exit) != 0)
        st_fail("setup", "  pthread_key_create");
}

const struct st_handler_calls *st_preempt_handlers(const struct st_target *target)
{
    return target->instances && st_preempt_has(ST_PREEMPT_SIGNAL) ? &st_handlers : NULL;
}

void st_preempt_thread_start(struct st_worker *worker)
{
    struct cut *cut = &cuts[worker->id];

    cut->signal_rng.state = st_mix(worker->rng.state + 1);
    cut->yield_rng.state = st_mix(worker->rng.state + 2);
    cut->phase_seen = 0;
    cut->fifo = false;
    cut->timer.made = false;
    cut->exit_rounds = 0;
    cut->vain = 0;
    st_self = worker;
    if (!st_preempt_has(ST_PREEMPT_SIGNAL) || worker->id == ST_WORKER_MAIN)
        return;
    change_mask(SIG_UNBLOCK, NULL);
    /* refused: the worker runs without, and the rates show it */
    if (!st_timer_make(&cut->timer, ST_SIGNAL_CUT))
        return;
    atomic_fetch_add_explicit(&timers, 1, memory_order_relaxed);
    set_timer(worker);
}

void st_preempt_thread_stop(struct st_worker *worker)
{
    if (worker->id == ST_WORKER_MAIN)
        stop(worker);
    else
        pthread_setspecific(exit_key, worker);
}

/* ---- places ---- */

void st_preempt_next_phase(void)
{
    atomic_fetch_add_explicit(&phase, 1, memory_order_relaxed);
}

static void pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    if (cpu >= 0)
        CPU_SET(cpu, &set);
    /* refused: the worker stays where it is, and the run is weaker, not wrong */
    sched_setaffinity(0, sizeof(set), cpu < 0 ? &all_cpus : &set);
}

/* The calling thread, by its worker's number; those it starts are ordinary ones. */
static bool become_fifo(unsigned id)
{
    struct sched_param priority = { .sched_priority = 1 + (int)(id / 2 % FIFO_PRIORITIES) };

    if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority) == 0)
        return true;
    atomic_store_explicit(&fifo_refused, errno, memory_order_relaxed);
    return false;
}

static long cpu_time_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

static void nap(struct cut *cut, const struct st_worker *worker)
{
    unsigned threads = worker->team != NULL ? worker->team->run->threads : 1;
    long     others = 2L * (threads / 2) * options.processes / cpu_count;
    long     least = (cpu_time_us() - cut->worked_us) * others;
    long     us = 20 + st_rng_below(&cut->yield_rng, SLEEP_US_MAX);

    us = us > least ? us : least < NAP_US_MAX ? least : NAP_US_MAX;
    nanosleep(&(struct timespec){ 0, 1000L * us }, NULL);
    cut->worked_us = cpu_time_us();
    atomic_fetch_add_explicit(&naps, 1, memory_order_relaxed);
}

void st_preempt_wait_long(void)
{
    atomic_fetch_add_explicit(&long_waits, 1, memory_order_relaxed);
    if (st_self != NULL)
        become_ordinary(&cuts[st_self->id]);
}

void st_preempt_waited_long(void)
{
    atomic_fetch_sub_explicit(&long_waits, 1, memory_order_relaxed);
}

static void take_place(struct st_worker *worker, enum place place)
{
    struct cut *cut = &cuts[worker->id];

    become_ordinary(cut);
    cut->fifo = place == FIFO && worker->id % 2 != 0 && become_fifo(worker->id);
    if (cut->fifo) {
        cut->worked_us = cpu_time_us();
        nap(cut, worker);
    }
    if (cut->fifo || place != FIFO)
        atomic_fetch_add_explicit(&taken[place], 1, memory_order_relaxed);
    pin(place == ONE ? cpus[0] : place == SPREAD ? cpus[worker->id % cpu_count] : -1);
}

void st_preempt_follow(struct st_worker *worker)
{
    unsigned    now = atomic_load_explicit(&phase, memory_order_relaxed);
    struct cut *cut = &cuts[worker->id];

    if (cut->phase_seen == 0 || (cut->phase_seen != now && place_count > 1))
        take_place(worker, places[now % place_count]);
    cut->phase_seen = now;
    if (cut->fifo) {
        if (st_rng_one_in(&cut->yield_rng, 2))
            nap(cut, worker);
    } else if (st_preempt_has(ST_PREEMPT_YIELD) &&
               st_rng_one_in(&cut->yield_rng, TURN_YIELDS_1_IN)) {
        st_count_add(&worker->counts.yields, 1);
        sched_yield();
    }
}

void st_preempt_give_way(void)
{
    if (st_self != NULL && cuts[st_self->id].fifo)
        nap(&cuts[st_self->id], st_self);
    else
        sched_yield();
}

void tl_preempt_point(const char *name)
{
    struct st_worker *worker = st_self;

    (void)name;
    if (worker == NULL || !st_preempt_has(ST_PREEMPT_YIELD) ||
        !st_rng_one_in(&cuts[worker->id].yield_rng, options.yield_one_in))
        return;
    int saved_errno = errno;
    st_count_add(&worker->counts.yields, 1);
    sched_yield();
    errno = saved_errno;
}

/* ---- judged ---- */

void st_preempt_begin(void)
{
    for (unsigned place = 0; place < PLACES; place++)
        atomic_store_explicit(&taken[place], 0, memory_order_relaxed);
    atomic_store_explicit(&naps, 0, memory_order_relaxed);
    getrusage(RUSAGE_SELF, &before);
}

static void demand(bool asked_for, uint64_t number, const char *what)
{
    if (asked_for && number == 0)
        st_fail("pressure", "  %s was asked for, and none came: such a run shows nothing", what);
}

void st_preempt_judge(const struct st_run *run, struct st_counts *total, double seconds)
{
    struct rusage after;
    uint64_t      cuts_inside = st_count_read(&total->inside);
    uint64_t      yields = st_count_read(&total->yields);
    unsigned      slept = atomic_load_explicit(&naps, memory_order_relaxed);
    int           refused = atomic_load_explicit(&fifo_refused, memory_order_relaxed);

    getrusage(RUSAGE_SELF, &after);
    uint64_t forced = (uint64_t)(after.ru_nivcsw - before.ru_nivcsw);
    st_say(
        "  pressure %s: %.0f cuts/s, %.0f/s of them inside of the heap; %.0f yields/s; %.0f "
        "switches/s forced by the system; %.0f/s real-time threads came back; %.2f M operations/s",
        st_preempt_name(options.modes), (double)st_count_read(&total->preemptions) / seconds,
        (double)cuts_inside / seconds, (double)yields / seconds, (double)forced / seconds,
        (double)slept / seconds, (double)st_count_read(&total->operations) / seconds / 1e6);
    if (refused != 0)
        st_say("  no real-time threads: SCHED_FIFO is refused: %s", strerror(refused));
    demand(st_preempt_has(ST_PREEMPT_SIGNAL), cuts_inside, "a cut inside of the heap");
    demand(st_preempt_has(ST_PREEMPT_YIELD), yields, "a yield");
    demand(run->threads > 1 && atomic_load_explicit(&taken[ONE], memory_order_relaxed) > 0, forced,
           "a forced switch");
    demand(refused == 0 && atomic_load_explicit(&taken[FIFO], memory_order_relaxed) > 0, slept,
           "a real-time thread");
}
