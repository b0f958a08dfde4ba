/* signals.c: handlers as a process has them. Each worker has a timer of its own, and is sent a
 * second signal by the others now and then. Both come anywhere, most usefully inside of malloc and
 * free, and on top of each other: no mask, SA_NODEFER. Counted are those on top of another one, and
 * a handler that waits for what it interrupted is found (R32: it would be stuck): signals go on to
 * come on top of it, and look at the clock.
 * LL and SC: a CPU's return from an exception breaks the link of an LL. QEMU's user mode keeps for
 * MIPS what the thread's last LL read, a handler's too, and an interrupted SC at the same address
 * compares with that: it may succeed over a word that has changed. So a handler's last LL is at a
 * word of its own, and the interrupted SC fails. */
#include "stress/hosted/host.h"
#include "stress/hosted/patience.h"
#include "stress/hosted/preempt.h"
#include "stress/hosted/report.h"
#include "stress/hosted/timer.h"
#include "stress/lib/handlers.h"

#include "arch/compiler.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEPTH_MAX     6u
#define SIGNAL_ONE_IN 16u      /* turns, in which a worker signals another */
#define STUCK_SECONDS 10.0     /* a handler takes microseconds */
#define LOOK_US       1000000u /* as long as a handler runs, the next signal comes so late */
/* signals on top of another handler; ThreadSanitizer's runtime lets one at a time in */
#define LEAST_NESTED (TL_TSAN ? 0u : 10u)

/* By the worker's index. */
static struct {
    _Atomic int     tid;   /* atomic: 0: it takes no signals */
    struct st_timer timer; /* the worker and its handlers, as the next */
    struct st_rng   rng;
} seats[ST_TEAM_MAX];

static _Atomic size_t nested;   /* any context */
static _Atomic size_t returned; /* any context; never read: the last LL of a handler */

static _Thread_local volatile sig_atomic_t depth;    /* of handlers on this thread */
static _Thread_local struct st_patience    patience; /* since the lowest of them began */

static void signal_thread(int tid)
{
    syscall(SYS_tgkill, getpid(), tid, ST_SIGNAL_OTHER); /* refused: it has ended */
}

void st_host_handlers_nest(void)
{
    if (depth < (int)DEPTH_MAX)
        signal_thread((int)syscall(SYS_gettid));
}

static void look_at_the_clock(void)
{
    if (depth == 0)
        st_patience_begin(&patience);
    else if (st_patience_look(&patience) > STUCK_SECONDS)
        st_fail("stuck", "  a signal handler has not come to its end in %.0f s", STUCK_SECONDS);
}

static void set_timer(const struct st_worker *worker)
{
    st_timer_set(&seats[worker->index].timer,
                 st_preempt_delay_us(worker, &seats[worker->index].rng, worker->team->size));
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
    st_timer_set(&seats[st_self->index].timer, LOOK_US);
    errno = EDOM;
    if (depth > 0)
        atomic_fetch_add_explicit(&nested, 1, memory_order_relaxed);
    depth = depth + 1;
    st_handlers_run(st_self);
    depth = depth - 1;
    if (errno != EDOM && depth == 0)
        st_fail("errno", "  a call in a signal handler changed errno to %d", errno);
    if (depth == 0)
        set_timer(st_self);
    atomic_fetch_add_explicit(&returned, 1, memory_order_relaxed);
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
    if (sigaction(ST_SIGNAL_HANDLER, &action, NULL) != 0 ||
        sigaction(ST_SIGNAL_OTHER, &action, NULL) != 0)
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
    sigaddset(&set, ST_SIGNAL_HANDLER);
    sigaddset(&set, ST_SIGNAL_OTHER);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void st_host_handlers_enter(struct st_worker *worker)
{
    seats[worker->index].rng.state = st_mix(worker->rng.state + 3);
    seats[worker->index].timer.made = false;
    atomic_store_explicit(&seats[worker->index].tid, 0, memory_order_relaxed);
    if (!st_preempt_has(ST_PREEMPT_SIGNAL))
        return;
    /* no timer left: the signals of the others come; the counts show it */
    if (st_timer_make(&seats[worker->index].timer, ST_SIGNAL_HANDLER))
        set_timer(worker);
    atomic_store_explicit(&seats[worker->index].tid, (int)syscall(SYS_gettid),
                          memory_order_relaxed);
}

void st_host_handlers_leave(struct st_worker *worker)
{
    atomic_store_explicit(&seats[worker->index].tid, 0, memory_order_relaxed);
    block_signals(); /* until the thread ends: who read its number may still send one */
    st_timer_drop(&seats[worker->index].timer);
}

void st_signal_another(struct st_worker *worker)
{
    if (!st_rng_one_in(&worker->rng, SIGNAL_ONE_IN))
        return;
    unsigned index = st_rng_below(&worker->rng, worker->team->size);
    int      tid = atomic_load_explicit(&seats[index].tid, memory_order_relaxed);
    if (tid != 0)
        signal_thread(tid);
}
