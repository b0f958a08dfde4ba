/* preempt.h: what takes the CPU away from threads. Theory: preempt.c. */
#ifndef STRESS_HOSTED_PREEMPT_H
#define STRESS_HOSTED_PREEMPT_H

#include "stress/lib/team.h"

#include <signal.h>

/* The ways, as a set. */
enum st_preempt {
    ST_PREEMPT_NONE = 0,
    ST_PREEMPT_YIELD = 1,  /* at marked points where the core has them, and between operations */
    ST_PREEMPT_SIGNAL = 2, /* timers cut each worker anywhere; handlers use memory */
    ST_PREEMPT_PIN = 4,    /* all workers on one CPU */
    ST_PREEMPT_FIFO = 8,   /* some workers are real-time threads, and come over the others */
    ST_PREEMPT_ALL = 15    /* the first two all the time; free, one CPU, one each, fifo in turn */
};

/* One of "none", "yield", "signal", "pin", "fifo" and "all", or several with commas between them.
 * False: something else. */
bool st_preempt_parse(const char *text, unsigned *modes);

/* The same the other way. The text is static. */
const char *st_preempt_name(unsigned modes);

struct st_preempt_options {
    unsigned modes;        /* a set of enum st_preempt */
    unsigned period_us;    /* between two cuts on each CPU; 0: as often as the machine can */
    unsigned yield_one_in; /* marked points; 1 or more */
    unsigned processes;    /* with such workers at once; 1 or more */
};

/* Before any worker starts. */
void st_preempt_setup(const struct st_preempt_options *options);

/* Whether this one was asked for. */
bool st_preempt_has(enum st_preempt mode);

/* What handlers do in every suite on `target`, for run->handlers; NULL: nothing, since it has no
 * calls for them, or nobody asked for signals. */
const struct st_handler_calls *st_preempt_handlers(const struct st_target *target);

/* Around each suite; no worker runs. The second says what pressure there was, and fails the run
 * ("pressure") where there was none of a kind that was asked for: such a run shows nothing. */
void st_preempt_begin(void);
void st_preempt_judge(const struct st_run *run, struct st_counts *total, double seconds);

/* ---- for the host alone ---- */

extern _Thread_local struct st_worker *st_self; /* NULL in threads that are no workers */

/* Signals: the cuts' (preempt.c), and the handlers', of a timer and of other workers (signals.c).
 * */
#define ST_SIGNAL_CUT     (SIGRTMIN + 1)
#define ST_SIGNAL_HANDLER (SIGRTMIN + 2)
#define ST_SIGNAL_OTHER   (SIGRTMIN + 3)

/* The worker's timer starts now, and stops in the last moments of its thread:
 * st_preempt_thread_stop() arranges for that, so that the heap's own work at thread exit is cut,
 * too. */
void st_preempt_thread_start(struct st_worker *worker);
void st_preempt_thread_stop(struct st_worker *worker);

/* No signals between these two, for calls of the system that the suites make and do not test;
 * threads created between them start without until they enter. */
void st_preempt_pause(void);
void st_preempt_resume(void);

/* Called by the main thread a few times in a second: the next of the ways to place threads. */
void st_preempt_next_phase(void);

/* Called by each worker now and then: takes the place that the present phase has for it. */
void st_preempt_follow(struct st_worker *worker);

/* Lets others run, those of lower priority too. */
void st_preempt_give_way(void);

/* The caller has waited for long for what ordinary threads do: from now on it is one of them, until
 * the next place, and nobody is cut more often than a hundred times a second until it is done. */
void st_preempt_wait_long(void);
void st_preempt_waited_long(void);

/* Microseconds from now to the next signal of the worker, one of `threads` threads that have a
 * timer. By its signal handlers. */
unsigned st_preempt_delay_us(const struct st_worker *worker, struct st_rng *rng, unsigned threads);

/* Sends a signal to another worker of the team, now and then (signals.c). */
void st_signal_another(struct st_worker *worker);

/* The marked points of the heap (TL_PREEMPT_POINT) end here in builds with TL_PREEMPT_HOOK. */
void tl_preempt_point(const char *name);

#endif
