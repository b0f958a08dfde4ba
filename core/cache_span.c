/* cache_span.c: the spans of a cache: carved, drained, listed, emptied, given back. Theory:
 * cache.h. Owner only. */
#include "core/cache.h"
#include "core/heap.h"
#include "core/pagemap.h"
#include "core/report.h"

/* None of its free blocks is handed out again; those that are out stay so. */
static void set_aside(struct tl_span *span)
{
    span->own.local = NULL;
    span->own.local_count = 0;
    span->own.carved = span->capacity;
    tl_poke(&span->own.outstanding, span->capacity);
}

static TL_COLD void books_astray(struct tl_span *span)
{
    tl_misuse_report(TALUS_MISUSE_CORRUPT, span, "a span's books were written to");
    set_aside(span);
}

void tl_span_settle(struct tl_cache *cache, struct tl_span *span)
{
    struct tl_span_owned *own = &span->own;
    uint32_t              freed = own->until_start - own->until_slow;
    if (TL_MUTANT_frees_counted_twice)
        freed *= 2;
    tl_poke_sub(&own->outstanding, freed);
    own->local_count += freed;
    own->purged = own->purged && freed == 0;
    own->until_start = own->until_slow;
    tl_counter_add_owner(&cache->given_out, 0 - (uintptr_t)freed * span->block_size);
    if (TL_UNLIKELY(own->outstanding + own->local_count != own->carved))
        books_astray(span);
}

/* Sets until_slow of a settled span: never beyond what is outstanding, and no later than when it
 * should be listed. */
void tl_span_arm(struct tl_span *span)
{
    struct tl_span_owned *own = &span->own;
    uint32_t most = own->listed ? TL_FREES_UNTIL_SLOW_MAX : span->capacity / TL_RELISTED_PART;
    uint32_t until = own->outstanding < most ? own->outstanding : most;
    if (until == 0)
        until = 1; /* a short span; or nothing is out, and the next free, a mistake, must be seen */
    if (TL_MUTANT_span_armed_late)
        until++;
    own->until_slow = own->until_start = until;
}

/* Small blocks: last, so that a span gathers many before its turn. Larger ones: first, while they
 * are warm. */
void tl_avail_add(struct tl_bin *bin, struct tl_span *span)
{
    bool             first = span->block_size > TL_PAGE_SIZE;
    struct tl_span  *next = first ? bin->avail : NULL;
    struct tl_span  *prev = first ? NULL : bin->avail_last;
    struct tl_span **to_here = prev != NULL ? &prev->own.next : &bin->avail;
    struct tl_span **back_here = next != NULL ? &next->own.prev : &bin->avail_last;
    span->own.listed = true;
    span->own.next = next;
    span->own.prev = prev;
    *to_here = span;
    *back_here = span;
}

void tl_avail_remove(struct tl_bin *bin, struct tl_span *span)
{
    span->own.listed = false;
    if (span->own.prev != NULL)
        span->own.prev->own.next = span->own.next;
    else
        bin->avail = span->own.next;
    if (span->own.next != NULL && !TL_MUTANT_avail_link_kept)
        span->own.next->own.prev = span->own.prev;
    else
        bin->avail_last = span->own.prev;
}

static void hand_out(struct tl_cache *cache, struct tl_span *span, uint32_t blocks)
{
    tl_poke_add(&span->own.outstanding, blocks);
    tl_span_uncount_empty(cache, span);
    tl_counter_add_owner(&cache->given_out, (uintptr_t)blocks * span->block_size);
}

void *tl_link_astray(const struct tl_block *block)
{
    tl_misuse_report(TALUS_MISUSE_CORRUPT, block, "a free block was written to");
    return NULL;
}

/* Of the list its beginning alone: the link of the block that was freed last is the next one that
 * malloc follows. */
static inline bool begins_well(const struct tl_span *span, const struct tl_block *list)
{
    if (list == NULL)
        return true;
    if (!tl_span_holds(span, (uintptr_t)list))
        return false;
    const struct tl_block *next = tl_get(&list->next);
    return next == NULL || tl_span_holds(span, (uintptr_t)next);
}

