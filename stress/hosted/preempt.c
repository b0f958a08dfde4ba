/* preempt.c: real preemption.
 * 1 Timers      Each worker owns a POSIX timer that sends a signal to itself alone
 *               (SIGEV_THREAD_ID). The handler yields, so the cut falls wherever the worker was,
 *               most usefully inside of the heap, and another thread runs there first. One signal
 *               in 16 sleeps instead, so that a thread can stay cut for as long as thousands of
 *               operations of others.
 * 2 Pinning     none: the scheduler's choice; one: all on one CPU, so that every switch is a
 *               preemption; spread: worker n on CPU n modulo CPUs; phases (the default): these
 *               three in turn, since some races need true concurrency and others need one thread to
 *               stand still.
 * 3 Yields      Builds of the core with TL_PREEMPT_HOOK call tl_preempt_point() between the steps
 *               of its algorithms; there a seeded one in so many yields.
 * 4 Contexts    The handler touches its own worker's counters only, keeps errno, and calls nothing
 *               but system calls.
 * 5 Exit        The timer outlives st_worker_leave(): it stops in the third round of the thread's
 *               exit destructors, after those of the heap have run. The fourth and last is left
 *               uncut: sanitizers take their thread state down there.
 * 6 TSan        It delivers signals at atomics and at intercepted calls only: the cuts then fall
 *               there, and nowhere else. A cut inside of pthread_join deadlocks its runtime (libc
 *               frees there, under a lock of the runtime that the handler's entry takes again), so
 *               starting and joining threads is done in pauses, in all builds. */
#include "stress/hosted/preempt.h"

#include "stress/lib/report.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define EXIT_ROUNDS  3u
#define SLEEP_ONE_IN 16u
#define SLEEP_US_MAX 200u
#define CPUS_MAX     CPU_SETSIZE

/* What each worker has here. */
struct cut {
    struct st_rng signal_rng;  /* the worker's timer handler */
    struct st_rng yield_rng;   /* the worker, at marked points */
    unsigned      pin_seen;    /* the worker: phase of pinning it follows */
    timer_t       timer;       /* the worker */
    bool          timer_runs;  /* the worker */
    unsigned      exit_rounds; /* the worker: rounds of its exit destructors so far */
};

static struct cut       cuts[ST_WORKERS_MAX + 1]; /* by number */
static unsigned         period_us;                /* constant after setup */
static enum st_pin      pinning;                  /* constant after setup */
static unsigned         yield_one_in;             /* constant after setup */
static int              cpus[CPUS_MAX];           /* constant after setup: those we may run on */
static unsigned         cpu_count;                /* constant after setup */
static cpu_set_t        all_cpus;                 /* constant after setup */
static pthread_key_t    exit_key;                 /* constant after setup */
static _Atomic unsigned timers;                   /* atomic: running */
static _Atomic unsigned phase = 1;                /* written by the main thread */

_Thread_local struct st_worker *st_self;

static void on_timer(int signal_number, siginfo_t *info, void *context)
{
    struct st_worker *worker = st_self;
    int               saved_errno = errno;

    (void)signal_number;
    (void)context;
    if (worker != NULL) {
        st_count_add(&worker->counts.preemptions, 1);
        st_count_add(&worker->counts.overruns, (uint64_t)info->si_overrun);
        if (atomic_load_explicit(&worker->inside, memory_order_relaxed))
            st_count_add(&worker->counts.inside, 1);
        struct st_rng *rng = &cuts[worker->id].signal_rng;
        if (st_rng_one_in(rng, SLEEP_ONE_IN)) {
            struct timespec nap = { 0, 1000L * (long)(1 + st_rng_below(rng, SLEEP_US_MAX)) };
            nanosleep(&nap, NULL);
        } else {
            sched_yield();
        }
    }
    errno = saved_errno;
}

static void change_mask(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    pthread_sigmask(how, &set, NULL);
}

void st_preempt_pause(void)
{
    change_mask(SIG_BLOCK);
}

void st_preempt_resume(void)
{
    change_mask(SIG_UNBLOCK);
}

