/* cache.c: the slow exits of a cache's owner. Theory: cache.h. */
#include "core/cache.h"
#include "arch/port.h"
#include "core/adopt.h"
#include "core/heap.h"
#include "core/large.h"
#include "core/pagemap.h"
#include "core/remote.h"
#include "core/report.h"
#include "core/reserve.h"

void tl_cache_init(struct tl_cache *cache, struct tl_heap *heap)
{
#if !TL_SMALL
    for (unsigned class_id = 0; class_id < TL_CLASS_COUNT; class_id++)
        memset(&cache->foreign_room[class_id * TL_OWNER_SLOTS], tl_classes[class_id].foreign_max,
               TL_OWNER_SLOTS);
#endif
    cache->heap = heap;
    cache->slow_exits_left = TL_SLOW_EXITS_PER_LOOK;
}

static struct tl_block *return_chain(struct tl_cache *cache, struct tl_block *chain);

/* A kernel has those of the heap's own inbox, too, taken in here. */
static inline bool has_arrivals(const struct tl_cache *cache)
{
    return !tl_inbox_is_empty(&cache->inbox) ||
           (TL_KERNEL && (cache->arrived != NULL || !tl_inbox_is_empty(&cache->heap->inbox)));
}

/* Whether the present call has done what one may, in a kernel. */
static inline bool piece_is_done(const struct tl_cache *cache)
{
    return TL_KERNEL && cache->piece == 0;
}

/* Puts a batch, or what is left of it, before others. */
static inline void push_batch(struct tl_block **batches, struct tl_block *batch)
{
    tl_put(&batch->next_batch, *batches);
    *batches = batch;
}

/* Keeps a batch whole, for malloc to use. False: there are enough. */
static inline bool keep_batch(struct tl_cache *cache, unsigned class_id, struct tl_block *batch)
{
#if TL_SMALL
    (void)cache;
    (void)class_id;
    (void)batch;
    return false;
#else
    if (cache->pending_count[class_id] == TL_PENDING_BATCHES_MAX)
        return false;
    push_batch(&cache->bin[class_id].pending, batch);
    cache->pending_count[class_id]++;
    return true;
#endif
}

/* The batch that was kept last, or NULL. */
static inline struct tl_block *take_batch(struct tl_cache *cache, unsigned class_id)
{
#if TL_SMALL
    (void)cache;
    (void)class_id;
    return NULL;
#else
    struct tl_block *batch = cache->bin[class_id].pending;
    if (batch != NULL) {
        cache->bin[class_id].pending = tl_get(&batch->next_batch);
        cache->pending_count[class_id]--;
    }
    return batch;
#endif
}

/* Takes in what others sent: batches for malloc to use whole; beyond a bound, block by block to
 * where they belong. */
static TL_NOINLINE void drain_some(struct tl_cache *cache)
{
    if (cache->arrived == NULL)
        cache->arrived = tl_inbox_drain(&cache->inbox);
    if (TL_KERNEL && cache->arrived == NULL)
        cache->arrived = tl_inbox_drain(&cache->heap->inbox);
    for (uint32_t n = TL_PIECE_BATCHES; n > 0 && !piece_is_done(cache) && cache->arrived != NULL;
         n--) {
        struct tl_block *batch = cache->arrived;
        struct tl_span  *span = tl_span_at((uintptr_t)batch);
        cache->arrived = TL_MUTANT_drain_tail_lost ? NULL : tl_get(&batch->next_batch);
        if (TL_KERNEL && tl_span_kind(span) == TL_SPAN_BUSY) {
            tl_large_release(cache, span);
            cache->piece = 0;
            return;
        }
        tl_counter_add_owner(&cache->batches_in, 1);
        if (!keep_batch(cache, span->class_id, batch) &&
            (batch = return_chain(cache, batch)) != NULL)
            push_batch(&cache->arrived, batch);
    }
    if (!TL_KERNEL && cache->empty_bytes > TL_CACHE_EMPTY_MAX)
        tl_span_release_empty(cache);
}

static inline void drain(struct tl_cache *cache)
{
    if (has_arrivals(cache))
        drain_some(cache);
}

/* A free block of the next larger classes, or NULL. */
static struct tl_block *borrow(struct tl_cache *cache, unsigned class_id)
{
#if !TL_SMALL /* which borrows only where there is nothing else */
    if (cache->borrowed[class_id] == TL_BORROWS_MAX) {
        cache->borrowed[class_id] = 0;
        return NULL;
    }
#endif
    unsigned last = class_id + TL_BORROW_CLASSES;
    for (unsigned larger = class_id + 1; larger <= last && larger < TL_CLASS_COUNT; larger++) {
        struct tl_span *avail = cache->bin[larger].avail;
        if (cache->head[larger] == NULL && avail != NULL)
            cache->head[larger] = tl_span_take_local(cache, avail);
        struct tl_block *block = cache->head[larger];
        if (block != NULL) {
#if !TL_SMALL
            cache->borrowed[class_id]++;
#endif
            cache->head[larger] = tl_get(&block->next);
            tl_put(&block->next, NULL);
            return block;
        }
    }
    return NULL;
}

