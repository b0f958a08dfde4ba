/* lock.c: what a contended lock does (theory: lock.h). */
#include "sync/lock.h"

#include "arch/cpu.h"

#if !TL_KERNEL /* whose lock never sleeps: ticket.h */

#if TL_DEBUG
static _Thread_local char self_mark; /* its address names the thread */

uintptr_t tl_lock_self(void)
{
    return (uintptr_t)&self_mark;
}
#endif

TL_COLD void tl_lock_acquire_slow(struct tl_lock *lock)
{
    if (TL_MUTANT_lock_no_wait)
        return;
    for (unsigned turn = 0; turn < TL_LOCK_SPINS; turn++) {
        uint32_t state = tl_load32_relaxed(&lock->state); /* relaxed: the exchange below decides */
        if (state == TL_LOCK_WAITED)
            break;
        if (state == TL_LOCK_FREE && tl_cas_weak32_acquire(&lock->state, &state, TL_LOCK_HELD))
            return; /* pairs with the release in tl_lock_release */
        tl_cpu_relax();
    }
    /* pairs with the release in tl_lock_release */
    while (tl_swap32_acquire(&lock->state, TL_LOCK_WAITED) != TL_LOCK_FREE) {
        TL_PREEMPT_POINT(lock_wait);
        tl_port_wait(&lock->state, TL_LOCK_WAITED);
    }
}

#endif
