/* contract.c: what the page pool gives back: old dirt (decay), whole regions, regions that were to
 * leave (R16, R17, D6). Theory: pool.h. No provider call under a lock. */
#include "arch/port.h"
#include "core/growth.h"
#include "core/heap.h"
#include "core/pagemap.h"
#include "core/runs.h"

/* Which regions may go: those that drain; those of the provider's as well; the owner's, too. Of
 * what does not drain so much stays as low water asks for. */
enum which { DRAINING, PROVIDED, ANY };

static bool may_go(const struct tl_pool *pool, const struct tl_region *region, size_t pages_max,
                   enum which which)
{
    if (region->holds_data || region->pages > pages_max ||
        (region->given ? pool->on_removed == NULL : pool->provider.unmap == NULL))
        return false;
    return tl_region_is_draining(region) ||
           ((which == ANY || (which == PROVIDED && !region->given)) && !pool->keep_pages &&
            pool->free_pages >= pool->low_pages + region->pages);
}

/* A region of `pages_max` at most that lies wholly in the free run `run`, and may go; or NULL. */
static TL_NOINLINE struct tl_region *whole_region(const struct tl_pool *pool,
                                                  const struct tl_span *run, size_t pages_max,
                                                  enum which which)
{
    uintptr_t end = run->start + tl_span_bytes(run);
    for (struct tl_region *region = run->region; region != NULL && region->start < end;
         region = region->touching)
        if (region->start >= run->start && tl_region_end(region) <= end &&
            may_go(pool, region, pages_max, which))
            return region;
    return NULL;
}

/* Takes `region` out of the free run that holds it and gives it to the provider, or its owner. Lock
 * held, let go of meanwhile. Returns its pages. */
static size_t remove_region_locked(struct tl_pool *pool, struct tl_span *run,
                                   struct tl_region *region)
{
    uintptr_t start = region->start;
    size_t    pages = region->pages, bytes = pages << TL_PAGE_SHIFT;
    run = tl_pool_cut_out_locked(pool, run, (start - run->start) >> TL_PAGE_SHIFT, pages);
    if (TL_MUTANT_contract_in_bin)
        tl_runs_insert_locked(pool, run);
    tl_region_remove(region);
    if (tl_region_is_draining(region))
        tl_store32_relaxed(&pool->draining, tl_load32_relaxed(&pool->draining) - 1);
    if (!TL_MUTANT_contract_in_bin)
        tl_page_set(start, NULL);
    pool->count[TL_UNMAPS] += !region->given;
    tl_lock_release(&pool->lock);
    tl_region_delist(region);
    TL_PREEMPT_POINT(contract);
    if (!TL_MUTANT_contract_unsynchronized)
        tl_port_synchronize();
    if (region->given)
        pool->on_removed(pool->on_removed_context, tl_heap_handle(pool->heap), (void *)start,
                         bytes);
    else
        tl_growth_unmap(pool, (void *)start, bytes);
    tl_lock_acquire(&pool->lock);
    if (!TL_MUTANT_contract_quota_kept)
        tl_poke_sub(&pool->mapped, bytes);
    if (TL_MUTANT_contract_in_bin) {
        region->holds_data = true; /* else the bug shows as a loop: it would go again and again */
    } else {
        tl_spare_put_locked(pool, run);
        tl_spare_put_locked(pool, (struct tl_span *)region);
    }
    return pages;
}

/* A whole region that may go, and the run that it lies in; or NULL. Where only those that drain may
 * go the runs that are ASIDE are all there are. */
static struct tl_region *find_whole_locked(const struct tl_pool *pool, size_t pages_max,
                                           enum which which, uint32_t unused_ms,
                                           struct tl_span **run)
{
    struct tl_region *region = NULL;
    unsigned          lowest = which == DRAINING ? TL_POOL_BINS : 0;
    tl_ms             now_ms = (tl_ms)tl_port_now_ms();
    for (unsigned bin = TL_POOL_BINS + 1; bin-- > lowest && region == NULL;)
        for (*run = pool->bin[bin]; *run != NULL; *run = (*run)->free.next)
            if (now_ms - (*run)->free.freed_ms >= unused_ms &&
                (region = whole_region(pool, *run, pages_max, which)) != NULL)
                break;
    return region;
}

