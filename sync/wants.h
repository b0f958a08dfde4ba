/* wants.h: a request that any context may make and a thread answers later, and that is never lost.
 *
 * 1 Purpose     Who runs short of something may not allocate; a slow exit may, and looks at one
 *               word. So there are two: `wanted`, of the one thing that is short, and `wants`, of
 *               who answers for several of them.
 * 2 States      wanted: 0 -> 1 (ask) -> 0 (begin, before the answer looks at what is short)
 *               wants:  NOTHING -> NOW | LATER (raise) -> NOTHING (take, before the answer looks at
 *               any `wanted`)
 * 3 Asking      Make short, then ask; who finds that nobody had asked raises. Of an ask and a begin
 *               one is later, and acquires what the other released: the answer sees the shortage,
 *               or the asker finds 0 and raises anew.
 * 4 Raising     Always by a read-modify-write, and by one that succeeds: the take reads the last
 *               one alone, and acquires through it what all that raised before had to say. A store
 *               would cut them off, an exchange that fails would say nothing.
 * 5 Locks       None.
 * 6 Contexts    ask, now, too: any, NMI included. begin, take: any number of threads, too. */
#ifndef TL_SYNC_WANTS_H
#define TL_SYNC_WANTS_H

#include "arch/atomic.h"

enum { TL_WANTS_NOTHING = 0, TL_WANTS_NOW = 1, TL_WANTS_LATER = 2 };

/* True: nobody had asked since the last begin, so that the caller is to raise. */
static TL_ALWAYS_INLINE bool tl_wanted_ask(tl_atomic_u32 *wanted)
{
    if (TL_MUTANT_wanted_ask_split) {
        uint32_t before = tl_load32_acquire(wanted);
        TL_PREEMPT_POINT(wanted_ask_split);
        tl_store32_release(wanted, 1);
        return before == 0;
    }
    return tl_swap32_acq_rel(wanted, 1) == 0; /* pairs with tl_wanted_begin, both ways */
}

/* From here on an ask counts as a new one. */
static TL_ALWAYS_INLINE void tl_wanted_begin(tl_atomic_u32 *wanted)
{
    if (TL_MUTANT_wanted_begin_relaxed)
        (void)tl_swap32_relaxed(wanted, 0);
    else
        (void)tl_swap32_acq_rel(wanted, 0); /* pairs with tl_wanted_ask, both ways */
}

/* Something is to be answered by the next who looks. */
static TL_ALWAYS_INLINE void tl_wants_now(tl_atomic_u32 *wants)
{
    if (TL_MUTANT_wants_now_store)
        tl_store32_release(wants, TL_WANTS_NOW);
    else
        (void)tl_swap32_release(wants, TL_WANTS_NOW); /* pairs with tl_wants_take */
}

/* The same, but what is wanted already stays: sooner or later than `when`. */
static TL_ALWAYS_INLINE void tl_wants_too(tl_atomic_u32 *wants, uint32_t when)
{
    uint32_t present = tl_load32_relaxed(wants); /* relaxed: the exchange re-checks it */
    uint32_t next;
    do {
        next = present == TL_WANTS_NOTHING ? when : present;
    } while (!tl_cas_weak32_release(wants, &present, next)); /* pairs with tl_wants_take */
}

/* Whoever comes next answers what was raised before. */
static TL_ALWAYS_INLINE void tl_wants_take(tl_atomic_u32 *wants)
{
    if (TL_MUTANT_wants_take_relaxed)
        (void)tl_swap32_relaxed(wants, TL_WANTS_NOTHING);
    else
        (void)tl_swap32_acquire(wants, TL_WANTS_NOTHING); /* pairs with tl_wants_now and _too */
}

#endif
