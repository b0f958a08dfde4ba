/* cancel.c: threads that are cancelled, and a process that exits, while others allocate.
 * 1 Hunts       A cancellation point inside of the heap, at which a thread would end with a lock or
 *               a block in hand; memory in clean-up handlers and in destructors of thread-specific
 *               data, before and after the heap's own; a cache that a thread goes on to use when it
 *               has given it up; exit handlers that free while other threads allocate.
 * 2 Threads     Each worker starts threads that allocate, and cancels them at any time. They can be
 *               cancelled wherever the system does so; all that is in their hands is in the hands
 *               of a clean-up handler too. Where that is legal, in a loop that calls nothing, they
 *               let themselves be cancelled at any instruction.
 * 3 Exit        Then processes in which threads allocate until the very end: the first thread
 *               returns from main, and exit handlers free and allocate meanwhile.
 * 4 Must catch  exit_keeps_cache */
#include "stress/suites/suite.h"

#include "stress/hosted/report.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS        256u
#define HELD         12u
#define SIZE_MAX_ANY ((size_t)4096)
#define KEY_ROUNDS   2u /* rounds of destructors in which a thread's data come back */
#define SPINS        20000u
#define EXITS        3u
#define EXIT_THREADS 4u
#define EXIT_MS      20u
#define EXIT_SECONDS 30u

static struct st_mailbox box;
static pthread_key_t     key;              /* constant while the suite runs */
static _Atomic size_t    cancelled, ended; /* atomic: threads, by how they ended */

struct child {
    struct st_thread  thread;
    struct st_worker *parent; /* constant while it runs, as the next two */
    uint64_t          seed;
    unsigned          id;
    _Atomic bool      cleaned;    /* atomic: it was cancelled, and its clean-up handler ran */
    struct st_block   held[HELD]; /* the thread, then its clean-up handler */
    struct st_block   last;       /* the thread, then its destructors */
    unsigned          rounds;
};

static struct child children[ST_TEAM_MAX]; /* their parent */

static void swap_one(struct st_worker *worker, struct st_block *block)
{
    void *p = st_mailbox_swap(&box, (unsigned)st_rng_next(&worker->rng), block->p);
    block->p = NULL;
    if (p != NULL)
        *block = st_block_received(p);
}

static void step(struct st_worker *worker, struct st_block *block)
{
    size_t size = st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, SIZE_MAX_ANY);

    if (block->p == NULL)
        st_block_alloc(worker, block, size);
    else if (st_rng_one_in(&worker->rng, 3))
        swap_one(worker, block);
    else
        st_block_free(worker, block);
}

/* A destructor: what it leaves behind comes again in the next round. */
static void on_thread_end(void *argument)
{
    struct child        *child = argument;
    const struct st_run *run = child->parent->team->run;
    struct st_worker    *worker = st_worker_enter(child->id, run->target, child->seed + 1);

    worker->team = child->parent->team;
    for (unsigned n = 0; n < HELD; n++)
        step(worker, &child->last);
    if (++child->rounds < KEY_ROUNDS)
        pthread_setspecific(key, child);
    else
        st_block_free(worker, &child->last);
    st_worker_leave(worker);
}

static void clean_up(void *argument)
{
    struct child     *child = argument;
    struct st_worker *worker = st_worker_get(child->id);

    for (unsigned n = 0; n < HELD; n++)
        st_block_free(worker, &child->held[n]);
    atomic_store_explicit(&child->cleaned, true, memory_order_relaxed);
    st_worker_leave(worker);
}

/* Calls nothing, so that it may end between any two instructions. */
static void spin_cancellable(void)
{
    int type;

    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
    for (volatile unsigned n = 0; n < SPINS; n++)
        continue;
    pthread_setcanceltype(type, &type);
}

static void child_main(void *argument)
{
    struct child        *child = argument;
    const struct st_run *run = child->parent->team->run;
    struct st_worker    *worker = st_worker_enter(child->id, run->target, child->seed);
    unsigned             turns = st_rng_below(&worker->rng, 256);

    st_count_add(&worker->counts.threads, 1);
    worker->team = child->parent->team;
    pthread_setspecific(key, child);
    pthread_cleanup_push(clean_up, child);
    for (unsigned n = 0; n < turns; n++) {
        for (unsigned i = 0; i < 16; i++)
            step(worker, &child->held[st_rng_below(&worker->rng, HELD)]);
        if (st_rng_one_in(&worker->rng, 16))
            spin_cancellable();
        else
            pthread_testcancel();
    }
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_cleanup_pop(0);
    for (unsigned n = 0; n < HELD; n++)
        st_block_free(worker, &child->held[n]);
    st_worker_leave(worker);
}

