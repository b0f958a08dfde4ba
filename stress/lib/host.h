/* host.h: what the suites ask of the system that they run on.
 * 1 Purpose   The suites, the oracle and the blocks are one source, in a process (hosted/) and in a
 *             kernel or an image (kernel/; tests/bare). This is all that differs.
 * 2 To supply Two functions, besides the heap under test (target.h). The rest has defaults where
 *             there is no process (kernel/defaults.c): they say what is lost without.
 * 3 Contexts  thread, not pinned, unless a function says "any", which includes handlers. */
#ifndef STRESS_LIB_HOST_H
#define STRESS_LIB_HOST_H

#include "stress/lib/worker.h"

/* A thread of the suites': a worker of a team, or a child that comes and goes while they run. */
struct st_thread {
    void (*main)(void *argument); /* this and the next two: constant from its start to its join */
    void            *argument;
    bool             child;
    _Atomic uint32_t ended; /* for hosts without a join of their own */
    uintptr_t        host;  /* the host's */
};

/* ---- without a default ---- */

/* Starts a thread that calls thread->main(thread->argument), then sets thread->ended with release
 * order and ends. It may come at any time later, but all threads of a team, of which each waits for
 * the others, must come without one of them having ended. */
void st_host_start(struct st_thread *thread);

/* Writes text, one line or more, each with its end. Context: any. */
void st_host_write(const char *text, size_t bytes);

/* ---- with a default ---- */

/* Returns when the thread has ended, as pthread_join. Default: waits for thread->ended. */
void st_host_join(struct st_thread *thread);

/* Lets others run. Default: the CPU's hint for a loop that waits. */
void st_host_yield(void);

/* Sleeps for about a millisecond of the heap's clock. Default: one yield. */
void st_host_sleep(void);

/* The calling thread becomes `worker`; it is about to end, but may enter again in what
 * st_host_at_exit arranged. Default: nothing. */
void st_host_enter(struct st_worker *worker);
void st_host_leave(struct st_worker *worker);

/* The worker that the calling thread is; NULL: none. Context: any. Default: NULL; a report then
 * lacks the last operations of who made it. */
struct st_worker *st_host_self(void);

/* Called by each worker at least every few thousand operations. Default: nothing. */
void st_host_turn(struct st_worker *worker);

/* Runs while a team does, in the thread that started it; returns when a team of a run that is timed
 * has had its time. False: the run has had its time, too, or is to end without. Default: true, at
 * once. */
bool st_host_watch(const struct st_team *team);

/* Has fn(argument) run as the calling thread ends, behind what the heap does then. False: there is
 * no such thing here. Default: false. */
bool st_host_at_exit(void (*fn)(void *), void *argument);

/* No other thread is in the heap: the caller trims `heap`, and each CPU without work does as an
 * idle loop should before it sleeps; and all again, for what the others sent home. Default:
 * nothing. */
struct talus_heap;
void st_host_idle(struct talus_heap *heap);

/* No thread is in the heap: takes from each CPU what its caches hold. Default: nothing. */
void st_host_flush(void);

/* A failure is about to be reported, and the run to end. !first: somebody reports already; does not
 * return. Context: any. Default: !first waits for ever. */
void st_host_failing(bool first);

/* The report is written. Context: any. Default: waits for ever. */
_Noreturn void st_host_failed(void);

/* ---- handlers: interrupts, or signals; what they do is in handlers.c ---- */

/* From now on some may come, by st_handlers_run. Default: nothing. */
void st_host_handlers_start(void);
void st_host_handlers_end(void);

/* The same for those of one worker, in its thread. Default: nothing. */
void st_host_handlers_enter(struct st_worker *worker);
void st_host_handlers_leave(struct st_worker *worker);

/* Returns when each handler that ran at the call has returned. Default: at once. */
void st_host_handlers_quiet(void);

/* A handler asks for another one on top of itself. Context: any. Default: nothing. */
void st_host_handlers_nest(void);

#endif
