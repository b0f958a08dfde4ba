/* books.c: whether the heap's books agree, while nothing runs.
 *
 * 1 Pages       Each page that the pool has is in one run: the runs that begin in its regions add
 *               up to what is mapped, no page maps to a run that it is not in or to a spare
 *               descriptor, and what lies in the bins adds up to the free pages.
 * 2 Spans       outstanding + local_count == carved, as of the last settling; the list is as long
 *               as that and the frees since say.
 * 3 Blocks      No free block is in two places. What a span counts as given out is in caches, in
 *               inboxes, in a reserve, or with the scenario. */
#include "explore/scenario.h"

#include "core/heap.h"
#include "core/pagemap.h"
#include "core/region.h"
#include "core/reserve.h"

enum { PAGES = EX_ARENA_BYTES >> TALUS_PAGE_SHIFT };

static uint8_t  seen[EX_ARENA_BYTES / TALUS_ALIGN_MIN]; /* blocks, by their first granule */
static uint32_t out[PAGES];                             /* blocks seen, by their span's first page
                                                         * */

static size_t page_of(uintptr_t address)
{
    return (address - (uintptr_t)ex_arena()) >> TALUS_PAGE_SHIFT;
}

static void see(const void *block, const char *where)
{
    size_t offset = (size_t)((const char *)block - ex_arena());
    if (offset >= EX_ARENA_BYTES || offset % TALUS_ALIGN_MIN != 0)
        ex_fail("books: %p, %s, is no block", block, where);
    if (seen[offset / TALUS_ALIGN_MIN])
        ex_fail("books: block %p is in two places, one of them %s", block, where);
    seen[offset / TALUS_ALIGN_MIN] = 1;
}

/* A block that its span counts as given out. */
static void see_out(const void *block, const char *where)
{
    const struct tl_span *span = tl_span_at((uintptr_t)block);
    see(block, where);
    if (tl_span_kind(span) == TL_SPAN_CUT)
        out[page_of(span->start)]++;
    else if (tl_span_kind(span) != TL_SPAN_BUSY && tl_span_kind(span) != TL_SPAN_LARGE)
        ex_fail("books: block %p, %s, lies in no span", block, where);
}

static void see_chain(const struct tl_block *chain, const char *where)
{
    for (; chain != NULL; chain = chain->next)
        see_out(chain, where);
}

static void see_batches(const struct tl_block *batch, const char *where)
{
    for (; batch != NULL; batch = batch->next_batch)
        see_chain(batch, where);
}

static void look_at_cache(const struct tl_cache *cache)
{
    for (unsigned class_id = 0; class_id < TL_CLASS_COUNT; class_id++) {
        see_chain(cache->head[class_id], "on a head");
        see_batches(cache->bin[class_id].pending, "in a pending batch");
    }
    for (unsigned slot = 0; slot < TL_CLASS_COUNT * TL_OWNER_SLOTS; slot++)
        see_chain(cache->foreign[slot], "on a foreign chain");
    see_batches(cache->arrived, "in an arrived batch");
    see_batches((const struct tl_block *)tl_load_relaxed(&cache->inbox.head), "in an inbox");
}

static void look_at_heap(const struct tl_heap *heap)
{
    for (const struct tl_cache *cache = heap->caches; cache != NULL; cache = cache->next)
        look_at_cache(cache);
    see_batches((const struct tl_block *)tl_load_relaxed(&heap->inbox.head), "in the heap's inbox");
    for (const struct tl_reserve *reserve = heap->reserves; reserve != NULL;
         reserve = reserve->next) {
        see_out(reserve->slots.slot, "a reserve's slots");
        for (size_t i = 0; i < reserve->slots.count; i++) {
            const void *block = (const void *)tl_load_relaxed(&reserve->slots.slot[i]);
            if (block != NULL)
                see_out(block, "in a reserve");
        }
    }
    for (unsigned slot = 0; slot < EX_SLOTS; slot++)
        if (ex_block(slot) != NULL && tl_span_heap(tl_span_at((uintptr_t)ex_block(slot))) == heap)
            see_out(ex_block(slot), "with the scenario");
}

