/* ticket.c: a kernel's lock (theory: ticket.h). Calls, not inlined: they stand in some sixty places
 * of a library whose text is scarce, and none of them is a fast path. */
#include "sync/lock.h"

#if TL_KERNEL /* a process has lock.c */

static inline uint32_t look(struct tl_lock *lock)
{
    if (TL_MUTANT_ticket_acquire_relaxed)
        return tl_load32_relaxed(&lock->serving);
    return tl_load32_acquire(&lock->serving); /* pairs with tl_lock_release */
}

void tl_lock_acquire(struct tl_lock *lock)
{
    tl_port_lock_enter();
    TL_PREEMPT_POINT(lock_acquire);
    uint32_t ticket = tl_add32_relaxed(&lock->next, 1); /* relaxed: `serving` orders */
    if (TL_MUTANT_ticket_enter_early && ticket != 0)
        ticket--;
    while ((int32_t)(look(lock) - ticket) < 0)
        tl_port_relax();
    TL_PREEMPT_POINT(lock_held);
}

void tl_lock_release(struct tl_lock *lock)
{
    TL_PREEMPT_POINT(lock_release);
    uint32_t served = tl_load32_relaxed(&lock->serving); /* relaxed: our own */
    if (TL_MUTANT_ticket_leave_early)
        tl_port_lock_leave();
    if (TL_MUTANT_ticket_release_relaxed)
        tl_store32_relaxed(&lock->serving, served + 1);
    else
        tl_store32_release(&lock->serving, served + 1); /* pairs with look */
    if (!TL_MUTANT_ticket_leave_early)
        tl_port_lock_leave();
}

#endif