static void stop(struct st_worker *worker)
{
    struct cut *cut = &cuts[worker->id];

    st_preempt_pause();
    if (cut->timer_runs) {
        timer_delete(cut->timer);
        atomic_fetch_sub_explicit(&timers, 1, memory_order_relaxed);
    }
    cut->timer_runs = false;
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

void st_preempt_setup(unsigned period, enum st_pin pin, unsigned yields)
{
    struct sigaction action;

    period_us = period;
    pinning = pin;
    yield_one_in = yields;
    if (sched_getaffinity(0, sizeof(all_cpus), &all_cpus) != 0)
        CPU_ZERO(&all_cpus);
    cpu_count = 0;
    for (int cpu = 0; cpu < CPUS_MAX; cpu++)
        if (CPU_ISSET(cpu, &all_cpus))
            cpus[cpu_count++] = cpu;
    memset(&action, 0, sizeof(action));
    action.sa_sigaction = on_timer;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGRTMIN + 1, &action, NULL) != 0)
        st_fail("setup", "  sigaction: %s", strerror(errno));
    if (pthread_key_create(&exit_key, on_thread_exit) != 0)
        st_fail("setup", "  pthread_key_create");
}

void st_preempt_thread_start(struct st_worker *worker)
{
    struct sigevent   event;
    struct itimerspec times = { { 0, 0 }, { 0, 0 } };
    struct cut       *cut = &cuts[worker->id];

    cut->signal_rng.state = st_mix(worker->rng.state + 1);
    cut->yield_rng.state = st_mix(worker->rng.state + 2);
    cut->pin_seen = 0;
    cut->timer_runs = false;
    cut->exit_rounds = 0;
    st_self = worker;
    if (period_us == 0 || worker->id == ST_WORKER_MAIN)
        return;
    st_preempt_resume();
    memset(&event, 0, sizeof(event));
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGRTMIN + 1;
    event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    /* EAGAIN: the machine has no more timers (pending-signal limit). The worker then runs without,
     * and the rates show it. */
    if (timer_create(CLOCK_MONOTONIC, &event, &cut->timer) != 0)
        return;
    /* Each CPU sees about one cut in period_us, whatever the number of workers: more would starve
     * them of their work. A spread of periods, so that workers are not cut in step. */
    unsigned live = atomic_fetch_add_explicit(&timers, 1, memory_order_relaxed) + 1;
    unsigned us = period_us * (cpu_count < 2 ? live : (live + cpu_count - 1) / cpu_count);
    us += st_rng_below(&cut->signal_rng, us / 2 + 1);
    times.it_interval.tv_sec = us / 1000000;
    times.it_interval.tv_nsec = (long)(us % 1000000) * 1000;
    times.it_value = times.it_interval;
    timer_settime(cut->timer, 0, &times, NULL);
    cut->timer_runs = true;
}

void st_preempt_thread_stop(struct st_worker *worker)
{
    if (worker->id == ST_WORKER_MAIN)
        stop(worker);
    else
        pthread_setspecific(exit_key, worker);
}

void st_preempt_next_phase(void)
{
    if (pinning == ST_PIN_PHASES)
        atomic_fetch_add_explicit(&phase, 1, memory_order_relaxed);
}

void st_preempt_follow(struct st_worker *worker)
{
    unsigned    now = atomic_load_explicit(&phase, memory_order_relaxed);
    enum st_pin want = pinning == ST_PIN_PHASES ? (enum st_pin)(now % ST_PIN_PHASES) : pinning;
    cpu_set_t   set = all_cpus;

    if (cuts[worker->id].pin_seen == now || cpu_count < 2)
        return;
    cuts[worker->id].pin_seen = now;
    if (want != ST_PIN_NONE) {
        CPU_ZERO(&set);
        CPU_SET(cpus[want == ST_PIN_ONE ? 0 : worker->id % cpu_count], &set);
    }
    sched_setaffinity(
        0, sizeof(set),
        &set); /* refused: the worker stays where it is, and the run is weaker, not wrong */
}

void tl_preempt_point(const char *name)
{
    struct st_worker *worker = st_self;

    (void)name;
    if (worker == NULL || yield_one_in == 0 ||
        !st_rng_one_in(&cuts[worker->id].yield_rng, yield_one_in))
        return;
    int saved_errno = errno;
    st_count_add(&worker->counts.yields, 1);
    sched_yield();
    errno = saved_errno;
}