/* A non-empty list for head[class_id], or NULL. The order is that of cache.h, 4. */
TL_SLOW static struct tl_block *refill(struct tl_cache *cache, unsigned class_id, bool or_larger)
{
    struct tl_bin   *bin = &cache->bin[class_id];
    struct tl_block *list;
    tl_reserve_look(cache);
    tl_cache_tick(cache);
    cache->zeroed = false; /* after these two, which may allocate for a reserve */
    if (TL_UNLIKELY(cache->head[class_id] != NULL)) /* a reserve was refilled meanwhile */
        return cache->head[class_id];
#if !TL_SMALL
    cache->credit[class_id] = tl_classes[class_id].credit;
    if (cache->credit[class_id] != 0 && tl_remote_has(cache, class_id))
        return tl_remote_take(cache, class_id);
#endif
    drain(cache);
    if ((list = take_batch(cache, class_id)) != NULL)
        return list;
    TL_ASSERT(cache->head[class_id] == NULL);
    if (bin->avail != NULL)
        list = tl_span_take_local(cache, bin->avail);
    if (list == NULL && or_larger && !TL_SMALL)
        list = borrow(cache, class_id);
    if (list == NULL && bin->fresh != NULL && (!TL_SMALL || tl_span_has_more(cache, bin->fresh)))
        list = tl_span_carve(cache, bin->fresh);
    if (list == NULL)
        list = tl_adopt_blocks(cache, class_id);
    if (list == NULL && tl_span_new(cache, class_id) != NULL)
        list = tl_span_carve(cache, bin->fresh);
    if (list == NULL && or_larger && TL_SMALL)
        list = borrow(cache, class_id);
    return list;
}

void *tl_cache_alloc(struct tl_cache *cache, unsigned class_id, bool or_larger)
{
    struct tl_block *block = cache->head[class_id];
    cache->zeroed = false;
    if (TL_UNLIKELY(block == NULL)) {
        block = refill(cache, class_id, or_larger);
        if (block == NULL)
            return NULL;
    }
    TL_PREEMPT_POINT(cache_pop);
    cache->head[class_id] = tl_get(&block->next);
    return block;
}

/* The push made one free more than blocks were out: a double free, seen for certain. Takes the
 * block off again. */
static TL_COLD void undo_double_free(struct tl_span *span)
{
    struct tl_block *block = span->own.local;
    span->own.local = tl_get(&block->next);
    tl_span_arm(span);
    tl_misuse_report(TALUS_MISUSE_DOUBLE_FREE, block,
                     "double free: no block of this span is allocated");
}

/* The block just freed is the one that malloc would return next. Its link on head is gone by now:
 * what followed it there stays given out, and what followed it on the span's list hangs on head. */
static TL_COLD void forget_double_free(struct tl_cache *cache, struct tl_span *span)
{
    struct tl_span_owned *own = &span->own;
    struct tl_block      *block = own->local;
    tl_counter_add_owner(&cache->given_out, (uintptr_t)own->local_count * span->block_size);
    tl_poke_add(&own->outstanding, own->local_count);
    own->local_count = 0;
    own->local = NULL;
    own->until_slow = own->until_start;
    tl_misuse_report(TALUS_MISUSE_DOUBLE_FREE, block,
                     "double free: the block was the last one freed");
}

/* What a slow exit does with the span. walked: a chain is walked back. False: a double free. */
static TL_SLOW bool look_at_span(struct tl_cache *cache, struct tl_span *span, bool walked)
{
    if (TL_UNLIKELY(span->own.outstanding == 0)) {
        undo_double_free(span);
        return false;
    }
    tl_span_settle(cache, span);
    if (span->own.outstanding == 0) {
        tl_span_emptied(cache, span, walked);
        return true;
    }
    if (!span->own.listed && !tl_pool_drains(&cache->heap->pool, span))
        tl_avail_add(&cache->bin[span->class_id], span);
    tl_span_arm(span);
    return true;
}

void tl_cache_free_slow_exit(struct tl_cache *cache, struct tl_span *span)
{
    if (TL_UNLIKELY(cache->head[span->class_id] == span->own.local)) {
        forget_double_free(cache, span);
        return;
    }
    if (!look_at_span(cache, span, false))
        return;
    drain(cache);
    tl_cache_tick(cache);
    tl_reserve_look(cache);
}

/* True: the slow exit is due. */
static inline bool push_own(struct tl_span *span, struct tl_block *block)
{
    tl_put(&block->next, span->own.local);
    span->own.local = block;
    return --span->own.until_slow == 0;
}

void tl_cache_free_own(struct tl_cache *cache, struct tl_span *span, struct tl_block *block)
{
    if (push_own(span, block))
        tl_cache_freed_last(cache, span, block);
}

/* Walks a chain back: own blocks to their spans, others towards their owners; in a kernel until the
 * piece is done, and returns the rest. A chain that a block is in twice may run in a circle, and a
 * link that was written over lead anywhere: the walk ends at the first sign of it, and what is left
 * of the chain stays given out. */
