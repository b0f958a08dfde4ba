/* remote.c: frees that are not the fast path's. Theory: remote.h. */
#include "core/remote.h"
#include "core/heap.h"
#include "core/large.h"
#include "core/pagemap.h"
#include "core/report.h"
#include "core/thread.h"

void tl_remote_push(struct tl_span *span, struct tl_block *chain)
{
    struct tl_cache *owner = tl_span_owner(span);
    tl_inbox_push_mpsc(&owner->inbox, chain);
}

void tl_remote_keep(struct tl_cache *cache, struct tl_span *span, struct tl_block *block)
{
    struct tl_bin *bin = &cache->bin[span->class_id];
    tl_put(&block->next, bin->foreign);
    bin->foreign = block;
    if (TL_LIKELY(++bin->foreign_count < tl_classes[span->class_id].foreign_max))
        return;
    bin->foreign = NULL;
    bin->foreign_count = 0;
    tl_remote_push(span, block);
}

void tl_remote_return(struct tl_cache *cache, struct tl_span *span, struct tl_block *block)
{
    struct tl_bin *bin = &cache->bin[span->class_id];
    tl_put(&block->next, bin->foreign);
    bin->foreign = block;
    if (++bin->foreign_count >= tl_classes[span->class_id].foreign_max)
        tl_remote_flush(cache, span->class_id);
}

void tl_remote_flush(struct tl_cache *cache, unsigned class_id)
{
    struct tl_bin   *bin = &cache->bin[class_id];
    struct tl_block *chain = bin->foreign;
    bin->foreign = NULL;
    bin->foreign_count = 0;
    while (chain != NULL) { /* runs of one owner stay together */
        struct tl_span  *span = tl_page_span((uintptr_t)chain);
        struct tl_cache *owner = tl_span_owner(span);
        struct tl_block *last = chain;
        struct tl_block *next = tl_get(&last->next);
        while (next != NULL && tl_span_owner(tl_page_span((uintptr_t)next)) == owner) {
            last = next;
            next = tl_get(&last->next);
        }
        tl_put(&last->next, NULL);
        tl_inbox_push_mpsc(&owner->inbox, chain);
        chain = next;
    }
}

/* A foreign or an own block of `cache`'s heap. */
static void free_into(struct tl_cache *cache, struct tl_span *span, struct tl_block *block)
{
    struct tl_bin *bin = &cache->bin[span->class_id];
    if (TL_LIKELY(bin->credit > 0)) {
        bin->credit--;
        tl_put(&block->next, cache->head[span->class_id]);
        cache->head[span->class_id] = block;
    } else {
        tl_remote_keep(cache, span, block);
    }
}

talus_misuse tl_misuse_of(const void *pointer)
{
    uintptr_t         address = (uintptr_t)pointer;
    struct tl_span   *span = tl_page_span(address);
    enum tl_span_kind kind = tl_span_kind(span);
    for (size_t back = 1; kind == TL_SPAN_NONE && back <= TL_INTERIOR_SEARCH_PAGES && address >> TL_PAGE_SHIFT > back; back++) {
        span = tl_page_span(address - (back << TL_PAGE_SHIFT));
        kind = tl_span_kind(span);
    }
    if (kind == TL_SPAN_NONE || !tl_span_holds(span, address))
        return TALUS_MISUSE_FOREIGN_POINTER;
    if (kind == TL_SPAN_LARGE)
        return TALUS_MISUSE_INTERIOR_POINTER;
    return tl_page_span(address) == span ? TALUS_MISUSE_DOUBLE_FREE : TALUS_MISUSE_FOREIGN_POINTER;
}

/* A pointer that the page map knows nothing of: NULL, or misuse. */
static TL_COLD void free_unknown(void *block)
{
    if (block == NULL)
        return;
    talus_misuse what = tl_misuse_of(block);
    tl_misuse_report(what, block, what == TALUS_MISUSE_INTERIOR_POINTER ? "free of a pointer into a large block"
                                                                        : "free of a pointer that no heap gave out");
}

/* All that is neither NULL nor a block of a heap that this thread has a cache of. */
static TL_NOINLINE void free_rare(void *block, struct tl_span *span)
{
    enum tl_span_kind kind = tl_span_kind(span);
    if (kind == TL_SPAN_NONE || !tl_span_holds(span, (uintptr_t)block)) {
        free_unknown(block);
    } else if (kind == TL_SPAN_LARGE) {
        if (span->start != (uintptr_t)block)
            tl_misuse_report(TALUS_MISUSE_INTERIOR_POINTER, block, "free of a pointer into a large block");
        else
            tl_large_free(span);
    } else if (kind == TL_SPAN_CUT) {
        struct tl_cache *cache = tl_thread_cache_of(span->cut_heap);
        if (cache == NULL) {
            tl_put(&((struct tl_block *)block)->next, NULL);
            tl_remote_push(span, (struct tl_block *)block);
        } else if (tl_span_owner(span) == cache) {
            tl_cache_free_own(cache, span, (struct tl_block *)block);
        } else {
            free_into(cache, span, (struct tl_block *)block);
        }
    } else {
        tl_misuse_report(TALUS_MISUSE_DOUBLE_FREE, block, "free of a pointer into free pages: freed before?");
    }
}

void tl_free_other(void *block, struct tl_span *span, struct tl_cache *self)
{
    if (TL_LIKELY(span->cut_heap == self->heap))
        free_into(self, span, (struct tl_block *)block);
    else
        free_rare(block, span);
}
