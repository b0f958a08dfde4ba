/* event.h: something happened, for those who wait for it; they look again themselves.
 *
 * 1 Use         seq = tl_event_prepare(&e); if (condition still false) tl_event_wait(&e, seq); look
 *               again.
 *               The other side makes the condition true, then tl_event_signal_all(&e).
 * 2 State       A sequence in steps of 2; bit 0 says that somebody may sleep, so that a signal
 *               without waiters costs no call. Where waiters look again and again nobody sets it.
 * 3 Invariants  A signal after prepare is never missed by the wait: it changed the sequence, or it
 *               wakes.
 * 4 Ordering    signal releases, prepare and wait acquire: the condition's data may be plain if the
 *               waiter looks after that.
 * 5 Limits      A waiter that sleeps through exactly 2^31 signals before it looks would miss them.
 * 6 Contexts    prepare: any. wait: thread. signal_all: thread or atomic. */
#ifndef TL_SYNC_EVENT_H
#define TL_SYNC_EVENT_H

#include "arch/port.h"

enum { TL_EVENT_WAITED = 1, TL_EVENT_STEP = 2 };

/* Zero-filled memory is a valid event. */
struct tl_event {
    tl_atomic_u32
        sequence; /* atomic: signals so far in steps of 2, and TL_EVENT_WAITED; the futex word */
};

#define TL_EVENT_INIT     \
    {                     \
        TL_ATOMIC_INIT(0) \
    }

/* The ticket for tl_event_wait; take it before the condition is looked at. */
static inline uint32_t tl_event_prepare(const struct tl_event *event)
{
    uint32_t sequence;

    if (TL_MUTANT_event_prepare_relaxed)
        sequence = tl_load32_relaxed(&event->sequence);
    else
        sequence = tl_load32_acquire(&event->sequence); /* pairs with signal_all */
    return sequence & ~(uint32_t)TL_EVENT_WAITED;
}

/* Sleeps until a signal came after `ticket` was taken. May return early: look again. */
static inline void tl_event_wait(struct tl_event *event, uint32_t ticket)
{
    uint32_t seen;

    if (TL_PORT_POLLS) { /* the port looks first */
        tl_port_wait(&event->sequence, ticket);
        (void)tl_load32_acquire(&event->sequence); /* pairs with signal_all */
        return;
    }
    seen = tl_load32_acquire(&event->sequence); /* pairs with signal_all */
    if ((seen & ~(uint32_t)TL_EVENT_WAITED) != ticket)
        return;
    TL_PREEMPT_POINT(event_wait);
    if (seen == ticket && !tl_cas32_acquire(&event->sequence, &seen, ticket | TL_EVENT_WAITED) &&
        seen != (ticket | TL_EVENT_WAITED))
        return; /* a signal came in between; pairs with signal_all */
    tl_port_wait(&event->sequence, ticket | TL_EVENT_WAITED);
    (void)tl_load32_acquire(&event->sequence); /* pairs with signal_all, which woke us */
}

/* Wakes everybody who waits, and lets those who took a ticket before return at once. */
static inline void tl_event_signal_all(struct tl_event *event)
{
    uint32_t seen =
        tl_load32_relaxed(&event->sequence); /* relaxed: the exchange below re-checks it */
    uint32_t next;
    bool     moved;

    if (TL_PORT_POLLS) {
        (void)tl_add32_release(&event->sequence, TL_EVENT_STEP); /* pairs with prepare and wait */
        return;
    }
    do {
        next = (seen & ~(uint32_t)TL_EVENT_WAITED) + TL_EVENT_STEP;
        TL_PREEMPT_POINT(event_signal);
        if (TL_MUTANT_event_signal_relaxed)
            moved = tl_cas_weak32_relaxed(&event->sequence, &seen, next);
        else /* pairs with prepare and wait */
            moved = tl_cas_weak32_release(&event->sequence, &seen, next);
    } while (!moved);
    if (seen & TL_EVENT_WAITED)
        tl_port_wake(&event->sequence, UINT32_MAX);
}

#endif
