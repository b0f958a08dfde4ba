/* large.c: blocks with a run to themselves. See large.h. */
#include "core/large.h"
#include "arch/port.h"
#include "core/pagemap.h"
#include "core/reserve.h"
#include "core/thread.h"

/* Counts bytes taken, or, negated, freed, without a locked instruction where there is a cache. */
static void count(struct tl_heap *heap, struct tl_cache *cache, uintptr_t bytes)
{
    if (cache != NULL)
        tl_counter_add_owner(&cache->large_bytes, bytes);
    else
        tl_counter_add_shared(&heap->large_bytes, bytes);
}

/* The same for a caller that is not pinned: in a kernel with whatever CPU's cache. */
static void count_here(struct tl_heap *heap, struct tl_cache *cache, uintptr_t bytes)
{
    (void)tl_port_pin();
    count(heap, TL_KERNEL ? tl_thread_cache_of(heap) : cache, bytes);
    tl_port_unpin();
}

/* Makes a run, if there is one, a large block. */
static struct tl_span *as_large(struct tl_heap *heap, struct tl_cache *cache, struct tl_span *span)
{
    if (span != NULL) {
        tl_span_set_kind(span, TL_SPAN_LARGE);
        count_here(heap, cache, tl_span_bytes(span));
    }
    return span;
}

/* The block that the caller's cache keeps, if it suits. */
static inline struct tl_span *take_kept(struct tl_heap *heap, struct tl_cache *cache, size_t size)
{
    (void)tl_port_pin();
    if (TL_KERNEL)
        cache = tl_thread_cache_of(heap);
    struct tl_span *span = cache != NULL ? tl_large_take_kept(cache, size) : NULL;
    tl_port_unpin();
    return span;
}

void *tl_large_alloc(struct tl_heap *heap, struct tl_cache *cache, size_t size, size_t align,
                     bool zero)
{
    size_t          align_pages = align > TL_PAGE_SIZE ? align >> TL_PAGE_SHIFT : 1;
    size_t          pages = tl_large_pages(size);
    struct tl_span *span = align_pages == 1 ? take_kept(heap, cache, size) : NULL;
    if (span == NULL) {
        if (cache != NULL)
            tl_reserve_look(cache);
        span = as_large(heap, cache, tl_pool_take(&heap->pool, pages, align_pages));
    }
    if (span == NULL)
        return NULL;
    if (zero)
        memset((void *)(span->start + ((size_t)tl_span_dirty_from(span) << TL_PAGE_SHIFT)), 0,
               tl_span_dirty(span) << TL_PAGE_SHIFT);
    return (void *)span->start;
}

/* Of a run that is counted no more. */
static void give_back(struct tl_span *span, size_t dirty)
{
    tl_pool_put(&tl_span_heap(span)->pool, span, dirty);
}

void tl_large_release_kept(struct tl_cache *cache)
{
    struct tl_span *span = cache->kept;
    if (span == NULL)
        return;
    if (!TL_MUTANT_kept_put_twice)
        cache->kept = NULL;
    give_back(span, span->pages);
}

void tl_large_release(struct tl_cache *cache, struct tl_span *span)
{
    count(cache->heap, cache, 0 - tl_span_bytes(span));
    give_back(span, span->pages);
}

void tl_large_free(struct tl_span *span)
{
    struct tl_heap  *heap = tl_span_heap(span);
    struct tl_cache *cache = tl_thread_cache_of(heap);
    count(heap, cache, 0 - tl_span_bytes(span));
    if (cache == NULL || tl_span_bytes(span) > TL_KEPT_BYTES_MAX) {
        give_back(span, span->pages);
        return;
    }
    tl_cache_piece_begin(cache);
    tl_large_release_kept(cache);
    cache->kept = span;
    tl_span_set_kind(span, TL_SPAN_BUSY); /* freed again, it is seen */
    tl_span_set_dirt(span, 0, span->pages);
    tl_cache_tick(cache);
}

bool tl_large_resize(struct tl_span *span, size_t size)
{
    struct tl_heap *heap = tl_span_heap(span);
    size_t          pages = tl_large_pages(size);
    size_t          before = tl_span_bytes(span);
    if (pages < span->pages && !tl_pool_shorten(&heap->pool, span, pages))
        return false;
    if (pages > span->pages && !tl_pool_extend(&heap->pool, span, pages))
        return false;
    count_here(heap, TL_KERNEL ? NULL : tl_thread_cache_of(heap), tl_span_bytes(span) - before);
    return true;
}

#if !TL_KERNEL
static struct tl_span *take_to_grow(struct tl_heap *heap, size_t size)
{
    return as_large(heap, tl_thread_cache_of(heap),
                    tl_pool_take_to_grow(&heap->pool, tl_large_pages(size)));
}

void *tl_large_alloc_to_grow(struct tl_heap *heap, size_t size)
{
    struct tl_span *span = take_to_grow(heap, size);
    return span != NULL ? (void *)span->start : NULL;
}

void *tl_large_move(struct tl_span *span, size_t size)
{
    struct tl_heap *heap = tl_span_heap(span);
    struct tl_span *target = take_to_grow(heap, size);
    if (target == NULL)
        return NULL;
    count_here(heap, tl_thread_cache_of(heap), 0 - tl_span_bytes(span));
    give_back(span, tl_pool_move(&heap->pool, span, target));
    return (void *)target->start;
}
#endif
