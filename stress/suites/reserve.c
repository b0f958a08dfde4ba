/* reserve.c: signal handlers that use memory, in the midst of threads that do.
 * 1 Hunts       A block of the reserve that two were given, or that a refill wrote over; a free
 *               from a handler that touches what the interrupted thread was changing; blocks that
 *               are lost on the way from a handler to their owner, or in the heap's own inbox.
 * 2 Pressure    Each worker has a timer of its own, and is sent a second signal by the others. Both
 *               come anywhere, most usefully inside of malloc and free, and on top of each other:
 *               no mask, SA_NODEFER. A handler takes a block from one of three reserves (small,
 *               medium, large), fills and checks it, lets itself be interrupted now and then, and
 *               puts it back, frees it, or leaves it to the workers; or it frees a block of any
 *               size that a worker left. Meanwhile workers allocate and free the same sizes, so
 *               that slow exits refill the reserves under the handlers' hands; of one reserve the
 *               notify callback has a worker do it.
 * 3 Promises    Every block belongs to one (the oracle, R31); its contents hold; no handler waits
 *               for what it interrupted (R32: it would be stuck); handlers keep errno; at the
 *               end, reserves destroyed and all freed, the heap counts nothing.
 * 4 Pressure is counted: signals, those that fell inside of the heap, and those on top of another
 *               handler. Too few of any is a failure: such a run shows nothing.
 * 5 Must catch  slots_take_split, slots_put_store, interrupt_free_cached
 * 6 Skipped     on targets that are not talus. */
#include "stress/suites/suite.h"

#include "stress/lib/report.h"
#include "stress/lib/target.h"

#include "arch/compiler.h"

#include <talus/reserve.h>

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define RESERVES        3u
#define TABLE_BLOCKS    96u
#define SLOTS           64u
#define SMALL_MAX       ((size_t)2048)
#define LARGE_MAX       ((size_t)300000)
#define DEPTH_MAX       6u
#define PERIOD_US_LEAST 40u
#define SIGNAL_ONE_IN   16u  /* rounds of 64 operations, in which a worker signals another */
#define STUCK_SECONDS   10.0 /* a handler takes microseconds */
#define LEAST_INSIDE    10u  /* signals inside of the heap in any run */
/* and on top of another handler; ThreadSanitizer's runtime lets one at a time in */
#define LEAST_NESTED (TL_TSAN ? 0u : 10u)

static const struct {
    size_t size, count, low_mark;
} shapes[RESERVES] = { { 48, 24, 8 }, { 700, 12, 4 }, { 100000, 4, 2 } };

/* What handlers count: any context, any thread. */
struct tally {
    _Atomic size_t signals, inside, nested, taken, missed, put, freed, left;
};

static struct st_mailbox box;
static struct tally      tally;
static talus_reserve    *reserves[RESERVES]; /* constant while signals come */
static _Atomic unsigned  refill_wanted;      /* of the last one: by notify; a word, to swap */
static _Atomic unsigned  serial;             /* seeds the handlers' numbers */
static _Atomic int       tids[ST_TEAM_MAX];  /* by the worker's index; 0: it takes no signals */

static _Thread_local volatile sig_atomic_t depth; /* of handlers on this thread */
/* when the lowest of them began */
static _Thread_local volatile double begun;

static void count(_Atomic size_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static int timer_signal(void)
{
    return SIGRTMIN + 2;
}

static int other_signal(void)
{
    return SIGRTMIN + 3;
}

static void notify(void *context, talus_reserve *reserve)
{
    (void)reserve;
    atomic_store_explicit((_Atomic unsigned *)context, 1, memory_order_relaxed);
}

static void free_here(struct st_block *block)
{
    count(&tally.freed);
    talus_free_from_interrupt(st_block_disown(block));
}

/* Another handler on top of this one, for certain. */
static void interrupt_myself(struct st_rng *rng)
{
    if (st_rng_one_in(rng, 8) && depth < (int)DEPTH_MAX)
        syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), other_signal());
}

