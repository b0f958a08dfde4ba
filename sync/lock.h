/* lock.h: a mutual exclusion lock for short sections, fit for more threads than CPUs.
 *
 * 1 Purpose     Guards the page pool and other slow-path state. Uncontended: one compare-exchange
 *               in, one exchange out.
 * 2 States      FREE, HELD, WAITED (held, and someone may sleep). A sleeper always re-enters by
 *               setting WAITED, since it cannot know whether others sleep still; the price is at
 *               most one needless wake.
 * 3 Invariants  Exactly one thread is between acquire and release. state == WAITED whenever a
 *               thread sleeps and nobody is on the way to wake it.
 * 4 Ordering    Acquire pairs with release: what was written under the lock is seen under the lock.
 * 5 Spinning    Bounded (TL_LOCK_SPINS), and none while someone sleeps: the holder may have lost
 *               its CPU.
 * 6 Contexts    Thread. Never interrupt: a handler may have interrupted the holder.
 * 7 Fork        A child re-initialises (tl_lock_init) every lock that its parent's threads may have
 *               held. */
#ifndef TL_SYNC_LOCK_H
#define TL_SYNC_LOCK_H

#include "arch/port.h"

#if TL_KERNEL
#include "sync/ticket.h"
#else

enum { TL_LOCK_FREE = 0, TL_LOCK_HELD = 1, TL_LOCK_WAITED = 2 };

/* Turns of a contended acquire before it sleeps: about a microsecond, what a short section needs
 * and a sleep costs. */
#ifndef TL_LOCK_SPINS /* models, where a turn is long, set fewer */
#define TL_LOCK_SPINS 40
#endif

struct tl_lock {
    tl_atomic_u32 state; /* atomic: FREE, HELD, WAITED; the futex word */
#if TL_DEBUG
    tl_atomic_word
        holder; /* atomic: who holds it (tl_lock_self), 0: nobody; written by the holder */
#endif
};

/* Zero-filled memory is a free lock too. */
#if TL_DEBUG
#define TL_LOCK_INIT                                    \
    {                                                   \
        TL_ATOMIC_INIT(TL_LOCK_FREE), TL_ATOMIC_INIT(0) \
    }
#else
#define TL_LOCK_INIT                 \
    {                                \
        TL_ATOMIC_INIT(TL_LOCK_FREE) \
    }
#endif

TL_EXTERN_C void tl_lock_acquire_slow(struct tl_lock *lock); /* lock.c */

#if TL_DEBUG
TL_EXTERN_C uintptr_t
tl_lock_self(void); /* lock.c: a word that names the calling thread, never 0 */

static inline void tl_lock_taken(struct tl_lock *lock)
{
    tl_store_relaxed(&lock->holder, tl_lock_self());
}

/* Stops the program unless the calling thread holds the lock. */
static inline void tl_lock_assert_held(struct tl_lock *lock)
{
    TL_ASSERT(tl_load_relaxed(&lock->holder) == tl_lock_self());
}

static inline void tl_lock_assert_not_mine(struct tl_lock *lock)
{
    TL_ASSERT(tl_load_relaxed(&lock->holder) != tl_lock_self());
}

static inline void tl_lock_leaving(struct tl_lock *lock)
{
    tl_lock_assert_held(lock);
    tl_store_relaxed(&lock->holder, 0);
}
#else
#define tl_lock_taken(lock)           ((void)(lock))
#define tl_lock_assert_held(lock)     ((void)(lock))
#define tl_lock_assert_not_mine(lock) ((void)(lock))
#define tl_lock_leaving(lock)         ((void)(lock))
#endif

/* Makes the lock free, whatever it was. For new memory and for the child of a fork: nobody else may
 * use it meanwhile. */
static inline void tl_lock_init(struct tl_lock *lock)
{
    tl_store32_relaxed(&lock->state, TL_LOCK_FREE);
#if TL_DEBUG
    tl_store_relaxed(&lock->holder, 0);
#endif
}

/* A hint for who only tells of it. */
static inline bool tl_lock_looks_held(const struct tl_lock *lock)
{
    return tl_load32_relaxed(&lock->state) != TL_LOCK_FREE;
}

/* Returns true if the lock was free and is now the caller's; never waits. */
static inline bool tl_lock_try_acquire(struct tl_lock *lock)
{
    uint32_t state = TL_LOCK_FREE;
    bool     taken; /* the exchanges pair with the release in tl_lock_release */

    if (TL_MUTANT_lock_try_weak)
        taken = tl_cas_weak32_acquire(&lock->state, &state, TL_LOCK_HELD);
    else if (TL_MUTANT_lock_acquire_relaxed)
        taken = tl_cas32_relaxed(&lock->state, &state, TL_LOCK_HELD);
    else
        taken = tl_cas32_acquire(&lock->state, &state, TL_LOCK_HELD);
    if (!taken)
        return false;
    tl_lock_taken(lock);
    return true;
}

/* Waits for the lock and takes it. Not recursive: a second acquire by the holder never returns
 * (debug builds stop). */
static inline void tl_lock_acquire(struct tl_lock *lock)
{
    tl_lock_assert_not_mine(lock);
    TL_PREEMPT_POINT(lock_acquire);
    if (TL_UNLIKELY(!tl_lock_try_acquire(lock))) {
        tl_lock_acquire_slow(lock);
        tl_lock_taken(lock);
    }
    TL_PREEMPT_POINT(lock_held);
}

/* Frees the lock and wakes one sleeper if there may be any. Another thread may own the lock, or
 * have freed its memory, by the time of the wake: only the address is used then. */
static inline void tl_lock_release(struct tl_lock *lock)
{
    uint32_t state;

    tl_lock_leaving(lock);
    TL_PREEMPT_POINT(lock_release);
    if (TL_MUTANT_lock_release_relaxed)
        state = tl_swap32_relaxed(&lock->state, TL_LOCK_FREE);
    else /* pairs with the acquires */
        state = tl_swap32_release(&lock->state, TL_LOCK_FREE);
    TL_ASSERT(state != TL_LOCK_FREE);
    if (TL_UNLIKELY(state == TL_LOCK_WAITED) && !TL_MUTANT_lock_no_wake)
        tl_port_wake(&lock->state, 1);
}

#endif /* TL_KERNEL */

#endif
