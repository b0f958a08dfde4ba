/* percpu.c: which caches the calling thread may use in a kernel: those of its CPU, while it is
 * pinned (D8). The contract is thread.h's.
 *
 * A cache is made, or taken over from a CPU that is gone, when its CPU first needs it. Nobody but a
 * thread pinned to a CPU touches the CPU's caches, and a pinned thread is the only one on its CPU:
 * so what hosted threads own by being alone, a CPU owns by the pin. */
#include "core/adopt.h"
#include "core/heap.h"
#include "core/large.h"
#include "core/thread.h"

#if !TL_SMALL
#define NO_HEAP ((struct tl_heap *)(uintptr_t)1) /* equal to no heap, not even to NULL */

struct tl_cache tl_stand_ins[TL_STAND_INS] = { { .heap = NO_HEAP } };
#endif

static struct tl_cache *cache_on(struct tl_heap *heap, unsigned cpu)
{
    struct tl_cache *cache = heap->cpu[cpu];
    if (TL_UNLIKELY(cache == &tl_no_cache)) {
        cache = tl_cache_acquire(heap);
        if (cache != NULL)
            tl_poke(&heap->cpu[cpu], cache);
    }
    return cache;
}

struct tl_cache *tl_thread_cache_of(struct tl_heap *heap)
{
    unsigned         cpu = tl_port_pin();
    struct tl_cache *cache = heap->cpu[cpu];
    tl_port_unpin(); /* the caller's own pin holds on */
    return cache != &tl_no_cache ? cache : NULL;
}

struct tl_cache *tl_thread_cache_for_free(struct tl_heap *heap)
{
    unsigned         cpu = tl_port_pin();
    struct tl_cache *cache = cache_on(heap, cpu);
    tl_port_unpin();
    return cache;
}

struct tl_cache *tl_thread_enter(struct tl_heap *heap)
{
    struct tl_cache *cache = cache_on(heap, tl_port_pin());
    if (TL_UNLIKELY(cache == NULL))
        tl_port_unpin();
    return cache;
}

void tl_thread_let_go(struct tl_cache *cache)
{
    (void)cache;
    tl_port_unpin();
}

TL_NOINLINE void tl_thread_hand_on(struct tl_heap *heap, unsigned cpu)
{
    struct tl_cache *cache = heap->cpu[cpu];
    if (!TL_MUTANT_handed_on_kept)
        tl_poke(&heap->cpu[cpu], &tl_no_cache);
    if (cache != &tl_no_cache)
        tl_cache_leave(cache);
}

static unsigned cpu_gone; /* tl_heaps_lock */

static void hand_on_of_gone(struct tl_heap *heap)
{
    tl_thread_hand_on(heap, cpu_gone);
}

TL_SLOW void talus_kernel_cpu_gone(unsigned cpu)
{
    if (cpu >= TALUS_CPUS_MAX || TL_SMALL) /* the only one does not go */
        return;
    tl_lock_acquire(&tl_heaps_lock);
    cpu_gone = cpu;
    tl_heaps_each_locked(hand_on_of_gone);
    tl_lock_release(&tl_heaps_lock);
}