/* Removes regions, `pages_max` pages at most, in runs that are free for `unused_ms`. Lock held, let
 * go of meanwhile. Returns the pages. */
static size_t remove_whole_locked(struct tl_pool *pool, size_t pages_max, enum which which,
                                  uint32_t unused_ms)
{
    size_t removed = 0;
    for (;;) {
        struct tl_span   *run;
        struct tl_region *region;
        if (!tl_spares_ready_locked(pool)) {
            tl_pool_set_due_locked(pool, TL_DUE_REMOVAL); /* when there are some */
            return removed;
        }
        region = find_whole_locked(pool, pages_max - removed, which, unused_ms, &run);
        if (region == NULL)
            return removed;
        removed += remove_region_locked(pool, run, region);
    }
}

/* Has the provider purge `bytes` from `start` in `region`, and on through the regions that touch:
 * one call for each, since a provider knows its own blocks only. The run has a holder, so these
 * regions and the links between them stay. No lock held. Returns true when all read as zero;
 * *purged is what the provider got. */
static bool purge_bytes(struct tl_pool *pool, const struct tl_region *region, uintptr_t start,
                        size_t bytes, size_t *purged)
{
    bool zero = pool->provider.purge != NULL;
    *purged = 0;
    while (pool->provider.purge != NULL) {
        size_t here = tl_region_end(region) - start;
        if (here > bytes)
            here = bytes;
        if (region->given) {
            zero = false;
        } else {
            zero = pool->provider.purge(pool->provider.context, (void *)start, here) && zero;
            *purged += here;
        }
        start += here;
        bytes -= here;
        if (bytes == 0)
            break;
        region = region->touching;
    }
    return zero;
}

#if !TL_KERNEL
void tl_pool_purge_inside(struct tl_pool *pool, const struct tl_span *span, uintptr_t start,
                          size_t bytes)
{
    size_t    unit = pool->provider.purge_unit != 0 ? pool->provider.purge_unit : TL_PAGE_SIZE;
    uintptr_t from = (start + unit - 1) & ~(unit - 1);
    uintptr_t to = (start + bytes) & ~(unit - 1);
    size_t    purged;
    if (from < to && !pool->keep_pages)
        purge_bytes(pool, tl_region_at(span->region, from), from, to - from, &purged);
}
#endif

/* Purges the dirty part of a free run, the last `pages_max` pages of it at most. Lock held, let go
 * of meanwhile. Returns the pages purged. */
static size_t purge_run_locked(struct tl_pool *pool, struct tl_span *run, size_t pages_max)
{
    size_t pages = tl_span_dirty(run) < pages_max ? tl_span_dirty(run) : pages_max;
    size_t from = tl_span_dirty_to(run) - pages;
    tl_runs_remove_locked(pool, run); /* BUSY and on no list: nobody merges with it */
    tl_lock_release(&pool->lock);
    TL_PREEMPT_POINT(purge);
    uintptr_t start = run->start + (from << TL_PAGE_SHIFT);
    size_t    purged;
    bool      zero =
        purge_bytes(pool, tl_region_at(run->region, start), start, pages << TL_PAGE_SHIFT, &purged);
    tl_lock_acquire(&pool->lock);
    pool->count[TL_PURGES]++;
    pool->clean_is_zero = pool->clean_is_zero && zero;
    tl_span_clip_dirt(run, from);
    tl_runs_insert_locked(pool, run);
    return purged >> TL_PAGE_SHIFT;
}

size_t tl_pool_decay(struct tl_pool *pool, bool all)
{
    size_t given_back = 0;
    if (!TL_GROWS)
        return 0;
    tl_lock_acquire(&pool->lock);
    if (TL_UNLIKELY(tl_pool_is_due(pool, TL_DUE_REMOVAL))) {
        tl_pool_clear_due_locked(pool, TL_DUE_REMOVAL);
        given_back = remove_whole_locked(pool, SIZE_MAX, DRAINING, 0);
    }
    for (unsigned n = 0; !pool->keep_pages && (all || n < TL_PURGES_PER_CALL_MAX); n++) {
        struct tl_span *run = pool->oldest;
        if (run == NULL ||
            (!all && (tl_ms)tl_port_now_ms() - run->free.freed_ms < pool->decay_ms) ||
            !tl_spares_ready_locked(pool) || run != pool->oldest)
            break;
        struct tl_region *region = whole_region(pool, run, SIZE_MAX, PROVIDED);
        given_back += region != NULL ? remove_region_locked(pool, run, region)
                                     : purge_run_locked(pool, run, SIZE_MAX);
    }
    tl_lock_release(&pool->lock);
    return given_back << TL_PAGE_SHIFT;
}

