/* signals.c: handlers as a process has them. Each worker has a timer of its own, and is sent a
 * second signal by the others now and then. Both come anywhere, most usefully inside of malloc and
 * free, and on top of each other: no mask, SA_NODEFER. Counted are those on top of another one, and
 * a handler that waits for what it interrupted is found (R32: it would be stuck): signals go on to
 * come on top of it, and look at the clock. */
#include "stress/hosted/host.h"
#include "stress/hosted/preempt.h"
#include "stress/hosted/report.h"
#include "stress/lib/handlers.h"

#include "arch/compiler.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define DEPTH_MAX       6u
#define PERIOD_US_LEAST 40u
#define SIGNAL_ONE_IN   16u  /* turns, in which a worker signals another */
#define STUCK_SECONDS   10.0 /* a handler takes microseconds */
/* signals on top of another handler; ThreadSanitizer's runtime lets one at a time in */
#define LEAST_NESTED (TL_TSAN ? 0u : 10u)

static _Atomic int    tids[ST_TEAM_MAX]; /* by the worker's index; 0: it takes no signals */
static timer_t        timers[ST_TEAM_MAX];
static bool           timed[ST_TEAM_MAX]; /* these two: their worker */
static _Atomic size_t nested;             /* any context */

static _Thread_local volatile sig_atomic_t depth; /* of handlers on this thread */
static _Thread_local volatile double       begun; /* when the lowest of them began */

static int timer_signal(void)
{
    return SIGRTMIN + 2;
}

static int other_signal(void)
{
    return SIGRTMIN + 3;
}

static void signal_thread(int tid)
{
    syscall(SYS_tgkill, getpid(), tid, other_signal()); /* refused: it has ended */
}

void st_host_handlers_nest(void)
{
    if (depth < (int)DEPTH_MAX)
        signal_thread((int)syscall(SYS_gettid));
}

static void look_at_the_clock(void)
{
    if (depth == 0)
        begun = st_now();
    else if (st_now() - begun > STUCK_SECONDS)
        st_fail("stuck", "  a signal handler has not come to its end in %.0f s", STUCK_SECONDS);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    (void)context;
    if (st_self == NULL)
        return;
    int saved_errno = errno;
    look_at_the_clock();
    if (depth >= (int)DEPTH_MAX)
        return;
    errno = EDOM;
    if (depth > 0)
        atomic_fetch_add_explicit(&nested, 1, memory_order_relaxed);
    depth = depth + 1;
    st_handlers_run(st_self);
    depth = depth - 1;
    if (errno != EDOM && depth == 0)
        st_fail("errno", "  a call in a signal handler changed errno to %d", errno);
    errno = saved_errno;
}

void st_host_handlers_start(void)
{
    struct sigaction action;

    atomic_store_explicit(&nested, 0, memory_order_relaxed);
    memset(&action, 0, sizeof(action));
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    if (sigaction(timer_signal(), &action, NULL) != 0 ||
        sigaction(other_signal(), &action, NULL) != 0)
        st_fail("setup", "  sigaction: %s", strerror(errno));
}

void st_host_handlers_end(void)
{
    size_t on_top = atomic_load_explicit(&nested, memory_order_relaxed);
    st_say("  signals: %zu came on top of another one's handler", on_top);
    if (on_top < LEAST_NESTED)
        st_fail("pressure",
                "  only %zu signals came on top of another handler: such a run shows nothing",
                on_top);
}

void st_host_handlers_quiet(void)
{
    /* they run in the workers' threads, which are joined */
}

static void block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, timer_signal());
    sigaddset(&set, other_signal());
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Each CPU gets about one in --preempt microseconds, as with the cuts. False: none, or no timer. */
static bool start_timer(const struct st_worker *worker)
{
    struct sigevent   event;
    struct itimerspec times = { { 0, 0 }, { 0, 0 } };
    long              cpus = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned us = st_replay.preempt_us * worker->team->size / (cpus > 0 ? (unsigned)cpus : 1);

    if (st_replay.preempt_us == 0)
        return false;
    memset(&event, 0, sizeof(event));
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = timer_signal();
    event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    if (timer_create(CLOCK_MONOTONIC, &event, &timers[worker->index]) != 0)
        return false; /* EAGAIN: the signals of the others are left; the counts show it */
    us = (us < PERIOD_US_LEAST ? PERIOD_US_LEAST : us) + worker->index * 7;
    times.it_interval.tv_sec = us / 1000000;
    times.it_interval.tv_nsec = (long)(us % 1000000) * 1000;
    times.it_value = times.it_interval;
    timer_settime(timers[worker->index], 0, &times, NULL);
    return true;
}

void st_host_handlers_enter(struct st_worker *worker)
{
    timed[worker->index] = start_timer(worker);
    atomic_store_explicit(&tids[worker->index], (int)syscall(SYS_gettid), memory_order_relaxed);
}

void st_host_handlers_leave(struct st_worker *worker)
{
    atomic_store_explicit(&tids[worker->index], 0, memory_order_relaxed);
    block_signals(); /* until the thread ends: who read its number may still send one */
    if (timed[worker->index])
        timer_delete(timers[worker->index]);
}

void st_signal_another(struct st_worker *worker)
{
    if (st_replay.preempt_us == 0 || !st_rng_one_in(&worker->rng, SIGNAL_ONE_IN))
        return;
    unsigned index = st_rng_below(&worker->rng, worker->team->size);
    int      tid = atomic_load_explicit(&tids[index], memory_order_relaxed);
    if (tid != 0)
        signal_thread(tid);
}
