/* thread.h: which caches the calling thread owns.
 *
 * 1 Purpose     Thread-local storage holds one pointer: the thread's cache of the default heap
 *               (D2). Caches of other heaps are in a table that hangs off it, by heap id.
 * 2 States      tl_no_cache: the thread has not allocated yet. A cache. tl_gone_cache: the thread
 *               is ending, its cache is idle already; what later destructors allocate comes from a
 *               cache borrowed for the call, and what they free goes straight to the owner's inbox.
 *               The two stand-ins have empty lists and own nothing, so that the fast paths need no
 *               test for them.
 * 3 Contexts    thread. */
#ifndef TL_CORE_THREAD_H
#define TL_CORE_THREAD_H

#include "core/cache.h"

struct tl_heap_entry {
    uintptr_t        heap_id; /* 0: empty */
    struct tl_heap  *heap;
    struct tl_cache *cache;
};

/* Beside tl_self, which talus/layout.h declares. One array, so that what every program reads of the
 * first shares a page with data that is written anyway, and the rest stays untouched. */
#if TL_SMALL /* each heap has its cache from the beginning */
#define tl_no_cache (*(struct tl_cache *)NULL)
#else
#define TL_STAND_INS (TL_KERNEL ? 1u : 2u)
extern TL_HIDDEN struct tl_cache tl_stand_ins[TL_STAND_INS];
#define tl_no_cache  (tl_stand_ins[0])
#endif
#define tl_gone_cache (tl_stand_ins[1]) /* not in a kernel, whose CPUs hand their caches on */

/* The calling thread's cache of `heap`, or NULL when it has none. */
struct tl_cache *tl_thread_cache_of(struct tl_heap *heap);

/* The same, for a free: made if need be, so that a thread that only frees sends whole batches home
 * and not single blocks. NULL: the thread is ending, or there is no memory for a cache; the block
 * goes to its owner by itself. Keeps errno. */
struct tl_cache *tl_thread_cache_for_free(struct tl_heap *heap);

/* The same, for an allocation, made if need be; for a thread that is ending, an idle one borrowed
 * until tl_thread_let_go. NULL: no memory. */
struct tl_cache *tl_thread_enter(struct tl_heap *heap);
void             tl_thread_let_go(struct tl_cache *cache);

/* In a kernel: the cache of the CPU, which is the calling one or gone, is idle from now on, and
 * serves whoever is short; when the CPU needs one again it takes over an idle one. */
TL_SLOW void tl_thread_hand_on(struct tl_heap *heap, unsigned cpu);

/* Asks the system port to hold the heaps during fork; once, later calls do nothing. */
void tl_thread_fork_handlers(void);

/* Called by the system port when the calling thread ends; it may still allocate and free
 * afterwards. */
TL_SLOW void tl_thread_exit(void);

#endif
