/* mpsc.h: the inbox: a list that many push on and one empties, in batches.
 *
 * 1 Purpose     Brings freed blocks home to their owner: one atomic push per batch, one exchange
 *               for everything that arrived.
 * 2 Shape       A batch is a chain of blocks through `next`, NULL at its end, named by its first
 *               block. Batches hang together through `next_batch` of their first blocks. The
 *               inbox's head is the newest batch.
 * 3 Invariants  A block is in at most one batch, a batch in at most one inbox. Nobody but the
 *               drainer follows a link of what was pushed, and only after it took the whole list:
 *               so there is no pop, and no ABA to defend against.
 * 4 Ordering    The push releases the blocks with all that the pusher wrote and saw; the drain
 *               acquires them. A batch below the newest is acquired too: each push continues the
 *               release sequence of the one it builds on.
 * 5 Locks       None. A push retries only when another push or a drain got in between, or when the
 *                 CPU's exchange failed for a reason of its own (an interrupt).
 * 6 Contexts    Push and is_empty: any, NMI included. Drain: the owner alone (or whoever claimed
 *               the owner); where there is none, any thread: the exchange gives each list to one.
 *               */
#ifndef TL_SYNC_MPSC_H
#define TL_SYNC_MPSC_H

#include "arch/atomic.h"

struct tl_block {
    TL_PLAIN(struct tl_block *) next; /* holder of the batch: the next block of it */
    TL_PLAIN(struct tl_block *)
    next_batch; /* first block only; pusher, then drainer: the batch pushed before */
};

struct tl_inbox {
    tl_atomic_word
        head; /* atomic: first block of the newest batch, 0: empty; pushed by many, emptied by
               * one */
};

/* Adds `batch` (not NULL). Returns true if the inbox was empty, so that the caller may want to tell
 * the owner. */
static inline bool tl_inbox_push_mpsc(struct tl_inbox *inbox, struct tl_block *batch)
{
    uintptr_t head = tl_load_relaxed(&inbox->head); /* relaxed: the exchange below re-checks it */
    bool      pushed;

    tl_put(&batch->next_batch, (struct tl_block *)head);
    for (;;) {
        TL_PREEMPT_POINT(inbox_push);
        if (TL_MUTANT_inbox_push_relaxed)
            pushed = tl_cas_weak_relaxed(&inbox->head, &head, (uintptr_t)batch);
        else
            pushed = tl_cas_weak_release(&inbox->head, &head,
                                         (uintptr_t)batch); /* pairs with the drain's acquire */
        if (TL_LIKELY(pushed))
            return head == 0;
        if (!TL_MUTANT_inbox_push_lost)
            tl_put(&batch->next_batch, (struct tl_block *)head);
    }
}

/* Takes everything. Returns the newest batch, linked to older ones by next_batch, or NULL. */
static inline struct tl_block *tl_inbox_drain(struct tl_inbox *inbox)
{
    uintptr_t head;

    TL_PREEMPT_POINT(inbox_drain);
    if (TL_MUTANT_inbox_drain_split) {
        head = tl_load_acquire(&inbox->head);
        TL_PREEMPT_POINT(inbox_drain_split);
        tl_store_relaxed(&inbox->head, 0);
    } else if (TL_MUTANT_inbox_drain_relaxed) {
        head = tl_swap_relaxed(&inbox->head, 0);
    } else {
        head = tl_swap_acquire(&inbox->head, 0); /* pairs with the release of every push */
    }
    return (struct tl_block *)head;
}

/* A hint: true may be out of date at once, false stays right until the owner drains. */
static inline bool tl_inbox_is_empty(const struct tl_inbox *inbox)
{
    return tl_load_relaxed(&inbox->head) == 0; /* relaxed: nothing is read through it */
}

#endif
