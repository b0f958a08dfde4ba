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

#if TL_SMALL

bool tl_remote_return(struct tl_cache *cache, struct tl_span *span, struct tl_block *block)
{
    (void)cache;
    (void)span;
    tl_misuse_report(TALUS_MISUSE_DOUBLE_FREE, block, "double free: its pages are free already");
    return false;
}

/* A block of another cache of the same heap: the one that the CPU had before it went. */
static void free_foreign(struct tl_block *block, struct tl_span *span, struct tl_cache *cache)
{
    (void)cache;
    tl_put(&block->next, NULL);
    tl_remote_push(span, block);
}

#else

static struct tl_block *take_chain(struct tl_cache *cache, size_t slot)
{
    struct tl_block *chain = cache->foreign[slot];
    cache->foreign[slot] = NULL;
    cache->foreign_room[slot] = tl_classes[slot / TL_OWNER_SLOTS].foreign_max;
    return chain;
}

struct tl_block *tl_remote_take(struct tl_cache *cache, unsigned class_id)
{
    size_t slot = (size_t)class_id * TL_OWNER_SLOTS;
    while (cache->foreign[slot] == NULL)
        slot++;
    return take_chain(cache, slot);
}

/* Puts a foreign block on the chain of its slot. True: the chain is full. */
static inline bool chain_up(struct tl_cache *cache, size_t slot, struct tl_block *block)
{
    tl_put(&block->next, cache->foreign[slot]);
    cache->foreign[slot] = block;
    return --cache->foreign_room[slot] == 0;
}

/* Sends the chain of `slot`, which is full. The slot is not asked of the span again: it changes
 * where the span is adopted meanwhile. */
static TL_NOINLINE void send_chain(size_t slot, struct tl_span *span, struct tl_cache *cache)
{
    TL_PREEMPT_POINT(send_chain);
    if (TL_MUTANT_batch_owner_asked_again)
        slot = tl_span_foreign_slot(span);
    tl_remote_push(span, take_chain(cache, slot));
}

/* Sends a chain home, each block to its own owner. */
static void send_apart(struct tl_block *chain)
{
    /* a chain with a block freed twice may run in a circle */
    unsigned left = TL_FOREIGN_BLOCKS_MAX;
    while (chain != NULL && left > 0) { /* runs of one owner stay together */
        struct tl_cache *owner = tl_span_owner(tl_span_at((uintptr_t)chain));
        if (TL_UNLIKELY(owner == NULL)) {
            tl_link_astray(chain);
            return;
        }
        struct tl_block *last = chain;
        struct tl_block *next = tl_get(&last->next);
        for (left--;
             next != NULL && left > 0 && tl_span_owner(tl_span_at((uintptr_t)next)) == owner;
             left--) {
            last = next;
            next = tl_get(&last->next);
        }
        tl_put(&last->next, NULL);
        tl_inbox_push_mpsc(&owner->inbox, chain);
        chain = next;
    }
}

bool tl_remote_return(struct tl_cache *cache, struct tl_span *span, struct tl_block *block)
{
    unsigned slot = tl_span_foreign_slot(span);
    bool     full = chain_up(cache, slot, block);
    if (full)
        send_apart(take_chain(cache, slot));
    return full;
}

void tl_remote_flush(struct tl_cache *cache, unsigned class_id)
{
    send_apart(tl_remote_take(cache, class_id));
}

/* A block of another cache of the same heap. */
static inline void free_foreign(struct tl_block *block, struct tl_span *span,
                                struct tl_cache *cache)
{
    size_t   slot = tl_span_foreign_slot(span);
    size_t   class_id = slot / TL_OWNER_SLOTS;
    unsigned credit = cache->credit[class_id];
    if (credit > 0) {
        cache->credit[class_id] = (uint8_t)(credit - 1);
        tl_put(&block->next, cache->head[class_id]);
        cache->head[class_id] = block;
    } else if (TL_UNLIKELY(chain_up(cache, slot, block))) {
        send_chain(slot, span, cache);
    }
}

#endif

talus_misuse tl_misuse_of(const void *pointer)
{
    uintptr_t         address = (uintptr_t)pointer;
    struct tl_span   *span = tl_span_at(address);
    enum tl_span_kind kind = tl_span_kind(span);
    for (size_t back = 1; kind == TL_SPAN_NONE && back <= TL_INTERIOR_SEARCH_PAGES &&
                          address >> TL_PAGE_SHIFT > back;
         back++) {
        span = tl_span_at(address - (back << TL_PAGE_SHIFT));
        kind = tl_span_kind(span);
    }
    if (kind == TL_SPAN_NONE || !tl_span_holds(span, address))
        return TALUS_MISUSE_FOREIGN_POINTER;
    if (kind == TL_SPAN_LARGE)
        return TALUS_MISUSE_INTERIOR_POINTER;
    return tl_span_at(address) == span ? TALUS_MISUSE_DOUBLE_FREE : TALUS_MISUSE_FOREIGN_POINTER;
}

static TL_COLD void free_of_no_block(void *block)
{
    talus_misuse what = tl_misuse_of(block);
    tl_misuse_report(what, block,
                     what == TALUS_MISUSE_INTERIOR_POINTER ? "free of a pointer into a large block"
                     : what == TALUS_MISUSE_DOUBLE_FREE
                         ? "free of a pointer into free pages: freed before?"
                         : "free of a pointer that no heap gave out");
}

/* NULL, mistakes, and blocks of other heaps than that of the thread's first cache. */
static TL_NOINLINE void free_rare(void *block, struct tl_span *span)
{
    if (tl_span_kind(span) != TL_SPAN_CUT || !tl_span_holds(span, (uintptr_t)block)) {
        if (block != NULL)
            free_of_no_block(block);
        return;
    }
    struct tl_cache *cache = tl_thread_cache_for_free(tl_span_cut_heap(span));
    if (cache == NULL) {
        tl_put(&((struct tl_block *)block)->next, NULL);
        tl_remote_push(span, (struct tl_block *)block);
    } else if (tl_span_owner(span) == cache) {
        tl_cache_free_own(cache, span, (struct tl_block *)block);
    } else {
        free_foreign((struct tl_block *)block, span, cache);
    }
}

/* Large blocks of any heap first: they are not rare. */
static TL_NOINLINE void free_not_foreign(void *block, struct tl_span *span)
{
    if (tl_span_kind(span) == TL_SPAN_LARGE && span->start == (uintptr_t)block)
        tl_large_free(span);
    else
        free_rare(block, span);
}

void tl_free_other(void *block, struct tl_span *span, struct tl_cache *self)
{
    if (TL_LIKELY(tl_span_cut_heap(span) == self->heap))
        free_foreign((struct tl_block *)block, span, self);
    else
        free_not_foreign(block, span);
}
