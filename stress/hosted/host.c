/* host.c: what lib/host.h asks for, by threads of POSIX; cuts are in preempt.c, handlers in
 * signals.c, reports in report.c. The main thread watches: a team that does not move for a long
 * time is a failure ("stuck"). */
#include "stress/hosted/host.h"

#include "stress/hosted/options.h"
#include "stress/hosted/patience.h"
#include "stress/hosted/preempt.h"
#include "stress/hosted/record.h"
#include "stress/hosted/report.h"
#include "stress/lib/provider.h"

#include <errno.h>
#include <execinfo.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TICK_US       20000u
#define JOIN_NS       200000000L /* between two looks at a thread that is to end */
#define PHASE_SECONDS 0.25       /* how long one way of pinning lasts */
#define FRAMES_MAX    32
#define ANSWER_US     500000u /* for a thread that is asked where it is */

_Static_assert(sizeof(pthread_t) <= sizeof(uintptr_t), "a thread's name fits");

double st_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void *thread_main(void *argument)
{
    struct st_thread *thread = argument;
    thread->main(thread->argument);
    return NULL;
}

/* Who starts or joins is not cut meanwhile, nor is the new thread until it enters (preempt.c, 6).
 */
void st_host_start(struct st_thread *thread)
{
    pthread_t name;

    if (st_self != NULL)
        st_preempt_pause();
    int error = pthread_create(&name, NULL, thread_main, thread);
    if (error != 0)
        st_fail("setup", "  pthread_create: %s", strerror(error));
    if (st_self != NULL)
        st_preempt_resume();
    thread->host = (uintptr_t)name;
}

static void tell_frames(int number)
{
    void *frames[FRAMES_MAX];

    (void)number;
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MAX), STDERR_FILENO);
}

/* Has a thread that does not end write the calls that it is in. */
static void ask_where(pthread_t name)
{
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = tell_frames;
    sigaction(SIGQUIT, &action, NULL);
    st_say("talus-stress: the thread that does not end is in:");
    if (pthread_kill(name, SIGQUIT) == 0)
        usleep(ANSWER_US);
}

void st_host_join(struct st_thread *thread)
{
    struct st_patience patience;
    bool               for_long = false;
    int                error;

    if (st_self != NULL)
        st_preempt_pause();
    st_patience_begin(&patience);
    do {
        struct timespec deadline;
        clock_gettime(CLOCK_REALTIME, &deadline);
        deadline.tv_nsec += JOIN_NS;
        deadline.tv_sec += deadline.tv_nsec / 1000000000L;
        deadline.tv_nsec %= 1000000000L;
        error = pthread_timedjoin_np((pthread_t)thread->host, NULL, &deadline);
        if (error == ETIMEDOUT && !for_long) {
            st_preempt_wait_long();
            for_long = true;
        }
    } while (error == ETIMEDOUT && st_patience_look(&patience) <= st_options.patience);
    if (error != 0) {
        ask_where((pthread_t)thread->host);
        st_fail("stuck", "  a thread did not come to its end in %.1f s: %s", patience.waited,
                strerror(error));
    }
    if (for_long)
        st_preempt_waited_long();
    if (st_self != NULL)
        st_preempt_resume();
}

void st_host_yield(void)
{
    st_preempt_give_way();
}

void st_host_sleep(void)
{
    usleep(1000);
}

void st_host_enter(struct st_worker *worker)
{
    st_report_thread_start(worker->id);
    st_preempt_thread_start(worker);
}

void st_host_leave(struct st_worker *worker)
{
    st_preempt_thread_stop(worker);
}

/* What runs as this thread ends. */
static _Thread_local struct {
    void (*fn)(void *argument);
    void *argument;
} at_exit;

static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
static pthread_key_t  exit_key; /* constant after exit_once */

/* Before or after the heap's own destructor: the order is the system's. */
static void on_thread_exit(void *argument)
{
    (void)argument;
    at_exit.fn(at_exit.argument);
}

static void make_exit_key(void)
{
    if (pthread_key_create(&exit_key, on_thread_exit) != 0)
        st_fail("setup", "  pthread_key_create");
}

bool st_host_at_exit(void (*fn)(void *), void *argument)
{
    pthread_once(&exit_once, make_exit_key);
    at_exit.fn = fn;
    at_exit.argument = argument;
    return pthread_setspecific(exit_key, &at_exit) == 0;
}

struct st_worker *st_host_self(void)
{
    return st_self;
}

void st_host_turn(struct st_worker *worker)
{
    st_preempt_follow(worker);
    if (worker->team->run->handlers != NULL)
        st_signal_another(worker);
}

void st_host_idle(struct talus_heap *heap)
{
    (void)heap; /* as below */
}

void st_host_flush(void)
{
    /* threads give back what they hold as they end */
}

const talus_provider *st_provider_system(void)
{
    return talus_provider_mmap();
}

struct watch {
    double             begin;
    double             last_progress;
    double             progress_seconds; /* between two lines */
    uint64_t           operations;
    struct st_patience patience; /* since they moved */
};

static double last_phase; /* of all teams: some are short */

static void watch_tick(struct watch *watch, const struct st_team *team)
{
    struct st_counts total;
    double           now = st_now();

    st_counts_total(&total);
    st_record_sample(&total);
    uint64_t operations = st_count_read(&total.operations);
    if (operations != watch->operations) {
        watch->operations = operations;
        st_patience_begin(&watch->patience);
    }
    if (st_patience_look(&watch->patience) > st_options.patience)
        st_fail("stuck", "  no operation finished for %.1f s", watch->patience.waited);
    if (now - last_phase > PHASE_SECONDS) {
        last_phase = now;
        st_preempt_next_phase();
    }
    if (now - watch->last_progress > watch->progress_seconds) {
        watch->last_progress = now;
        st_say("  %s%s%s: %.0f of %.0f s, %" PRIu64 " operations, %" PRIu64 " blocks, %" PRIu64
               " remote, %" PRIu64 " preemptions",
               team->run->suite, team->part != NULL ? ", " : "",
               team->part != NULL ? team->part : "", now - watch->begin, team->amount / 1000.0,
               operations, st_count_read(&total.blocks), st_count_read(&total.remote),
               st_count_read(&total.preemptions));
    }
}

bool st_host_watch(const struct st_team *team)
{
    double       now = st_now();
    struct watch watch = { now, now, isatty(STDERR_FILENO) ? 3.0 : 10.0, 0, { 0, now } };

    while (st_now() - watch.begin < team->amount / 1000.0 && !st_record_stopped()) {
        usleep(TICK_US);
        watch_tick(&watch, team);
    }
    return !st_record_stopped() && st_record_seconds() < team->run->amount / 1000.0;
}