struct tl_block *tl_span_take_local(struct tl_cache *cache, struct tl_span *span)
{
    tl_span_settle(cache, span);
    struct tl_block *list = span->own.local;
    hand_out(cache, span, span->own.local_count);
    if (!TL_MUTANT_cache_head_twice)
        span->own.local = NULL;
    span->own.local_count = 0;
    if (span->own.listed)
        tl_avail_remove(&cache->bin[span->class_id], span);
    tl_span_arm(span);
    return TL_LIKELY(begins_well(span, list)) ? list : tl_link_astray(list);
}

struct tl_block *tl_span_carve(struct tl_cache *cache, struct tl_span *span)
{
    tl_span_settle(cache, span);
    size_t   size = span->block_size;
    uint32_t count = span->capacity - span->own.carved;
    uint32_t most = tl_classes[span->class_id].carve_blocks;
    if (count > most)
        count = most;
    if (TL_UNLIKELY(count == 0)) /* it was set aside */
        return NULL;
    char *first = (char *)span->start + span->own.carved * size;
    if (TL_MUTANT_align_carve_late)
        first += TL_GRAIN / 2;
    struct tl_block *last = (struct tl_block *)first;
    for (uint32_t i = 1; i < count; i++) {
        struct tl_block *next = (struct tl_block *)((char *)last + size);
        tl_put(&last->next, next);
        last = next;
    }
    tl_put(&last->next, NULL);
    span->own.carved += count;
    hand_out(cache, span, count);
    if (span->own.carved == span->capacity && !TL_SMALL)
        cache->bin[span->class_id].fresh = NULL;
    tl_span_arm(span);
    cache->zeroed = span->zeroed && count == 1;
    return (struct tl_block *)first;
}

#if TL_SMALL
bool tl_span_has_more(struct tl_cache *cache, struct tl_span *span)
{
    if (span->own.carved < span->capacity)
        return true;
    if (span->pages == TL_SPAN_PAGES_GROWN ||
        !tl_pool_extend(&cache->heap->pool, span, span->pages + 1u))
        return false;
    tl_page_set(span->start + tl_span_bytes(span) - TL_PAGE_SIZE, span);
    tl_poke(&span->capacity, (tl_blocks)(tl_span_bytes(span) / span->block_size));
    span->zeroed = false; /* the page may be old */
    return true;
}
#endif

/* Pages of the next span. In small memory as many as the last one has grown to. */
static inline size_t span_pages(const struct tl_cache *cache, unsigned class_id)
{
    size_t usual = tl_classes[class_id].span_pages;
    if (TL_SMALL && cache->bin[class_id].fresh != NULL)
        return cache->bin[class_id].fresh->pages;
    return usual;
}

/* Nothing is carved, and nothing out. */
static inline void begin(struct tl_span_owned *own)
{
    own->local = NULL;
    own->until_slow = own->until_start = 1;
    own->local_count = own->carved = 0;
    own->listed = own->counted_empty = own->purged = false;
    tl_poke(&own->outstanding, 0);
}

struct tl_span *tl_span_new(struct tl_cache *cache, unsigned class_id)
{
    struct tl_heap *heap = cache->heap;
    const struct tl_class *class = &tl_classes[class_id];
    size_t          pages = span_pages(cache, class_id);
    struct tl_span *span = tl_pool_take(&heap->pool, pages, 1);
    if (span == NULL) { /* a shorter one may still be had */
        size_t least = (class->block_size + TL_PAGE_SIZE - 1) >> TL_PAGE_SHIFT;
        if (least < pages)
            span = tl_pool_take(&heap->pool, least, 1);
        if (span == NULL)
            return NULL;
    }
    tl_poke(&span->block_size, class->block_size);
    tl_poke(&span->capacity, (tl_blocks)(tl_span_bytes(span) / class->block_size));
    tl_poke(&span->class_id, (uint8_t)class_id);
    span->zeroed = tl_span_dirty_to(span) == 0;
    begin(&span->own);
    tl_span_set_cut_heap(span, heap);
    tl_span_set_owner(span, cache);
    tl_span_set_kind(span, TL_SPAN_CUT);
    for (size_t page = 0; page + (TL_MUTANT_page_map_short ? 1 : 0) < span->pages; page++)
        tl_page_set(span->start + (page << TL_PAGE_SHIFT), span);
    tl_counter_add_shared(&heap->spans, 1);
    cache->bin[class_id].fresh = span;
    return span;
}

