/* fast.h: the fast paths of malloc and free, inlined into whatever function is called malloc or
 * free.
 *
 * Their text is talus/inline.h, which programs may include, too; this is what the core puts in
 * place of what they get: its structures, its atomic operations, its tests' hooks. No lock, no
 * atomic read-modify-write, no call; the rest is tail-called. R24. */
#ifndef TL_CORE_FAST_H
#define TL_CORE_FAST_H

#include "core/heap.h"
#include "core/pagemap.h"
#include "core/remote.h"
#include "core/thread.h"

#define TL_LAYOUT_POINT(name) TL_PREEMPT_POINT(name)

static TL_ALWAYS_INLINE bool tl_span_is_own(const struct tl_span  *span,
                                            const struct tl_cache *cache)
{
    return tl_equals_relaxed(&span->owner, (uintptr_t)cache) ||
           (TL_MUTANT_remote_as_own && tl_span_cut_heap(span) == cache->heap);
}

static TL_ALWAYS_INLINE void tl_free_last(struct tl_block *block, struct tl_span *span,
                                          struct tl_cache *cache)
{
    tl_free_slow_exit(block, span, cache);
}

static TL_ALWAYS_INLINE void tl_free_elsewhere(void *block, struct tl_span *span,
                                               struct tl_cache *cache)
{
    tl_free_other(block, span, cache);
}

#include <talus/inline.h>

#if TL_KERNEL

/* Calls: the one copy of each, pinned, is in api.c. */
static inline void *tl_malloc_fast(size_t size)
{
    return talus_malloc(size);
}

static inline void tl_free_fast(void *block)
{
    talus_free(block);
}

static inline void tl_free_known(struct tl_span *span, void *block)
{
    (void)span;
    talus_free(block);
}

#else

static TL_ALWAYS_INLINE void tl_free_known(struct tl_span *span, void *block)
{
    tl_free_from(tl_self, span, block);
}

#endif

/* An aligned request is one for the size rounded up. What the alignment is worth is for `slow` to
 * judge: 0, or a sum that wraps, rounds to 0 and goes there, as do those that are no power of
 * two. */
static TL_ALWAYS_INLINE void *tl_aligned_fast(size_t align, size_t size,
                                              void *(*slow)(size_t align, size_t size))
{
    if (TL_SMALL) /* whose malloc may take a block of a larger class, which is aligned to less */
        return slow(align, size);
    size_t rounded = tl_size_aligned(size, align);
    if (TL_LIKELY((align & (align - 1)) == 0 && rounded - 1 < TL_SMALL_MAX))
        return tl_malloc_fast(rounded);
    return slow(align, size);
}

#endif
