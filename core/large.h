/* large.h: blocks that have a run of pages to themselves: above TL_CLASS_MAX, or aligned beyond a
 * page (R20, R23).
 *
 * A cache keeps a few of those that its thread freed last, so that a program that takes and frees
 * large blocks in turn leaves the pool's lock alone. They are BUSY, lie in cache->kept, newest
 * first, and go to the pool with whatever else the cache flushes. Context: thread. */
#ifndef TL_CORE_LARGE_H
#define TL_CORE_LARGE_H

#include "core/heap.h"

static inline size_t tl_large_pages(size_t size)
{
    return (size + TL_PAGE_SIZE - 1) >> TL_PAGE_SHIFT;
}

/* The block that the cache keeps, if it serves `size` bytes and is at most an eighth too long, as
 * among the classes; or NULL. Owner only. */
static inline struct tl_span *tl_large_take_kept(struct tl_cache *cache, size_t size)
{
    struct tl_span *span = cache->kept;
    size_t          pages = tl_large_pages(size);
    if (span == NULL || span->pages - pages > pages / 8)
        return NULL;
    cache->kept = NULL;
    tl_counter_add_owner(&cache->large_bytes, tl_span_bytes(span));
    tl_span_set_kind(span, TL_SPAN_LARGE);
    return span;
}

/* A block of `size` bytes aligned to `align` (0 or a power of two up to TALUS_ALIGN_MAX), zeroed if
 * asked: one that `cache` (NULL: none) keeps, else from the pool. In a kernel, where the caller is
 * not pinned, `cache` is not looked at. NULL: none. */
TL_SLOW void *tl_large_alloc(struct tl_heap *heap, struct tl_cache *cache, size_t size,
                             size_t align, bool zero);

/* A block of `size` bytes, above TL_CLASS_MAX, for what has outgrown its block and may grow on:
 * with room behind it where there is some. NULL: none. */
TL_SLOW void *tl_large_alloc_to_grow(struct tl_heap *heap, size_t size);

TL_SLOW void tl_large_free(struct tl_span *span);

/* The same, straight to the pool. Owner of `cache` only. */
TL_SLOW void tl_large_release(struct tl_cache *cache, struct tl_span *span);

/* Gives what `cache` keeps to the pool. Owner only. */
TL_SLOW void tl_large_release_kept(struct tl_cache *cache);

/* Resizes in place: cuts the end off, or takes in the free pages behind. False: could not, nothing
 * changed. */
TL_SLOW bool tl_large_resize(struct tl_span *span, size_t size);

/* Moves the contents of `span` to a new, larger block, by the provider's move where it can, and
 * frees `span`. NULL: no memory, nothing changed. */
TL_SLOW void *tl_large_move(struct tl_span *span, size_t size);

#endif
