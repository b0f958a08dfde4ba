/* adopt.c: taking over what ended threads left. Theory: adopt.h. */
#include "core/adopt.h"
#include "arch/port.h"
#include "core/heap.h"
#include "core/meta.h"
#include "core/pagemap.h"
#include "core/purger.h"

#define IDLE_LOOKED_AT_MAX 4u /* idle caches that one allocation looks into, where there are many */

static struct tl_cache *recycled_caches; /* caches of heaps that ended; tl_meta_lock */

static struct tl_cache *cache_new(void)
{
    tl_meta_acquire();
    struct tl_cache *cache = recycled_caches;
    if (cache != NULL)
        recycled_caches = cache->next;
    tl_meta_release();
    return cache != NULL ? (struct tl_cache *)tl_meta_wipe(cache, sizeof *cache)
                         : (struct tl_cache *)tl_meta_new(sizeof *cache);
}

static struct tl_cache *take_idle_locked(struct tl_heap *heap)
{
    for (struct tl_cache **link = &heap->idle; *link != NULL; link = &(*link)->idle_next) {
        struct tl_cache *cache = *link;
        if (tl_claim_try(&cache->claim)) {
            *link = cache->idle_next;
            if (heap->idle_end == &cache->idle_next)
                heap->idle_end = link;
            tl_counter_add_owner(&heap->idle_count, (uintptr_t)-1);
            heap->adoptions++;
            return cache;
        }
    }
    return NULL;
}

struct tl_cache *tl_cache_acquire(struct tl_heap *heap)
{
    tl_lock_acquire(&heap->lock);
    struct tl_cache *cache = take_idle_locked(heap);
    tl_lock_release(&heap->lock);
    if (cache != NULL) {
        tl_claim_enter(&cache->claim);
        return cache;
    }
    cache = cache_new();
    if (cache == NULL)
        return NULL;
    tl_cache_init(cache, heap);
    tl_store32_relaxed(&cache->claim.state, TL_LIVE); /* nobody knows it yet */
    tl_lock_acquire(&heap->lock);
#if !TL_SMALL
    cache->owner_slot = heap->cache_count % TL_OWNER_SLOTS;
#endif
    tl_poke(&cache->next, heap->caches);
    tl_poke(&heap->caches, cache);
    heap->cache_count++;
    tl_lock_release(&heap->lock);
    return cache;
}

void tl_cache_leave(struct tl_cache *cache)
{
    struct tl_heap *heap = cache->heap;
    cache->trim_ms = (tl_ms)tl_port_now_ms();
    tl_lock_acquire(&heap->lock);
    cache->idle_next = heap->idle;
    heap->idle = cache;
    if (cache->idle_next == NULL)
        heap->idle_end = &cache->idle_next;
    tl_counter_add_owner(&heap->idle_count, 1);
#if !TL_KERNEL
    heap->left_ms = cache->trim_ms;
#endif
    tl_claim_leave(&cache->claim); /* pairs with the claim's acquire */
    tl_purger_notice();
    tl_lock_release(&heap->lock);
}

/* The next idle cache that can be claimed, of `*left` to look at. What was looked at goes to the
 * list's end, so that each look is at another one, and a whole round takes a time linear in their
 * number. heap->lock is taken and released. */
static struct tl_cache *claim_next(struct tl_heap *heap, size_t *left)
{
    struct tl_cache *found = NULL;
    tl_lock_acquire(&heap->lock);
    while (found == NULL && *left > 0 && heap->idle != NULL) {
        struct tl_cache *cache = heap->idle;
        --*left;
        if (cache->idle_next != NULL) {
            heap->idle = cache->idle_next;
            *heap->idle_end = cache;
            heap->idle_end = &cache->idle_next;
            cache->idle_next = NULL;
        }
        if (tl_claim_try(&cache->claim) || TL_MUTANT_adopt_unclaimed)
            found = cache;
    }
    tl_lock_release(&heap->lock);
    return found;
}

/* One span with free blocks moves from the claimed cache `from` to `cache`: blocks of it, or NULL.
 * */
