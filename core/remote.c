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

struct tl_block *tl_remote_take(struct tl_cache *cache, unsigned class_id)
{
    struct tl_block *chain = cache->foreign[class_id];
    cache->foreign[class_id] = NULL;
    cache->foreign_room[class_id] = tl_classes[class_id].foreign_max;
    return chain;
}

/* Puts a foreign block on its class's chain. True: the chain is full. */
static inline bool chain_up(struct tl_cache *cache, unsigned class_id, struct tl_block *block)
{
    tl_put(&block->next, cache->foreign[class_id]);
    cache->foreign[class_id] = block;
    return --cache->foreign_room[class_id] == 0;
}

static TL_NOINLINE void send_chain(struct tl_cache *cache, struct tl_span *span)
{
    tl_remote_push(span, tl_remote_take(cache, span->class_id));
}

void tl_remote_return(struct tl_cache *cache, struct tl_span *span, struct tl_block *block)
{
    if (chain_up(cache, span->class_id, block))
        tl_remote_flush(cache, span->class_id);
}

void tl_remote_flush(struct tl_cache *cache, unsigned class_id)
{
    struct tl_block *chain = tl_remote_take(cache, class_id);
    /* a chain with a block freed twice may run in a circle */
    unsigned left = TL_FOREIGN_BLOCKS_MAX;
    while (chain != NULL && left > 0) { /* runs of one owner stay together */
        struct tl_cache *owner = tl_span_owner(tl_page_span((uintptr_t)chain));
        struct tl_block *last = chain;
        struct tl_block *next = tl_get(&last->next);
        for (left--;
             next != NULL && left > 0 && tl_span_owner(tl_page_span((uintptr_t)next)) == owner;
             left--) {
            last = next;
            next = tl_get(&last->next);
        }
        tl_put(&last->next, NULL);
        tl_inbox_push_mpsc(&owner->inbox, chain);
        chain = next;
    }
}

/* A block of another cache of the same heap. */
static inline void free_foreign(struct tl_cache *cache, struct tl_span *span,
                                struct tl_block *block)
{
    unsigned class_id = span->class_id;
    unsigned credit = cache->credit[class_id];
    if (credit > 0) {
        cache->credit[class_id] = (uint16_t)(credit - 1);
        tl_put(&block->next, cache->head[class_id]);
        cache->head[class_id] = block;
    } else if (TL_UNLIKELY(chain_up(cache, class_id, block))) {
        send_chain(cache, span);
    }
}

talus_misuse tl_misuse_of(const void *pointer)
{
    uintptr_t         address = (uintptr_t)pointer;
    struct tl_span   *span = tl_page_span(address);
    enum tl_span_kind kind = tl_span_kind(span);
    for (size_t back = 1; kind == TL_SPAN_NONE && back <= TL_INTERIOR_SEARCH_PAGES &&
                          address >> TL_PAGE_SHIFT > back;
         back++) {
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
    tl_misuse_report(what, block,
                     what == TALUS_MISUSE_INTERIOR_POINTER
                         ? "free of a pointer into a large block"
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
            tl_misuse_report(TALUS_MISUSE_INTERIOR_POINTER, block,
                             "free of a pointer into a large block");
        else
            tl_large_free(span);
    } else if (kind == TL_SPAN_CUT) {
        struct tl_cache *cache = tl_thread_cache_for_free(span->cut_heap);
        if (cache == NULL) {
            tl_put(&((struct tl_block *)block)->next, NULL);
            tl_remote_push(span, (struct tl_block *)block);
        } else if (tl_span_owner(span) == cache) {
            tl_cache_free_own(cache, span, (struct tl_block *)block);
        } else {
            free_foreign(cache, span, (struct tl_block *)block);
        }
    } else {
        tl_misuse_report(TALUS_MISUSE_DOUBLE_FREE, block,
                         "free of a pointer into free pages: freed before?");
    }
}

void tl_free_other(void *block, struct tl_span *span, struct tl_cache *self)
{
    if (TL_LIKELY(span->cut_heap == self->heap))
        free_foreign(self, span, (struct tl_block *)block);
    else
        free_rare(block, span);
}
