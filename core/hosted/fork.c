/* fork.c: the heaps during fork: every lock is held, so that the child finds whole structures
 * (D13). Order: docs/locks.md. */
#include "arch/port.h"
#include "core/adopt.h"
#include "core/heap.h"
#include "core/meta.h"
#include "core/purger.h"
#include "core/reserve.h"
#include "core/thread.h"

static void prepare_heap(struct tl_heap *heap)
{
    tl_lock_acquire(&heap->lock);
    tl_pool_fork_prepare(&heap->pool);
}

static void parent_heap(struct tl_heap *heap)
{
    tl_pool_fork_parent(&heap->pool);
    tl_lock_release(&heap->lock);
}

static void child_heap(struct tl_heap *heap)
{
    tl_pool_fork_child(&heap->pool);
    if (!TL_MUTANT_fork_lock_held)
        tl_lock_init(&heap->lock);
    tl_reserve_fork_child(heap);
    tl_adopt_fork_child(heap, tl_thread_cache_of(heap));
}

void tl_fork_prepare(void)
{
    tl_lock_acquire(&tl_heaps_lock);
    tl_heaps_each_locked(prepare_heap);
    tl_meta_acquire();
}

void tl_fork_parent(void)
{
    tl_meta_release();
    tl_heaps_each_locked(parent_heap);
    tl_lock_release(&tl_heaps_lock);
}

/* The child has one thread; what the others had in hand when they vanished is lost, and stays
 * untouched. */
void tl_fork_child(void)
{
    tl_lock_init(&tl_meta_lock);
    tl_heaps_each_locked(child_heap);
    tl_purger_fork_child();
    tl_heaps_fork_child();
}
