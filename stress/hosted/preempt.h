/* preempt.h: what cuts threads in two. Theory: preempt.c. */
#ifndef STRESS_HOSTED_PREEMPT_H
#define STRESS_HOSTED_PREEMPT_H

#include "stress/lib/worker.h"

enum st_pin { ST_PIN_NONE, ST_PIN_ONE, ST_PIN_SPREAD, ST_PIN_PHASES };

/* Before any worker starts. `period_us` 0: no timers. `yield_one_in` 0: no yields at marked points.
 * */
void st_preempt_setup(unsigned period_us, enum st_pin pin, unsigned yield_one_in);

extern _Thread_local struct st_worker *st_self; /* NULL in threads that are no workers */

/* The worker's timer starts now, and stops in the last moments of its thread:
 * st_preempt_thread_stop() arranges for that, so that the heap's own work at thread exit is cut,
 * too. */
void st_preempt_thread_start(struct st_worker *worker);
void st_preempt_thread_stop(struct st_worker *worker);

/* No cuts between these two, for calls of the system that the suites make and do not test; threads
 * created between them start uncut until they enter. */
void st_preempt_pause(void);
void st_preempt_resume(void);

/* Called by the main thread a few times in a second: changes the pinning in ST_PIN_PHASES. */
void st_preempt_next_phase(void);

/* Called by each worker now and then: moves it to where the present phase wants it. */
void st_preempt_follow(struct st_worker *worker);

/* Sends a signal to another worker of the team, now and then (signals.c). */
void st_signal_another(struct st_worker *worker);

/* The marked points of the heap (TL_PREEMPT_POINT) end here in builds with TL_PREEMPT_HOOK. */
void tl_preempt_point(const char *name);

#endif
