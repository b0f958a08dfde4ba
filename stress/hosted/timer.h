/* timer.h: a timer of one thread, that sends it a signal once. Whoever gets the signal sets the
 * timer anew behind what he did: however short the delay, the thread gets on. */
#ifndef STRESS_HOSTED_TIMER_H
#define STRESS_HOSTED_TIMER_H

#include <stdbool.h>
#include <time.h>

struct st_timer {
    timer_t timer;
    bool    made; /* these two: their thread */
};

/* For the calling thread, not set yet. False: the machine has no more timers; the others do
 * nothing then. */
bool st_timer_make(struct st_timer *timer, int signal_number);

/* In `us` microseconds, 1 or more. Context: thread, signal handlers of it. */
void st_timer_set(const struct st_timer *timer, unsigned us);

void st_timer_drop(struct st_timer *timer);

#endif
