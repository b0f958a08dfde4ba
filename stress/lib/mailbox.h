/* mailbox.h: slots through which workers hand blocks over.
 * A slot holds a pointer or NULL. It orders what a hand-over must order, the giver's writes before
 * the taker's reads, and nothing in the other direction: an order from taker back to giver is the
 * heap's to make, and the suites must be able to see that it is missing.
 * Who with whom: any number of givers and takers on each slot. */
#ifndef STRESS_LIB_MAILBOX_H
#define STRESS_LIB_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define ST_MAILBOX_SLOTS_MAX 4096u

struct st_mailbox {
    unsigned        slots; /* constant while in use: 1 .. ST_MAILBOX_SLOTS_MAX */
    _Atomic(void *) slot[ST_MAILBOX_SLOTS_MAX];
};

/* Gives `block` and returns what lay there, NULL: nothing. Release: publishes the block; acquire:
 * receives the other. */
static inline void *st_mailbox_swap(struct st_mailbox *box, unsigned slot, void *block)
{
    return atomic_exchange_explicit(&box->slot[slot % box->slots], block, memory_order_acq_rel);
}

/* Gives `block` if the slot is empty. */
static inline bool st_mailbox_try_give(struct st_mailbox *box, unsigned slot, void *block)
{
    void *empty = NULL;
    return atomic_compare_exchange_strong_explicit(&box->slot[slot % box->slots], &empty, block,
                                                   memory_order_release, memory_order_relaxed);
}

/* Takes what lies there, NULL: nothing. */
static inline void *st_mailbox_take(struct st_mailbox *box, unsigned slot)
{
    return atomic_exchange_explicit(&box->slot[slot % box->slots], NULL, memory_order_acquire);
}

/* By the main thread, no worker runs: frees what lies there. */
struct st_run;
void st_mailbox_empty(const struct st_run *run, struct st_mailbox *box);

#endif