static void use_a_reserve(struct st_worker *worker, struct st_rng *rng)
{
    unsigned        which = st_rng_below(rng, 8);
    struct st_block block;

    which = which < 4 ? 0 : which < 7 ? 1 : 2;
    void *p = talus_reserve_take(reserves[which]);
    if (p == NULL) {
        count(&tally.missed);
        return;
    }
    count(&tally.taken);
    st_block_own(worker, &block, p, shapes[which].size);
    interrupt_myself(rng);
    st_block_check(&block);
    switch (st_rng_below(rng, 4)) {
    case 0:
        free_here(&block);
        break;
    case 1:
        p = st_mailbox_swap(&box, (unsigned)st_rng_next(rng), block.p);
        count(&tally.left);
        if (p != NULL) {
            block = st_block_received(p);
            free_here(&block);
        }
        break;
    default:
        count(&tally.put);
        talus_reserve_put(reserves[which], st_block_disown(&block));
        break;
    }
}

static void free_what_a_worker_left(struct st_rng *rng)
{
    void *p = st_mailbox_take(&box, (unsigned)st_rng_next(rng));
    if (p != NULL) {
        struct st_block block = st_block_received(p);
        free_here(&block);
    }
}

/* Signals go on to come on top of a handler that waits for what it interrupted: they find it out.
 * */
static void look_at_the_clock(void)
{
    if (depth == 0)
        begun = st_now();
    else if (st_now() - begun > STUCK_SECONDS)
        st_fail("stuck", "  a signal handler has not come to its end in %.0f s", STUCK_SECONDS);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    struct st_worker *worker = st_self;
    struct st_rng     rng;

    (void)number;
    (void)info;
    (void)context;
    if (worker == NULL)
        return;
    int saved_errno = errno;
    look_at_the_clock();
    if (depth >= (int)DEPTH_MAX)
        return;
    errno = EDOM;
    count(&tally.signals);
    if (atomic_load_explicit(&worker->inside, memory_order_relaxed))
        count(&tally.inside);
    if (depth > 0)
        count(&tally.nested);
    depth = depth + 1;
    rng.state = st_mix(atomic_fetch_add_explicit(&serial, 1, memory_order_relaxed) + st_block_seed);
    for (unsigned n = 1 + st_rng_below(&rng, 4); n > 0; n--) {
        if (st_rng_one_in(&rng, 4))
            free_what_a_worker_left(&rng);
        else
            use_a_reserve(worker, &rng);
    }
    depth = depth - 1;
    if (errno != EDOM && depth == 0)
        st_fail("errno", "  a call in a signal handler changed errno to %d", errno);
    errno = saved_errno;
}

static void set_handlers(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    if (sigaction(timer_signal(), &action, NULL) != 0 ||
        sigaction(other_signal(), &action, NULL) != 0)
        st_fail("setup", "  sigaction: %s", strerror(errno));
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
static bool start_timer(struct st_worker *worker, timer_t *timer)
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
    if (timer_create(CLOCK_MONOTONIC, &event, timer) != 0)
        return false; /* EAGAIN: the signals of the others are left; the counts show it */
    us = (us < PERIOD_US_LEAST ? PERIOD_US_LEAST : us) + worker->index * 7;
    times.it_interval.tv_sec = us / 1000000;
    times.it_interval.tv_nsec = (long)(us % 1000000) * 1000;
    times.it_value = times.it_interval;
    timer_settime(*timer, 0, &times, NULL);
    return true;
}

static void signal_another(struct st_worker *worker)
{
    unsigned index = st_rng_below(&worker->rng, worker->team->size);
    int      tid = atomic_load_explicit(&tids[index], memory_order_relaxed);
    if (tid != 0 && st_replay.preempt_us != 0)
        syscall(SYS_tgkill, getpid(), tid, other_signal()); /* refused: it has ended */
}

static void refill(struct st_worker *worker)
{
    unsigned which = st_rng_below(&worker->rng, RESERVES);
    bool     wanted = atomic_exchange_explicit(&refill_wanted, 0, memory_order_relaxed) != 0;

    atomic_store_explicit(&worker->inside, true, memory_order_relaxed);
    if (wanted && !talus_reserve_refill(reserves[RESERVES - 1]))
        st_fail("refill", "  talus_reserve_refill: %s", strerror(errno));
    if (st_rng_one_in(&worker->rng, 64) &&
        !talus_reserve_prepare(reserves[which], shapes[which].count / 2))
        st_fail("refill", "  talus_reserve_prepare: %s", strerror(errno));
    atomic_store_explicit(&worker->inside, false, memory_order_relaxed);
}