#define SOUND (-1)

/* Walks the list of an empty span: every block of it exactly once, or something was freed twice, or
 * written to when it was free (D3). A list that ends meets none of its blocks twice, so their
 * number tells the rest. Returns the misuse, or SOUND. */
static int fault_of_list(const struct tl_span *span)
{
    struct tl_block *block = span->own.local;
    uintptr_t        start = span->start;
    uint32_t         left = span->own.carved, size = span->block_size;
    size_t           bytes = (size_t)left * size;
    do {
        size_t offset = (uintptr_t)block - start; /* of NULL it is beyond the span */
        if (offset >= bytes)
            return TALUS_MISUSE_CORRUPT;
        if ((uint32_t)offset % size != 0) /* 32 bits divide sooner */
            return TALUS_MISUSE_DOUBLE_FREE;
        block = tl_get(&block->next);
    } while (--left > 0);
    return block == NULL ? SOUND : TALUS_MISUSE_DOUBLE_FREE;
}

void tl_span_release(struct tl_cache *cache, struct tl_span *span)
{
    if (TL_KERNEL)
        cache->piece = 0; /* the walk below is what one call may do */
    struct tl_bin *bin = &cache->bin[span->class_id];
    if (span->own.listed)
        tl_avail_remove(bin, span);
    if (bin->fresh == span)
        bin->fresh = NULL;
    tl_span_uncount_empty(cache, span);
    int fault = fault_of_list(span);
    if (fault != SOUND) {
        tl_misuse_report((talus_misuse)fault, span->own.local,
                         "a block was freed twice, or written to when it was free; those of its "
                         "span that are free now are set aside");
        set_aside(span);
        tl_span_arm(span);
        return;
    }
    for (size_t page = 1; page < span->pages && !TL_MUTANT_page_map_stale; page++)
        tl_page_set(span->start + (page << TL_PAGE_SHIFT), NULL);
    size_t carved_bytes = (size_t)span->own.carved * span->block_size;
    size_t dirty = span->zeroed ? (carved_bytes + TL_PAGE_SIZE - 1) >> TL_PAGE_SHIFT : span->pages;
    tl_span_set_uncut(span);
    tl_counter_add_shared(&cache->heap->spans, (uintptr_t)-1);
    tl_pool_put(&cache->heap->pool, span, dirty);
}

void tl_span_emptied(struct tl_cache *cache, struct tl_span *span, bool walked)
{
    bool drains = tl_pool_drains(&cache->heap->pool, span);
    if (!walked && cache->head[span->class_id] == NULL && !drains) {
        cache->head[span->class_id] = tl_span_take_local(cache, span);
        return;
    }
    if (TL_KERNEL ||
        (!walked && (drains || cache->empty_bytes + tl_span_bytes(span) > TL_CACHE_EMPTY_MAX))) {
        tl_span_release(cache, span);
        return;
    }
    span->own.counted_empty = true;
    cache->empty_bytes += tl_span_bytes(span);
    if (!span->own.listed)
        tl_avail_add(&cache->bin[span->class_id], span);
    tl_span_arm(span);
}

#if !TL_KERNEL /* which keeps none */
void tl_span_release_empty(struct tl_cache *cache)
{
    for (unsigned class_id = 0; class_id < TL_CLASS_COUNT && cache->empty_bytes > 0; class_id++) {
        struct tl_span *next;
        for (struct tl_span *span = cache->bin[class_id].avail; span != NULL; span = next) {
            next = span->own.next;
            if (span->own.counted_empty)
                tl_span_release(cache, span);
        }
    }
}
#endif

TL_COLD void tl_span_shun_draining(struct tl_cache *cache)
{
    const struct tl_pool *pool = &cache->heap->pool;
    for (unsigned class_id = 0; class_id < TL_CLASS_COUNT; class_id++) {
        struct tl_bin  *bin = &cache->bin[class_id];
        struct tl_span *next;
        for (struct tl_span *span = bin->avail; span != NULL; span = next) {
            next = span->own.next;
            if (tl_pool_drains(pool, span))
                tl_avail_remove(bin, span);
        }
        if (bin->fresh != NULL && tl_pool_drains(pool, bin->fresh))
            bin->fresh = NULL;
    }
}