#if !TL_KERNEL /* which has no purge thread */
bool tl_pool_is_dirty(struct tl_pool *pool)
{
    tl_lock_acquire(&pool->lock);
    bool dirty = pool->oldest != NULL && !pool->keep_pages;
    tl_lock_release(&pool->lock);
    return dirty;
}
#endif

size_t tl_pool_contract(struct tl_pool *pool, size_t pages, uint32_t unused_ms)
{
    size_t removed = 0;
    if (TL_GROWS) {
        tl_lock_acquire(&pool->lock);
        removed = remove_whole_locked(pool, pages, ANY, unused_ms);
        tl_lock_release(&pool->lock);
    }
    return removed;
}

size_t tl_pool_shrink(struct tl_pool *pool, size_t pages)
{
    size_t given_back = tl_pool_contract(pool, pages, 0);
    tl_lock_acquire(&pool->lock);
    while (TL_GROWS && given_back < pages && pool->oldest != NULL && pool->provider.purge != NULL &&
           !pool->keep_pages)
        given_back += purge_run_locked(pool, pool->oldest, pages - given_back);
    tl_lock_release(&pool->lock);
    return given_back;
}

/* Takes what of the free runs lies in `region` out of its bin. Returns it as a list. */
static struct tl_span *take_free_locked(struct tl_pool *pool, const struct tl_region *region)
{
    uintptr_t       region_end = tl_region_end(region);
    struct tl_span *taken = NULL, *next;
    for (unsigned bin = 0; bin <= TL_POOL_BINS; bin++)
        for (struct tl_span *run = pool->bin[bin]; run != NULL; run = next) {
            uintptr_t end = run->start + tl_span_bytes(run);
            uintptr_t from = run->start > region->start ? run->start : region->start;
            uintptr_t to = end < region_end ? end : region_end;
            next = run->free.next;
            if (from >= to)
                continue;
            run = tl_pool_cut_out_locked(pool, run, (from - run->start) >> TL_PAGE_SHIFT,
                                         (to - from) >> TL_PAGE_SHIFT);
            run->free.next = taken;
            taken = run;
        }
    return taken;
}

static enum tl_drain drain_locked(struct tl_pool *pool, uintptr_t address, bool drain)
{
    if (!TL_GROWS)
        return TL_DRAIN_NO_BLOCK;
    if (!tl_spares_ready_locked(pool)) /* two borders are cut */
        return TL_DRAIN_NO_MEMORY;
    struct tl_region *region = pool->regions;
    while (region != NULL && address - region->start >= region->pages << TL_PAGE_SHIFT)
        region = region->next;
    if (region == NULL)
        return TL_DRAIN_NO_BLOCK;
    if (region->holds_data && drain)
        return TL_DRAIN_HOLDS_DATA;
    if (tl_region_is_draining(region) == drain)
        return TL_DRAIN_DONE;
    struct tl_span *next;
    struct tl_span *taken = take_free_locked(pool, region);
    uint32_t        number = tl_load32_relaxed(&pool->draining);
    tl_store32_relaxed(&region->draining, drain);
    tl_store32_relaxed(&pool->draining, drain ? number + 1 : number - 1);
    for (; taken != NULL; taken = next) {
        next = taken->free.next;
        tl_runs_insert_locked(pool, taken);
    }
    tl_pool_look_low_locked(pool);
    return TL_DRAIN_DONE;
}

enum tl_drain tl_pool_drain(struct tl_pool *pool, uintptr_t address, bool drain)
{
    tl_lock_acquire(&pool->lock);
    enum tl_drain result = drain_locked(pool, address, drain);
    tl_lock_release(&pool->lock);
    return result;
}