static void step(struct st_worker *worker, struct st_block *block)
{
    bool   same = st_rng_one_in(&worker->rng, 2); /* as the reserves' blocks: shared lists */
    size_t most = st_rng_one_in(&worker->rng, 64) ? LARGE_MAX : SMALL_MAX;
    size_t size = same ? shapes[st_rng_below(&worker->rng, 2)].size
                       : st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, most);

    if (block->p == NULL) {
        st_block_alloc(worker, block, size);
    } else if (st_rng_one_in(&worker->rng, 3)) {
        void *p = st_mailbox_swap(&box, (unsigned)st_rng_next(&worker->rng), block->p);
        block->p = NULL;
        if (p != NULL)
            *block = st_block_received(p);
    } else if (st_rng_one_in(&worker->rng, 8)) {
        st_block_resize(worker, block, size);
    } else {
        st_block_free(worker, block);
    }
}

static void body(struct st_worker *worker, void *shared)
{
    struct st_block table[TABLE_BLOCKS] = { { NULL, 0, 0 } };
    timer_t         timer;
    bool            timed = start_timer(worker, &timer);

    (void)shared;
    atomic_store_explicit(&tids[worker->index], (int)syscall(SYS_gettid), memory_order_relaxed);
    while (st_team_runs(worker)) {
        for (unsigned n = 0; n < 64; n++)
            step(worker, &table[st_rng_below(&worker->rng, TABLE_BLOCKS)]);
        if (st_rng_one_in(&worker->rng, SIGNAL_ONE_IN))
            signal_another(worker);
        refill(worker);
    }
    atomic_store_explicit(&tids[worker->index], 0, memory_order_relaxed);
    block_signals(); /* until the thread ends: who read its number may still send one */
    if (timed)
        timer_delete(timer);
    for (unsigned n = 0; n < TABLE_BLOCKS; n++)
        st_block_free(worker, &table[n]);
}

static size_t counted(_Atomic size_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void check_pressure(void)
{
    size_t inside = counted(&tally.inside), nested = counted(&tally.nested);

    if (inside < LEAST_INSIDE || nested < LEAST_NESTED || counted(&tally.taken) == 0)
        st_fail(
            "pressure",
            "  of %zu signals only %zu fell inside of the heap and %zu on another handler: such "
            "a run shows nothing",
            counted(&tally.signals), inside, nested);
}

static void end_reserves(void)
{
    talus_reserve_stats_t stats;
    size_t                refills = 0, takes = 0, misses = 0;

    for (unsigned n = 0; n < RESERVES; n++) {
        talus_reserve_stats(reserves[n], &stats);
        refills += stats.refills;
        takes += stats.takes;
        misses += stats.misses;
        if (stats.available > shapes[n].count || !talus_reserve_destroy(reserves[n]))
            st_fail("reserve", "  %zu blocks in %zu slots, or it could not be destroyed",
                    stats.available, shapes[n].count);
    }
    if (takes != counted(&tally.taken) || misses != counted(&tally.missed))
        st_fail("reserve",
                "  the reserves count %zu takes and %zu misses, the handlers %zu and %zu", takes,
                misses, counted(&tally.taken), counted(&tally.missed));
    st_say(
        "reserve   %zu signals, %zu inside of the heap, %zu on another handler: %zu blocks taken, "
        "%zu misses, %zu put back, %zu freed by handlers, %zu left to workers, %zu refills",
        counted(&tally.signals), counted(&tally.inside), counted(&tally.nested), takes, misses,
        counted(&tally.put), counted(&tally.freed), counted(&tally.left), refills);
}

static void run_suite(const struct st_run *run)
{
    struct st_team       team = { .run = run, .body = body };
    talus_reserve_policy policy = { .notify_context = &refill_wanted };
    talus_heap *heap = run->target->context != NULL ? run->target->context : talus_heap_default();

    memset(&tally, 0, sizeof(tally));
    box.slots = SLOTS;
    for (unsigned n = 0; n < RESERVES; n++) {
        reserves[n] =
            talus_reserve_create(heap, shapes[n].size, 16, shapes[n].count, shapes[n].low_mark,
                                 &policy, n == RESERVES - 1 ? notify : NULL);
        if (reserves[n] == NULL)
            st_fail("setup", "  talus_reserve_create: %s", strerror(errno));
    }
    set_handlers();
    st_team_run(&team, run->threads, run->seconds);
    end_reserves();
    st_suite_empty_mailbox(run, &box);
    check_pressure();
}

const struct st_suite st_suite_reserve = {
    .name = "reserve",
    .hunts = "signal handlers that take, use and free memory in the midst of malloc and free",
    .needs_instances = true,
    .main = run_suite,
};