static void look_at_cut(const struct tl_heap *heap, const struct tl_span *span)
{
    const struct tl_span_owned *own = &span->own;
    const struct tl_cache      *owner = tl_span_owner(span);
    uint32_t                    freed = own->until_start - own->until_slow, listed = 0;
    if (owner == NULL || owner->heap != heap || tl_span_cut_heap(span) != heap)
        ex_fail("books: the span at page %zu is nobody's", page_of(span->start));
    if (own->outstanding + own->local_count != own->carved || own->carved > span->capacity)
        ex_fail("books: the span at page %zu has %u blocks out, %u listed, of %u",
                page_of(span->start), own->outstanding, own->local_count, own->carved);
    for (const struct tl_block *block = own->local; block != NULL; block = block->next, listed++)
        see(block, "on its span's list");
    if (listed != own->local_count + freed || freed > own->outstanding)
        ex_fail("books: the list of the span at page %zu has %u blocks, not %u",
                page_of(span->start), listed, own->local_count + freed);
    if (out[page_of(span->start)] != own->outstanding - freed)
        ex_fail("books: lost block: of %u given out of the span at page %zu there are %u",
                own->outstanding - freed, page_of(span->start), out[page_of(span->start)]);
}

static size_t look_at_page(const struct tl_heap *heap, uintptr_t page)
{
    const struct tl_span *span = tl_span_at(page);
    enum tl_span_kind     kind = tl_span_kind(span);
    if (kind == TL_SPAN_NONE)
        return 0;
    if (kind == TL_SPAN_UNUSED || !tl_span_holds(span, page) || tl_span_heap(span) != heap)
        ex_fail("books: page %zu maps to a descriptor of other pages, or of none", page_of(page));
    if (kind == TL_SPAN_CUT)
        for (uintptr_t at = span->start; at < span->start + tl_span_bytes(span); at += TL_PAGE_SIZE)
            if (tl_span_at(at) != span)
                ex_fail("books: page %zu does not map to its span", page_of(at));
    if (span->start != page)
        return 0;
    if (kind == TL_SPAN_CUT)
        look_at_cut(heap, span);
    return span->pages;
}

static void look_at_pool(const struct tl_heap *heap)
{
    const struct tl_pool *pool = &heap->pool;
    size_t                pages = 0, free_pages = 0, dirty = 0;
    unsigned              spares = 0;
    for (const struct tl_region *region = pool->regions; region != NULL; region = region->next)
        for (uintptr_t page = region->start; page < tl_region_end(region); page += TL_PAGE_SIZE)
            pages += look_at_page(heap, page);
    if (pages << TL_PAGE_SHIFT != pool->mapped)
        ex_fail("books: %zu pages are in runs, %zu are mapped", pages,
                pool->mapped >> TL_PAGE_SHIFT);
    for (unsigned bin = 0; bin <= TL_POOL_BINS; bin++)
        for (const struct tl_span *run = pool->bin[bin]; run != NULL; run = run->free.next) {
            if (tl_span_kind(run) != (bin < TL_POOL_BINS ? TL_SPAN_FREE : TL_SPAN_ASIDE) ||
                tl_span_at(run->start) != run)
                ex_fail("books: bin %u has a run that is not free", bin);
            free_pages += bin < TL_POOL_BINS ? run->pages : 0;
            dirty += tl_span_dirty(run);
        }
    if (free_pages != pool->free_pages || dirty != pool->dirty_pages)
        ex_fail("books: %zu pages are in bins, %zu of them dirty, not %zu and %zu", free_pages,
                dirty, pool->free_pages, pool->dirty_pages);
    for (const struct tl_span *span = pool->spare; span != NULL; span = span->free.next, spares++)
        if (tl_span_kind(span) != TL_SPAN_UNUSED || spares == pool->spares)
            ex_fail("books: a spare descriptor is in use, or on the list twice");
}

static void look_at(const struct tl_heap *heap)
{
    for (unsigned page = 0; page < PAGES; page++)
        out[page] = 0;
    look_at_heap(heap);
    look_at_pool(heap);
}

void ex_books_check(void)
{
    for (size_t i = 0; i < sizeof seen; i++)
        seen[i] = 0;
    look_at(&tl_default_heap);
    for (const struct tl_heap *heap = tl_heaps_first(); heap != NULL; heap = heap->next)
        look_at(heap);
}
