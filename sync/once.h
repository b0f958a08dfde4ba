/* once.h: something that is initialised once, by whoever comes first, while the others wait.
 *
 * 1 Use         if (tl_once_begin(&o)) { if (initialise()) tl_once_done(&o); else tl_once_undo(&o);
 *               }
 * 2 States      START -> RUNNING | RUNNING_WAITED -> DONE (done) | START (undo)
 * 3 Invariants  One thread at most is between begin == true and done or undo.
 * 4 Ordering    done releases what the initialiser wrote; is_done, and begin when it returns false,
 *               acquire it. undo releases and begin acquires as well: the next initialiser sees
 *               what the failed one left.
 * 5 Contexts    is_done: any. begin: thread (it may sleep). An initialiser that begins again waits
 *               for itself: forbidden. */
#ifndef TL_SYNC_ONCE_H
#define TL_SYNC_ONCE_H

#include "arch/port.h"

enum { TL_ONCE_START = 0, TL_ONCE_RUNNING = 1, TL_ONCE_RUNNING_WAITED = 2, TL_ONCE_DONE = 3 };

/* Zero-filled memory is START. */
struct tl_once {
    tl_atomic_u32 state; /* atomic: one of the above; the futex word */
};

#define TL_ONCE_INIT                  \
    {                                 \
        TL_ATOMIC_INIT(TL_ONCE_START) \
    }

/* True: initialised, and everything the initialiser wrote is visible. */
static inline bool tl_once_is_done(const struct tl_once *once)
{
    if (TL_MUTANT_once_look_relaxed)
        return tl_load32_relaxed(&once->state) == TL_ONCE_DONE;
    return tl_load32_acquire(&once->state) ==
           TL_ONCE_DONE; /* pairs with the release in tl_once_done */
}

/* True: the caller must initialise, then call tl_once_done or tl_once_undo. False: it is done;
 * waited if it was under way. */
static inline bool tl_once_begin(struct tl_once *once)
{
    uint32_t running = TL_MUTANT_once_early ? TL_ONCE_DONE : TL_ONCE_RUNNING;
    uint32_t state = tl_load32_acquire(&once->state); /* pairs with done */

    while (state != TL_ONCE_DONE) {
        TL_PREEMPT_POINT(once_begin);
        if (state == TL_ONCE_START) {
            if (tl_cas_weak32_acquire(&once->state, &state,
                                      running)) /* pairs with undo, or, failed, with done */
                return true;
        } else if (state == TL_ONCE_RUNNING_WAITED ||
                   tl_cas_weak32_acquire(&once->state, &state, TL_ONCE_RUNNING_WAITED)) {
            tl_port_wait(&once->state, TL_ONCE_RUNNING_WAITED);
            state = tl_load32_acquire(&once->state); /* pairs with done */
        }
    }
    return false;
}

/* Publishes the initialisation and wakes those who wait for it. */
static inline void tl_once_done(struct tl_once *once)
{
    uint32_t state;

    TL_PREEMPT_POINT(once_done);
    if (TL_MUTANT_once_done_relaxed)
        state = tl_swap32_relaxed(&once->state, TL_ONCE_DONE);
    else /* pairs with the acquires in tl_once_is_done and tl_once_begin */
        state = tl_swap32_release(&once->state, TL_ONCE_DONE);
    if (state == TL_ONCE_RUNNING_WAITED)
        tl_port_wake(&once->state, UINT32_MAX);
}

/* The initialisation failed: back to the start; one of those who wait tries next. */
static inline void tl_once_undo(struct tl_once *once)
{
    TL_PREEMPT_POINT(once_undo);
    /* pairs with the acquires in tl_once_begin */
    if (tl_swap32_release(&once->state, TL_ONCE_START) == TL_ONCE_RUNNING_WAITED)
        tl_port_wake(&once->state, UINT32_MAX);
}

#endif