static struct tl_block *return_chain(struct tl_cache *cache, struct tl_block *chain)
{
    for (uint32_t left = TL_CHAIN_BLOCKS_MAX; chain != NULL && !piece_is_done(cache) && left > 0;
         left--) {
        struct tl_span *span = tl_span_at((uintptr_t)chain);
        if (TL_UNLIKELY(tl_span_owner(span) == NULL)) {
            tl_link_astray(chain);
            return NULL;
        }
        struct tl_block *next = tl_get(&chain->next);
        if (TL_KERNEL)
            cache->piece--;
        if (tl_span_owner(span) != cache) {
            if (tl_remote_return(cache, span, chain) && TL_KERNEL)
                cache->piece = 0;
        } else if (push_own(span, chain) && !look_at_span(cache, span, true)) {
            return NULL;
        }
        chain = next;
    }
    return TL_KERNEL ? chain : NULL;
}

/* Spans of large blocks are seldom wholly free: what lies free in them gives its pages back, once.
 * The links at the blocks' beginnings stay. */
static void purge_inside(struct tl_cache *cache)
{
    for (unsigned class_id = TL_CLASS_COUNT;
         class_id-- > 0 && tl_class_size(class_id) >= TL_PURGED_BLOCK_MIN;)
        for (struct tl_span *span = cache->bin[class_id].avail; span != NULL;
             span = span->own.next) {
            tl_span_settle(cache, span); /* what was freed since is not purged */
            struct tl_block *block = span->own.purged ? NULL : span->own.local;
            /* a list with a block freed twice may run in a circle */
            for (uint32_t left = span->own.local_count; block != NULL && left > 0; left--) {
                tl_pool_purge_inside(&cache->heap->pool, span, (uintptr_t)(block + 1),
                                     span->block_size - sizeof *block);
                block = tl_get(&block->next);
            }
            span->own.purged = true;
        }
}

/* Most classes are empty, where few are used and when memory is short. */
static inline bool holds_of_class(const struct tl_cache *cache, unsigned class_id)
{
#if TL_SMALL
    return cache->head[class_id] != NULL;
#else
    return cache->head[class_id] != NULL || cache->bin[class_id].pending != NULL ||
           tl_remote_has(cache, class_id);
#endif
}

static void flush_class(struct tl_cache *cache, unsigned class_id)
{
    struct tl_block *chain = cache->head[class_id];
    cache->head[class_id] = return_chain(cache, chain);
    while (!piece_is_done(cache) && (chain = take_batch(cache, class_id)) != NULL) {
        chain = return_chain(cache, chain);
        if (chain != NULL)
            (void)keep_batch(cache, class_id, chain); /* there is room: it was taken from there */
    }
    while (!piece_is_done(cache) && tl_remote_has(cache, class_id)) {
        tl_remote_flush(cache, class_id);
        if (TL_KERNEL)
            cache->piece = 0;
    }
}

bool tl_cache_flush(struct tl_cache *cache)
{
    drain(cache);
    for (unsigned n = 0; n < TL_CLASS_COUNT && !piece_is_done(cache); n++) {
        unsigned class_id = TL_KERNEL ? cache->flushed : n;
        if (holds_of_class(cache, class_id))
            flush_class(cache, class_id);
        if (TL_KERNEL && cache->piece > 0)
            cache->flushed = class_id + 1 < TL_CLASS_COUNT ? class_id + 1 : 0;
    }
#if !TL_SMALL
    memset(cache->credit, 0, sizeof cache->credit);
#endif
    tl_large_release_kept(cache);
    if (!TL_KERNEL) { /* which keeps no empty span, and never purges */
        tl_span_release_empty(cache);
        purge_inside(cache);
    }
    if (TL_UNLIKELY(tl_load32_relaxed(&cache->heap->pool.draining) != 0))
        tl_span_shun_draining(cache);
    /* one call takes in so many batches and no more */
    return piece_is_done(cache) || (TL_KERNEL && has_arrivals(cache));
}

/* The clock says whether what lies in the lists has lain there long enough. */
void tl_cache_look_at_clock(struct tl_cache *cache)
{
    struct tl_pool *pool = &cache->heap->pool;
    tl_ms           now_ms = (tl_ms)tl_port_now_ms();
    cache->slow_exits_left = TL_SLOW_EXITS_PER_LOOK;
    drain(cache);
    if (tl_load32_relaxed(&cache->heap->wants) != TL_WANTS_NOTHING)
        tl_reserve_answer(cache);
    if (cache->trim_ms == 0) /* the first look: its time begins now */
        cache->trim_ms = now_ms;
    if (now_ms - cache->trim_ms < pool->decay_ms)
        return;
    /* what the pieces did not come to in as long again may be in use */
    if (!tl_cache_flush(cache) || (now_ms - cache->trim_ms) / 2 >= pool->decay_ms)
        cache->trim_ms = now_ms;
    tl_adopt_trim_idle(cache->heap);
    if (!TL_KERNEL) /* where this is pinned, and the provider may block */
        tl_pool_decay(pool, false);
}
