/* purger.h: the thread that gives pages back while nobody else comes by (R16, D6); only where
 * TALUS_OPTIONS says purge_thread=1.
 *
 * 1 Purpose     Decay is done by passers-by (pool.h), so that a process which falls silent keeps
 *               its dirty pages. This thread does for every heap what passers-by do: it flushes
 *               idle caches and purges. It allocates and frees nothing itself and has no cache.
 * 2 States      NONE (not asked for, or the child of a fork); ASLEEP <-> AWAKE. Who leaves dirt in
 *               a pool, or a cache, turns ASLEEP to AWAKE and wakes it. AWAKE it sleeps the decay
 *               time, purges, and goes on so until nothing is dirty.
 * 3 Invariants  While it sleeps without end no heap holds dirt. So an idle process has no wakeups.
 * 4 Ordering    The thread stores ASLEEP, then looks at each heap under its locks. Who leaves dirt
 *               loads the state under the same lock: his dirt came before that look, which saw it,
 *               or his load after it, and sees ASLEEP. So the accesses to the state order nothing
 *               and are relaxed.
 * 5 Locks       None of its own, and none over a call of a provider's. A heap that it works on does
 *               not end meanwhile (tl_heaps_visit).
 * 6 End         It does not keep a process alive: when the first thread has ended, it looks every
 *               decay time whether others are left, and ends after the last one.
 * 7 Contexts    notice: thread, under the lock of what was left. */
#ifndef TL_CORE_PURGER_H
#define TL_CORE_PURGER_H

#include "arch/port.h"

enum { TL_PURGER_NONE = 0, TL_PURGER_AWAKE = 1, TL_PURGER_ASLEEP = 2 };

extern TL_HIDDEN tl_atomic_u32 tl_purger_state; /* atomic: one of the above; the futex word */

/* Starts the thread; one line on standard error if that fails. */
void tl_purger_start(void);

TL_COLD void tl_purger_wake(void);

/* To be called after dirt or an idle cache was left, under the pool's or the heap's lock. */
static inline void tl_purger_notice(void)
{
    if (!TL_KERNEL && TL_UNLIKELY(tl_load32_relaxed(&tl_purger_state) == TL_PURGER_ASLEEP))
        tl_purger_wake();
}

/* The child of a fork has no such thread. */
void tl_purger_fork_child(void);

#endif