static void body(struct st_worker *worker, void *shared)
{
    struct child   *child = &children[worker->index];
    struct st_block block = { NULL, 0, 0 };

    (void)shared;
    while (st_team_runs(worker)) {
        *child = (struct child){ .parent = worker,
                                 .seed = st_rng_next(&worker->rng),
                                 .id = ST_TEAM_MAX + 1 + worker->index };
        child->thread = (struct st_thread){ .main = child_main, .argument = child, .child = true };
        st_host_start(&child->thread);
        for (unsigned n = st_rng_below(&worker->rng, 512); n > 0; n--)
            step(worker, &block);
        if (!st_rng_one_in(&worker->rng, 4))
            pthread_cancel((pthread_t)child->thread.host);
        st_host_join(&child->thread);
        bool cleaned = atomic_load_explicit(&child->cleaned, memory_order_relaxed);
        atomic_fetch_add_explicit(cleaned ? &cancelled : &ended, 1, memory_order_relaxed);
    }
    st_block_free(worker, &block);
}

/* ---- exit ---- */

static const struct st_run *exit_run; /* these: of a process that exits */
static struct st_thread     exit_threads[EXIT_THREADS];
static struct st_worker    *exit_worker; /* the first thread */

static void allocate_for_ever(void *argument)
{
    unsigned          id = 1 + (unsigned)((struct st_thread *)argument - exit_threads);
    struct st_worker *worker = st_worker_enter(id, exit_run->target, exit_run->seed);
    struct st_block   held[HELD] = { { NULL, 0, 0 } };

    for (;;)
        step(worker, &held[st_rng_below(&worker->rng, HELD)]);
}

static void on_exit_handler(void)
{
    struct st_block held[HELD] = { { NULL, 0, 0 } };

    for (unsigned n = 0; n < 64 * HELD; n++)
        step(exit_worker, &held[n % HELD]);
    for (unsigned n = 0; n < HELD; n++)
        st_block_free(exit_worker, &held[n]);
}

static _Noreturn void exit_amid(const struct st_run *run)
{
    alarm(EXIT_SECONDS);
    exit_run = run;
    exit_worker = st_worker_enter(ST_WORKER_MAIN, run->target, run->seed);
    if (atexit(on_exit_handler) != 0)
        st_fail("setup", "  atexit");
    for (unsigned n = 0; n < EXIT_THREADS; n++) {
        exit_threads[n] =
            (struct st_thread){ .main = allocate_for_ever, .argument = &exit_threads[n] };
        st_host_start(&exit_threads[n]);
    }
    for (unsigned ms = 0; ms < EXIT_MS; ms++)
        st_host_sleep();
    exit(ST_PASSED);
}

/* No worker runs. */
static void run_exits(const struct st_run *run)
{
    for (unsigned n = 0; n < EXITS; n++) {
        int   status;
        pid_t child = fork();
        if (child == 0)
            exit_amid(run);
        if (child < 0)
            st_fail("setup", "  fork: %s", strerror(errno));
        while (waitpid(child, &status, 0) < 0)
            if (errno != EINTR)
                st_fail("setup", "  waitpid: %s", strerror(errno));
        if (!WIFEXITED(status) || WEXITSTATUS(status) != ST_PASSED)
            st_fail("exit", "  a process that exits amid its threads: status %d, signal %d",
                    WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                    WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    }
}

static void run_suite(const struct st_run *run)
{
    struct st_team team = { .run = run, .body = body };

    if (pthread_key_create(&key, on_thread_end) != 0)
        st_fail("setup", "  pthread_key_create");
    atomic_store_explicit(&cancelled, 0, memory_order_relaxed);
    atomic_store_explicit(&ended, 0, memory_order_relaxed);
    box.slots = SLOTS;
    st_team_run(&team, run->threads, run->amount);
    st_mailbox_empty(run, &box);
    pthread_key_delete(key);
    size_t count = atomic_load_explicit(&cancelled, memory_order_relaxed);
    st_say("  %zu threads were cancelled, %zu ended before", count,
           atomic_load_explicit(&ended, memory_order_relaxed));
    if (count == 0)
        st_fail("pressure", "  no thread was cancelled");
    run_exits(run);
}

ST_SUITE(cancel) = {
    .name = "cancel",
    .hunts = "threads cancelled while they allocate, destructors, exit handlers",
    .children = true,
    .main = run_suite,
};
