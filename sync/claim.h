/* claim.h: who may touch a cache: its living owner, or the one who claimed it while it was idle.
 *
 * 1 Purpose     A thread's cache outlives the thread. Later threads take it over whole, adopt spans
 *               from it, drain its inbox:
 *               each of them must first be the only one.
 * 2 States      IDLE -> CLAIMED (try) -> IDLE (drop) | LIVE (enter)     LIVE -> IDLE (leave)
 *               LOST: set after a fork, final
 * 3 Invariants  LIVE and CLAIMED name exactly one thread, and that thread alone touches the cache's
 *               plain fields.
 * 4 Ordering    leave and drop release what their caller wrote; try acquires it.
 * 5 Locks       None; never waits. A failed try means that somebody else has it: go on to the next
 *               one.
 * 6 Contexts    Thread or atomic. */
#ifndef TL_SYNC_CLAIM_H
#define TL_SYNC_CLAIM_H

#include "arch/atomic.h"

enum { TL_IDLE = 0, TL_LIVE = 1, TL_CLAIMED = 2, TL_LOST = 3 };

struct tl_claim {
    tl_atomic_u32
        state; /* atomic: one of the above; out of IDLE by anybody's exchange, else by the holder
                * alone */
};

/* A hint, unless the caller holds the claim. */
static inline uint32_t tl_claim_state(const struct tl_claim *claim)
{
    return tl_load32_relaxed(&claim->state); /* relaxed: whoever acts on it claims first */
}

/* IDLE to CLAIMED. True: the caller now is the only one who may touch what the claim guards. */
static inline bool tl_claim_try(struct tl_claim *claim)
{
    uint32_t state =
        tl_load32_relaxed(&claim->state); /* relaxed: spares a failing exchange, decides nothing */

    if (state != TL_IDLE)
        return false;
    TL_PREEMPT_POINT(claim_try);
    if (TL_MUTANT_claim_no_cas) {
        tl_store32_relaxed(&claim->state, TL_CLAIMED);
        return true;
    }
    if (TL_MUTANT_claim_try_relaxed)
        return tl_cas32_relaxed(&claim->state, &state, TL_CLAIMED);
    return tl_cas32_acquire(&claim->state, &state, TL_CLAIMED); /* pairs with leave and drop */
}

/* CLAIMED to IDLE, by the claimer, with everything that it changed. */
static inline void tl_claim_drop(struct tl_claim *claim)
{
    TL_ASSERT(tl_claim_state(claim) == TL_CLAIMED || TL_MUTANT_claim_no_cas);
    if (TL_MUTANT_claim_drop_relaxed)
        tl_store32_relaxed(&claim->state, TL_IDLE);
    else
        tl_store32_release(&claim->state, TL_IDLE); /* pairs with the acquire in tl_claim_try */
}

/* CLAIMED to LIVE: the claimer becomes the owner. */
static inline void tl_claim_enter(struct tl_claim *claim)
{
    TL_ASSERT(tl_claim_state(claim) == TL_CLAIMED || TL_MUTANT_claim_no_cas);
    tl_store32_relaxed(&claim->state, TL_LIVE); /* relaxed: nobody acquires LIVE */
}

/* LIVE to IDLE: the owner goes, and leaves everything that it wrote to the next claimer. */
static inline void tl_claim_leave(struct tl_claim *claim)
{
    TL_ASSERT(tl_claim_state(claim) == TL_LIVE || TL_MUTANT_claim_no_cas);
    TL_PREEMPT_POINT(claim_leave);
    if (TL_MUTANT_claim_leave_relaxed)
        tl_store32_relaxed(&claim->state, TL_IDLE);
    else
        tl_store32_release(&claim->state, TL_IDLE); /* pairs with the acquire in tl_claim_try */
}

/* To LOST, for good: in the child of a fork, for caches whose owner vanished in the midst of
 * something. */
static inline void tl_claim_lose(struct tl_claim *claim)
{
    tl_store32_relaxed(
        &claim->state,
        TL_LOST); /* relaxed: the child has one thread, and it never looks inside again */
}

#endif
