/* fast.h: the fast paths of malloc and free, inlined into whatever function is called malloc or
 * free.
 *
 * malloc, up to TL_SMALL_MAX: the thread's cache, the class, the list's head: pop. free: page map,
 * owner compare, push, count. No lock, no atomic read-modify-write, no call; the rest is
 * tail-called. Annotated machine code: docs/performance.md. R24. */
#ifndef TL_CORE_FAST_H
#define TL_CORE_FAST_H

#include "core/pagemap.h"
#include "core/remote.h"
#include "core/thread.h"

/* malloc when the list is empty or the size is not small. Returns NULL with errno ENOMEM. */
void *tl_malloc_medium(size_t size);
void *tl_malloc_slow(size_t size);

/* free when the span's count ran out. */
void tl_free_slow_exit(struct tl_span *span);

static TL_ALWAYS_INLINE void *tl_malloc_fast(size_t size)
{
    struct tl_cache *cache = tl_self;
    if (TL_UNLIKELY(size > TL_SMALL_MAX))
        return tl_malloc_medium(size);
    unsigned         class_id = cache->small_class[(size + TL_GRAIN - 1) >> TL_GRAIN_SHIFT];
    struct tl_block *block = cache->head[class_id];
    if (TL_UNLIKELY(block == NULL))
        return tl_malloc_slow(size);
    TL_PREEMPT_POINT(malloc_pop);
    cache->head[class_id] = tl_get(&block->next);
    return block;
}

/* An aligned request is one for the size rounded up. What the alignment is worth is for `slow` to
 * judge: 0, or a sum that wraps, rounds to 0 and goes there, as do those that are no power of
 * two. */
static TL_ALWAYS_INLINE void *tl_aligned_fast(size_t align, size_t size,
                                              void *(*slow)(size_t align, size_t size))
{
    size_t rounded = tl_size_aligned(size, align);
    if (TL_LIKELY((align & (align - 1)) == 0 && rounded - 1 < TL_SMALL_MAX))
        return tl_malloc_fast(rounded);
    return slow(align, size);
}

/* `cache` is the thread's, `span` what the page map has for `block`. */
static TL_ALWAYS_INLINE void tl_free_from(struct tl_cache *cache, struct tl_span *span, void *block)
{
    if (TL_UNLIKELY(!tl_span_is_owned_by(span, cache)) &&
        !(TL_MUTANT_remote_as_own && span->cut_heap == cache->heap)) {
        tl_free_other(block, span, cache);
        return;
    }
    struct tl_block *freed = (struct tl_block *)block;
    tl_put(&freed->next, span->own.local);
    TL_PREEMPT_POINT(free_push);
    span->own.local = freed;
    if (TL_UNLIKELY(--span->own.until_slow == 0))
        tl_free_slow_exit(span);
}

static TL_ALWAYS_INLINE void tl_free_fast(void *block)
{
    struct tl_cache *cache = tl_self;
    tl_free_from(cache, tl_page_span((uintptr_t)block), block);
}

#endif
