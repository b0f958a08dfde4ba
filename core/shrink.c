/* shrink.c: what goes back because a heap's owner says so: pages, whole blocks, blocks that are to
 * be left (R16, R17, D6). See include/talus/heap.h; the work is the pool's. */
#include "arch/port.h"
#include "core/heap.h"
#include "core/report.h"
#include "core/thread.h"

/* What the caches hold goes to the pool, so that it can go back, or serve others: that is why it is
 * done for a caller who may not block too, as an idle loop. While the pool grows the caller may be
 * the one whom the provider asked, in the midst of his own cache: then they are left alone. False:
 * nothing can go back to the provider now. */
static bool gather(struct tl_heap *heap)
{
    if (!tl_heap_is_live(heap))
        return false;
    bool may_block = tl_port_may_block();
    if (!tl_pool_is_growing(&heap->pool)) {
        /* as an idle loop may not, whose CPU keeps nothing from the others while it sleeps; in a
         * real-time heap malloc would have to look for it */
        bool keeps = may_block || heap->real_time || TL_MUTANT_idle_cpu_keeps;
        if (TL_KERNEL && !TL_SMALL && !keeps) {
            tl_thread_hand_on(heap, tl_port_pin());
            tl_port_unpin();
        }
        tl_heap_flush(heap);
    }
    return may_block;
}

TL_SLOW size_t talus_heap_trim(talus_heap *handle)
{
    struct tl_heap *heap = tl_heap_of(handle);
    return gather(heap) ? tl_pool_decay(&heap->pool, true) : 0;
}

TL_SLOW size_t talus_heap_contract(talus_heap *handle, uint32_t unused_ms)
{
    struct tl_heap *heap = tl_heap_of(handle);
    return gather(heap) ? tl_pool_contract(&heap->pool, SIZE_MAX, unused_ms) << TL_PAGE_SHIFT : 0;
}

TL_SLOW size_t talus_heap_shrink(talus_heap *handle, size_t pages)
{
    struct tl_heap *heap = tl_heap_of(handle);
    return gather(heap) ? tl_pool_shrink(&heap->pool, pages) : 0;
}

TL_SLOW bool talus_heap_drain(talus_heap *handle, const void *address, bool drain)
{
    struct tl_heap *heap = tl_heap_of(handle);
    if (!tl_heap_is_live(heap))
        return false;
    /* if not, what is left may do */
    (void)tl_kernel_meta_ready(tl_kernel_meta_for(&heap->pool, 2));
    enum tl_drain result = tl_pool_drain(&heap->pool, (uintptr_t)address, drain);
    if (result == TL_DRAIN_HOLDS_DATA)
        tl_report_line("heap '%s': the block at %p holds data of the heap's own",
                       (uintptr_t)heap->pool.name, (uintptr_t)address);
    if (result != TL_DRAIN_DONE) {
        tl_port_fail(result == TL_DRAIN_NO_MEMORY ? TL_ERROR_MEMORY : TL_ERROR_INVALID);
        return false;
    }
    if (gather(heap))
        tl_pool_decay(&heap->pool, false);
    return true;
}
