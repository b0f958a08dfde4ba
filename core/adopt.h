/* adopt.h: caches come and go with their threads (D4).
 *
 * 1 Purpose     A thread that ends leaves its cache IDLE, with its spans and lists; the next new
 *               thread takes it over whole. A thread short of a class takes blocks, or a span, out
 *               of idle caches. Nothing is walked at exit but the blocks of empty spans beyond a
 *               bound.
 * 2 States      LIVE (a thread's) -> IDLE -> CLAIMED -> IDLE | LIVE; LOST after a fork
 *               (sync/claim.h). Whoever wants anything of an idle cache claims it first, and is its
 *               owner until he lets go.
 * 3 Locks       heap->lock: both lists of caches. A claim is taken under it, used without it.
 * 4 Ordering    leave and drop release, try acquires: the claimer sees all that the owner before
 *               him wrote. A span that changes hands gets its new owner while its old cache is
 *               claimed.
 * 5 Contexts    thread. */
#ifndef TL_CORE_ADOPT_H
#define TL_CORE_ADOPT_H

#include "core/cache.h"

/* A LIVE cache of `heap` for the calling thread: an idle one, or a new one. NULL: no memory for it.
 * */
TL_SLOW struct tl_cache *tl_cache_acquire(struct tl_heap *heap);

/* Leaves a LIVE cache to whoever needs one next. Calls no provider. */
TL_SLOW void tl_cache_leave(struct tl_cache *cache);

/* A list of blocks of the class out of an idle cache, or NULL. */
TL_SLOW struct tl_block *tl_adopt_blocks(struct tl_cache *cache, unsigned class_id);

/* Flushes idle caches that nobody took over for the decay time; tl_adopt_flush_idle: any of them.
 * In a kernel a piece of each (tl_cache_flush); true: there is more. */
TL_SLOW void tl_adopt_trim_idle(struct tl_heap *heap);
TL_SLOW bool tl_adopt_flush_idle(struct tl_heap *heap);

#if TL_KERNEL
/* When memory is short: `cache`, if it has nothing left that arrived, takes over what lies in the
 * inbox of another one, whose CPU may not come by for long: one whose newest batch is of the class,
 * or any. `*left` are looked at at most, each time others; SIZE_MAX at first. False: there was
 * nothing. heap->lock is taken and released. */
TL_SLOW bool tl_adopt_arrivals(struct tl_cache *cache, unsigned class_id, bool any, size_t *left);
#endif

/* The end of a heap: its caches are kept for other heaps. */
TL_SLOW void tl_caches_recycle(struct tl_heap *heap);

/* In the child of a fork: all caches but `self` that were in use are lost. */
void tl_adopt_fork_child(struct tl_heap *heap, struct tl_cache *self);

#endif
