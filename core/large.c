/* large.c: blocks with a run to themselves. See large.h. */
#include "core/large.h"
#include "core/pagemap.h"
#include <string.h>

static size_t pages_for(size_t size)
{
    return (size + TL_PAGE_SIZE - 1) >> TL_PAGE_SHIFT;
}

static struct tl_span *take(struct tl_heap *heap, size_t size, size_t align)
{
    size_t          align_pages = align > TL_PAGE_SIZE ? align >> TL_PAGE_SHIFT : 1;
    struct tl_span *span = tl_pool_take(&heap->pool, pages_for(size), align_pages);
    if (span == NULL)
        return NULL;
    tl_span_set_kind(span, TL_SPAN_LARGE);
    tl_counter_add_shared(&heap->large_bytes, tl_span_bytes(span));
    return span;
}

void *tl_large_alloc(struct tl_heap *heap, size_t size, size_t align, bool zero)
{
    struct tl_span *span = take(heap, size, align);
    if (span == NULL)
        return NULL;
    if (zero)
        memset((void *)span->start, 0, span->dirty << TL_PAGE_SHIFT);
    return (void *)span->start;
}

void tl_large_free(struct tl_span *span)
{
    struct tl_heap *heap = tl_span_heap(span);
    tl_counter_add_shared(&heap->large_bytes, 0 - tl_span_bytes(span));
    tl_pool_put(&heap->pool, span, span->pages);
}

bool tl_large_resize(struct tl_span *span, size_t size)
{
    struct tl_heap *heap = tl_span_heap(span);
    size_t          pages = pages_for(size);
    size_t          before = tl_span_bytes(span);
    if (pages < span->pages && !tl_pool_shorten(&heap->pool, span, pages))
        return false;
    if (pages > span->pages && !tl_pool_extend(&heap->pool, span, pages))
        return false;
    tl_counter_add_shared(&heap->large_bytes, tl_span_bytes(span) - before);
    return true;
}

void *tl_large_move(struct tl_span *span, size_t size)
{
    struct tl_heap *heap = tl_span_heap(span);
    size_t          bytes = tl_span_bytes(span);
    struct tl_span *target = take(heap, size, 0);
    if (target == NULL)
        return NULL;
    if (tl_pool_move(&heap->pool, span, target)) {
        tl_counter_add_shared(&heap->large_bytes, 0 - bytes);
    } else {
        memcpy((void *)target->start, (void *)span->start, bytes < size ? bytes : size);
        tl_large_free(span);
    }
    return (void *)target->start;
}
