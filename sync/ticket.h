/* ticket.h: the lock of a kernel: first come, first served, for short sections on many CPUs.
 *
 * 1 Purpose     What lock.h is to processes. Whoever holds it or waits for it is pinned, so that a
 *               waiter spins for no longer than the holders before it take. The kernel may do more
 *               around it (talus_port_lock_enter).
 * 2 States      next: the ticket to be drawn; serving: the one that may enter. Free when equal.
 * 3 Invariants  Exactly one CPU is between acquire and release: the one whose ticket is served.
 * 4 Ordering    release publishes by `serving`; acquire reads it with acquire.
 * 5 Limits      Fewer than 2^32 waiters.
 * 6 Contexts    Thread, atomic, pinned. Never interrupt: a handler may have interrupted the holder.
 * Source: Mellor-Crummey and Scott, Algorithms for scalable synchronization on shared-memory
 * multiprocessors, 1991. */
#ifndef TL_SYNC_TICKET_H
#define TL_SYNC_TICKET_H

#include "arch/port.h"

struct tl_lock {
    tl_atomic_u32 next;    /* atomic: added to by whoever comes */
    tl_atomic_u32 serving; /* atomic: written by the holder alone */
};

/* Zero-filled memory is a free lock too. */
#define TL_LOCK_INIT                         \
    {                                        \
        TL_ATOMIC_INIT(0), TL_ATOMIC_INIT(0) \
    }

/* Makes the lock free, whatever it was; nobody else may use it meanwhile. */
static inline void tl_lock_init(struct tl_lock *lock)
{
    tl_store32_relaxed(&lock->next, 0);
    tl_store32_relaxed(&lock->serving, 0);
}

/* Pins the caller and waits for the lock. Not recursive. For others: the images' own tests. */
TL_FOR_OTHERS void tl_lock_acquire(struct tl_lock *lock);

/* A hint for who only tells of it: somebody holds the lock, or waits for it. */
static inline bool tl_lock_looks_held(const struct tl_lock *lock)
{
    return tl_load32_relaxed(&lock->next) != tl_load32_relaxed(&lock->serving);
}

/* Serves the next ticket and ends the caller's pin. */
TL_FOR_OTHERS void tl_lock_release(struct tl_lock *lock);

#endif
