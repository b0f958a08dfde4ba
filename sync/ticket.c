/* ticket.c: a kernel's lock (theory: ticket.h). Calls, not inlined: they stand in some sixty places
 * of a library whose text is scarce, and none of them is a fast path. */
#include "sync/lock.h"

#if TL_KERNEL /* a process has lock.c */

void tl_lock_acquire(struct tl_lock *lock)
{
    tl_port_lock_enter();
    TL_PREEMPT_POINT(lock_acquire);
    uint32_t ticket = tl_add32_relaxed(&lock->next, 1); /* relaxed: `serving` orders */
    if (TL_MUTANT_ticket_enter_early && ticket != 0)
        ticket--;
    while ((int32_t)(tl_load32_acquire(&lock->serving) - ticket) < 0) /* pairs with release */
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
        tl_store32_release(&lock->serving, served + 1); /* pairs with tl_lock_acquire */
    if (!TL_MUTANT_ticket_leave_early)
        tl_port_lock_leave();
}

#endif
