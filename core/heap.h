/* heap.h: a heap instance: its pool, its caches, its policy (R19, D15).
 *
 * 1 Purpose     What belongs to one heap and to no thread. The default heap is one of them, and is
 *               never destroyed.
 * 2 Life        Structures are type-stable and recycled; `id` is 0 while there is no heap in it,
 *               and never used twice, so that an old entry in a thread's table is a miss, not
 *               another heap.
 * 3 Locks       Order: tl_heaps_lock, heap->lock, pool.lock, tl_meta_lock. No lock is held over a
 *               call of the owner's.
 * 4 Contexts    thread. */
#ifndef TL_CORE_HEAP_H
#define TL_CORE_HEAP_H

#include "core/adopt.h"
#include "core/pool.h"
#include "core/report.h"
#if TL_KERNEL
#include <talus/port.h>
#endif

/* An x86 instruction is three bytes shorter that names one of a structure's first 128 bytes: so
 * what few ask for comes last. */
struct tl_heap {
    tl_atomic_word     id;        /* 0: no heap; written under tl_heaps_lock */
    tl_atomic_u32      wants;     /* what slow exits are asked for (reserve.h) */
    bool               real_time; /* constant */
    bool               panic;     /* constant */
    struct tl_lock     lock;
    struct tl_cache   *caches;      /* all; heap->lock */
    struct tl_cache   *idle;        /* heap->lock */
    struct tl_cache  **idle_end;    /* the link at the end of that list; heap->lock */
    struct tl_counter  idle_count;  /* changed under heap->lock, read as a hint */
    struct tl_counter  spans;       /* shared */
    struct tl_counter  large_bytes; /* shared: of threads without a cache; the rest: in caches */
    struct tl_reserve *reserves;    /* heap->lock */
    struct tl_inbox    inbox;       /* freed blocks without an owner; pushed and drained by
                                        * anybody */
    struct tl_heap    *next;        /* all heaps, or spare structures; tl_heaps_lock */
    struct tl_heap   **link;        /* what leads to this one of all; tl_heaps_lock */
    unsigned           cache_count; /* heap->lock */
    struct tl_pool     pool;
    struct tl_event    reserve_unused; /* a slow exit let go of one of the reserves */
#if !TL_KERNEL
    tl_ms left_ms; /* when a cache was left; 0: none since the purge thread flushed them;
                    * heap->lock */
#endif
    uintptr_t adoptions;                                                 /* heap->lock */
    bool (*on_exhausted)(void *context, talus_heap *heap, size_t bytes); /* constant */
    void *on_exhausted_context;                                          /* constant */
#if TL_KERNEL
    struct tl_cache *robbed;  /* whose inbox was last looked at for another; heap->lock */
    tl_atomic_u32    robbing; /* atomic: 1 while somebody takes from any of them */
    struct tl_cache *cpu[TALUS_CPUS_MAX]; /* by CPU, which must be pinned; tl_no_cache: none yet */
#endif
};

extern TL_HIDDEN struct tl_lock tl_heaps_lock;
extern TL_HIDDEN struct tl_heap tl_default_heap;

static inline struct tl_heap *tl_heap_of(talus_heap *handle)
{
    return (struct tl_heap *)handle;
}

static inline talus_heap *tl_heap_handle(struct tl_heap *heap)
{
    return (talus_heap *)heap;
}

/* The process's first call of talus: page map, class table, options, default heap. Any number of
 * calls; false: no memory. */
TL_SLOW bool tl_init(void);

/* Makes a structure whose id is 0 a heap. Lists it and gives it its id. */
TL_SLOW void tl_heap_init(struct tl_heap *heap, const talus_heap_options *options);

/* In small memory: the heap's one cache. False: there is no memory. */
static inline bool tl_heap_begin(struct tl_heap *heap)
{
#if TL_SMALL
    tl_poke(&heap->cpu[0], tl_cache_acquire(heap));
    return heap->cpu[0] != NULL;
#else
    (void)heap;
    return true;
#endif
}

/* Calls `visit` for each heap, with no lock held; a heap that is being visited does not end
 * meanwhile. By the purge thread alone. */
void tl_heaps_visit(void (*visit)(struct tl_heap *heap, void *context), void *context);

/* In a kernel: sees to it that what one call may need of tl_meta_new is there, out of the default
 * heap's pages; in small memory no more than the `bytes` that this call needs. Not pinned. False:
 * there is no memory. */
#if TL_KERNEL
TL_SLOW bool tl_kernel_meta_ready(size_t bytes);
#else
static inline bool tl_kernel_meta_ready(size_t bytes)
{
    (void)bytes;
    return true;
}
#endif

/* Bytes for the descriptors that the pool lacks, where one call may want so many; only small memory
 * asks, without the pool's lock. */
static inline size_t tl_kernel_meta_for(const struct tl_pool *pool, unsigned wanted)
{
    return TL_SMALL && pool->spares < wanted ? (wanted - pool->spares) * sizeof(struct tl_span) : 0;
}

/* The first of all heaps but the default one, or NULL: without a lock, for the dump. */
TL_SLOW struct tl_heap *tl_heaps_first(void);

/* Calls `visit` for each heap, the default one first; tl_heaps_lock is held by the caller. */
TL_SLOW void tl_heaps_each_locked(void (*visit)(struct tl_heap *heap));

/* The child of a fork: nobody visits, and tl_heaps_lock is free. */
void tl_heaps_fork_child(void);

/* What a heap gets its pages from unless its owner says otherwise. */
TL_SLOW const talus_provider *tl_provider_default(void);

/* Whether a heap or a reserve is alive, which begins with a word that says so; reports `misuse` if
 * not. */
TL_UNUSED static TL_INLINE_HOSTED bool tl_is_alive(const void *structure, const char *misuse)
{
    if (TL_LIKELY(structure != NULL && tl_load_relaxed((const tl_atomic_word *)structure) != 0))
        return true;
    tl_misuse_report(TALUS_MISUSE_HEAP_DESTROYED, structure, misuse);
    return false;
}

/* The same of `heap`; fails if not. */
bool tl_heap_is_live(const struct tl_heap *heap);

/* All blocks that the calling thread's cache and the idle ones hold go to their spans, and empty
 * spans to the pool. */
TL_SLOW void tl_heap_flush(struct tl_heap *heap);

/* One try to allocate with the calling thread's `cache` of `heap`, growth included; `align` as in
 * tl_heap_alloc_slow, `size` not 0. NULL: none; errno may be anything. */
TL_SLOW void *tl_heap_try_alloc(struct tl_heap *heap, struct tl_cache *cache, size_t size,
                                size_t align);

/* Allocates from `heap` with whatever cache the calling thread may use: the way of everything that
 * the fast paths are not. `align` is 0 or a power of two. Returns NULL with errno ENOMEM. */
void *tl_heap_alloc_slow(struct tl_heap *heap, size_t size, size_t align, bool zero);

/* The same after a try with the calling thread's cache failed: what this cache and the idle ones
 * hold goes back to the pool, then the owner is asked, with another try after each (R18). In a
 * kernel the pool grows first: not pinned. */
TL_SLOW void *tl_heap_alloc_again(struct tl_heap *heap, size_t size, size_t align, bool zero);

#endif
