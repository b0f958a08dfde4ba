/* slots.h: a fixed number of places for pointers, which any context may take from and put into.
 *
 * 1 Purpose     What an interrupt handler needs is set aside beforehand (the reserve, D7).
 * 2 States      A slot is empty (0) or full (a pointer). full -> empty by one exchange, empty ->
 *               full by one compare-exchange, so that of all who want one slot exactly one has it,
 *               interrupted at any instruction or not.
 * 3 Invariants  A pointer is in one slot at most, from the put that found an empty slot to the take
 *               that got it. Nothing is linked, nothing is read through a pointer: no ABA.
 * 4 Bound       Take and put look at each slot once at most, from `start` on around to it, and
 *               never go back: a slot that somebody else was faster at is passed over. So both are
 *               wait-free, but for the CPU's own retries of one exchange.
 * 5 Answer      No pointer found means that each slot was empty at the moment it was looked at, not
 *               that all were at once. Alike for "no empty slot".
 * 6 Ordering    Put releases what the pointer leads to, take acquires it.
 * 7 Contexts    any, NMI included. */
#ifndef TL_SYNC_SLOTS_H
#define TL_SYNC_SLOTS_H

#include "arch/atomic.h"

struct tl_slots {
    tl_atomic_word *slot;  /* constant; each atomic: 0 or a pointer */
    size_t          count; /* constant; not 0 */
};

/* Takes one pointer, the first found from slot `start` (below count) on, or NULL. */
static inline void *tl_slots_take(const struct tl_slots *slots, size_t start)
{
    size_t at = start;

    do {
        tl_atomic_word *slot = &slots->slot[at];
        uintptr_t       found = tl_load_relaxed(slot); /* relaxed: the exchange decides */
        if (found != 0) {
            TL_PREEMPT_POINT(slots_take);
            if (TL_MUTANT_slots_take_split) {
                found = tl_load_acquire(slot);
                TL_PREEMPT_POINT(slots_take_split);
                tl_store_relaxed(slot, 0);
            } else if (TL_MUTANT_slots_take_relaxed) {
                found = tl_swap_relaxed(slot, 0);
            } else {
                found = tl_swap_acquire(slot, 0); /* pairs with the release of the put */
            }
            if (TL_LIKELY(found != 0))
                return (void *)found;
        }
        if (++at == slots->count)
            at = 0;
    } while (at != start);
    return NULL;
}

/* Puts `pointer`, not NULL, into the first empty slot from `start` on. False: none was empty. */
static inline bool tl_slots_put(const struct tl_slots *slots, size_t start, void *pointer)
{
    size_t at = start;

    do {
        tl_atomic_word *slot = &slots->slot[at];
        uintptr_t       found = tl_load_relaxed(slot); /* relaxed: the exchange decides */
        if (found == 0) {
            bool won;
            TL_PREEMPT_POINT(slots_put);
            if (TL_MUTANT_slots_put_store) {
                tl_store_release(slot, (uintptr_t)pointer);
                won = true;
            } else if (TL_MUTANT_slots_put_relaxed) {
                won = tl_cas_relaxed(slot, &found, (uintptr_t)pointer);
            } else {
                won = tl_cas_release(slot, &found,
                                     (uintptr_t)pointer); /* pairs with the take's acquire */
            }
            if (TL_LIKELY(won))
                return true;
        }
        if (++at == slots->count)
            at = 0;
    } while (at != start);
    return false;
}

/* Slots that are full: right for each at the moment that it is looked at. */
static inline size_t tl_slots_full(const struct tl_slots *slots)
{
    size_t full = 0;

    for (size_t at = 0; at < slots->count; at++)
        full += tl_load_relaxed(&slots->slot[at]) != 0; /* relaxed: a number */
    return full;
}

#endif