static struct tl_block *move_span(struct tl_cache *cache, struct tl_cache *from, unsigned class_id)
{
    struct tl_bin  *bin = &from->bin[class_id];
    struct tl_span *span = bin->avail != NULL ? bin->avail : bin->fresh;
    if (span == NULL)
        return NULL;
    tl_span_settle(from, span);
    if (span->own.listed && !TL_MUTANT_adopted_span_listed)
        tl_avail_remove(bin, span);
    tl_span_uncount_empty(from, span);
    uintptr_t given_out = (uintptr_t)span->own.outstanding * span->block_size;
    tl_counter_add_owner(&from->given_out, 0 - given_out);
    tl_counter_add_owner(&cache->given_out, given_out);
    TL_PREEMPT_POINT(adopt_span);
    tl_span_set_owner(span, cache);
    if (bin->fresh == span) {
        bin->fresh = NULL;
        cache->bin[class_id].fresh = span;
    }
    return span->own.local != NULL ? tl_span_take_local(cache, span) : tl_span_carve(cache, span);
}

struct tl_block *tl_adopt_blocks(struct tl_cache *cache, unsigned class_id)
{
    struct tl_heap  *heap = cache->heap;
    struct tl_block *list = NULL;
    size_t           left = tl_counter_read(&heap->idle_count);
    struct tl_cache *from;
    if (left == 0)
        return NULL;
    if (!TL_KERNEL || heap->real_time) /* else all: few, and nobody else can give what they hold */
        left = IDLE_LOOKED_AT_MAX;
    while (list == NULL && (from = claim_next(heap, &left)) != NULL) {
        list = from->head[class_id];
        from->head[class_id] = NULL;
        if (list == NULL)
            list = move_span(cache, from, class_id);
        tl_claim_drop(&from->claim);
    }
    return list;
}

/* Those that are idle for `idle_ms`. True: there is more. */
static bool flush_idle(struct tl_heap *heap, uint32_t idle_ms)
{
    size_t           left = tl_counter_read(&heap->idle_count);
    bool             more = false;
    struct tl_cache *cache;
    while (!more && (cache = claim_next(heap, &left)) != NULL) {
        tl_ms now_ms = (tl_ms)tl_port_now_ms();
        if (now_ms - cache->trim_ms >= idle_ms) {
            tl_cache_piece_begin(cache);
            if (tl_cache_flush(cache))
                more = true;
            else
                cache->trim_ms = now_ms;
        }
        tl_claim_drop(&cache->claim);
    }
    return more;
}

void tl_adopt_trim_idle(struct tl_heap *heap)
{
    if (!TL_MUTANT_idle_kept)
        (void)flush_idle(heap, heap->pool.decay_ms);
}

bool tl_adopt_flush_idle(struct tl_heap *heap)
{
    return flush_idle(heap, 0);
}

#if TL_KERNEL
bool tl_adopt_arrivals(struct tl_cache *cache, unsigned class_id, bool any, size_t *left)
{
    struct tl_heap *heap = cache->heap;
    tl_lock_acquire(&heap->lock);
    if (*left > heap->cache_count)
        *left = heap->cache_count;
    for (; cache->arrived == NULL && *left > 0; --*left) {
        struct tl_cache *from = heap->robbed != NULL ? heap->robbed->next : NULL;
        if (from == NULL)
            from = heap->caches;
        heap->robbed = from;
        /* relaxed: a look at the books, which never end, of a batch that may be gone */
        if (any || tl_span_at(tl_load_relaxed(&from->inbox.head))->class_id == class_id)
            cache->arrived = tl_inbox_drain(&from->inbox);
    }
    tl_lock_release(&heap->lock);
    return cache->arrived != NULL;
}
#endif

void tl_caches_recycle(struct tl_heap *heap)
{
    tl_meta_acquire();
    struct tl_cache *next;
    for (struct tl_cache *cache = heap->caches; cache != NULL; cache = next) {
        next = cache->next;
        tl_poke(&cache->next, recycled_caches);
        recycled_caches = cache;
    }
    tl_meta_release();
}

#if !TL_KERNEL
void tl_adopt_fork_child(struct tl_heap *heap, struct tl_cache *self)
{
    for (struct tl_cache *cache = heap->caches; cache != NULL; cache = cache->next)
        if (cache != self && tl_claim_state(&cache->claim) != TL_IDLE)
            tl_claim_lose(&cache->claim);
}
#endif
