/* growth.c: the page pool and its provider: growth, moves, the end. Theory: pool.h; what is given
 * back: contract.c. No provider call under a lock. */
#include "core/growth.h"
#include "arch/port.h"
#include "core/heap.h"
#include "core/meta.h"
#include "core/pagemap.h"
#include "core/report.h"
#include "core/runs.h"

/* Waits until the growth in flight ended. Lock held before and after. */
static void await_growth_locked(struct tl_pool *pool)
{
    uint32_t ticket = tl_event_prepare(&pool->grown);
    tl_lock_release(&pool->lock);
    tl_event_wait(&pool->grown, ticket);
    tl_lock_acquire(&pool->lock);
}

/* What to ask of the provider for a request of `needed` bytes: the growth step, so far as the limit
 * allows it. 0: the limit forbids even `needed`. */
static size_t growth_bytes(const struct tl_pool *pool, size_t needed)
{
    size_t room = pool->limit > pool->mapped ? pool->limit - pool->mapped : 0;
    if (needed > room)
        return 0;
    size_t step = pool->growth;
    if (step == 0) {
        step = pool->mapped / 8;
        if (step < TL_GROWTH_DEFAULT)
            step = TL_GROWTH_DEFAULT;
        if (step > TL_GROWTH_MAX)
            step = TL_GROWTH_MAX;
    }
    if (step > pool->step_max)
        step = pool->step_max;
    step = (step + TL_PAGE_SIZE - 1) & ~(TL_PAGE_SIZE - 1);
    if (step < needed)
        step = needed;
    return step < room ? step : room;
}

/* Field by field: others may read what lies between (region.h). */
static TL_INLINE_HOSTED bool cover(void *block, size_t bytes, bool given, struct tl_region *region)
{
    tl_poke(&region->start, (uintptr_t)block);
    tl_poke(&region->pages, bytes >> TL_PAGE_SHIFT);
    region->given = given;
    region->holds_data = false;
    tl_store32_relaxed(&region->draining, 0);
    bool beyond_top = bytes > 0 - (uintptr_t)block - 1; /* its end is no address */
    return ((uintptr_t)block & (TL_PAGE_SIZE - 1)) == 0 && !beyond_top && tl_page_map_cover(region);
}

void tl_growth_unmap(struct tl_pool *pool, void *block, size_t bytes)
{
    if (block != NULL && pool->provider.unmap != NULL)
        pool->provider.unmap(pool->provider.context, block, bytes);
}

/* A block from the provider with its page map entries, described by `region`, or NULL. No lock
 * held.
 * Where the page map is folded, a block may lie where it cannot be used: it is held while another
 * is asked for, or the provider would offer the same place again. */
static void *map_block(struct tl_pool *pool, size_t bytes, struct tl_region *region)
{
    void *held = NULL;
    for (;;) {
        void *block = pool->provider.map(pool->provider.context, bytes);
        bool  usable = block == NULL || cover(block, bytes, false, region);
        tl_growth_unmap(pool, held, bytes);
        if (usable)
            return block;
        if (held != NULL || pool->provider.unmap == NULL) { /* which loses what is unusable */
            tl_growth_unmap(pool, block, bytes);
            return NULL;
        }
        held = block;
    }
}

/* Two spare descriptors: `region` is part of the pool from now on, and `run` is its pages. Not
 * `added`: they are spare again. */
static void end_add_locked(struct tl_pool *pool, struct tl_region *region, struct tl_span *run,
                           bool added)
{
    if (!added) {
        tl_spare_put_locked(pool, run);
        tl_spare_put_locked(pool, (struct tl_span *)region);
        return;
    }
    if (pool->mapped > pool->mapped_peak)
        tl_poke(&pool->mapped_peak, pool->mapped);
    tl_region_insert(&pool->regions, region);
#if TL_SMALL
    region->heap = pool->heap;
#endif
    tl_poke(&run->start, region->start);
    tl_poke(&run->pages, (tl_pages)region->pages);
    run->region = region;
    tl_span_set_heap(run, pool->heap);
    tl_span_set_kind(run, TL_SPAN_BUSY);
    tl_span_set_dirt(run, 0, 0);
    if (TL_MUTANT_growth_early)
        run->region = NULL;
    run->free.freed_ms = (tl_ms)tl_port_now_ms();
    tl_runs_insert_locked(pool, run);
    if (TL_MUTANT_growth_early) {
        tl_lock_release(&pool->lock);
        tl_lock_acquire(&pool->lock);
        run->region = region;
    }
    tl_pool_look_low_locked(pool);
}

/* Once for a heap: a limit that is reached is how leaks show (R15). Lets go of the lock meanwhile.
 * */
static void report_limit_locked(struct tl_pool *pool)
{
    size_t limit = pool->limit;
    tl_lock_release(&pool->lock);
    tl_report_line("heap '%s' reached its limit of %z bytes, and says so once",
                   (uintptr_t)pool->name, limit);
    tl_lock_acquire(&pool->lock);
}

/* Learns what the provider still gives: `bytes` were the last that it was asked for. A provider
 * that has no more is not asked for ever smaller steps each time, and one that is well again gives
 * whole steps after a few. */
static void learn_step_locked(struct tl_pool *pool, size_t bytes, bool refused)
{
    if (!refused)
        pool->step_max = pool->step_max <= SIZE_MAX / 2 ? 2 * pool->step_max : SIZE_MAX;
    else if (bytes < pool->step_max)
        pool->step_max = bytes;
}

#if TL_KERNEL
/* The first page of a block that is to be added becomes descriptors, since there are no others.
 * False: the block is too short, or cannot be added. */
static bool descriptors_of(void *block, size_t bytes)
{
    struct tl_region probe;
    if (bytes <= TL_PAGE_SIZE || !cover(block, bytes, true, &probe))
        return false;
    tl_region_delist(&probe);
    return tl_descriptors_add(memset(block, 0, TL_PAGE_SIZE), TL_PAGE_SIZE);
}
#endif

bool tl_pool_add(struct tl_pool *pool, void *block, size_t bytes, bool holds_data)
{
    tl_lock_acquire(&pool->lock);
    bool ready = tl_spares_ready_locked(pool);
#if TL_KERNEL
    if (!ready && pool->heap == &tl_default_heap) {
        tl_lock_release(&pool->lock);
        if (!descriptors_of(block, bytes))
            return false;
        block = (char *)block + TL_PAGE_SIZE;
        bytes -= TL_PAGE_SIZE;
        holds_data = true;
        tl_lock_acquire(&pool->lock);
        ready = tl_spares_ready_locked(pool);
    }
#endif
    if (!ready) {
        tl_lock_release(&pool->lock);
        return false;
    }
    struct tl_region *region = (struct tl_region *)tl_spare_take_locked(pool);
    struct tl_span   *run = tl_spare_take_locked(pool);
    tl_lock_release(&pool->lock);
    bool added = cover(block, bytes, true, region);
    region->holds_data = holds_data;
    tl_lock_acquire(&pool->lock);
    if (added) {
        tl_poke_add(&pool->mapped, bytes);
        pool->clean_is_zero = false; /* who knows what it holds; so no run is worth a move either */
    }
    end_add_locked(pool, region, run, added);
    tl_lock_release(&pool->lock);
    return added;
}

bool tl_growth_locked(struct tl_pool *pool, size_t pages)
{
    if (!TL_GROWS)
        return false;
    if (pool->growing != 0) {
        await_growth_locked(pool);
        return true;
    }
    if (pages > TL_REQUEST_MAX >> TL_PAGE_SHIFT)
        return false;
    size_t needed = pages << TL_PAGE_SHIFT;
    size_t bytes = growth_bytes(pool, needed);
    if (bytes == 0) {
        if (!pool->limit_reported) {
            pool->limit_reported = true;
            report_limit_locked(pool);
            return true; /* others had the lock: runs and spare descriptors may have changed */
        }
        pool->count[TL_LIMIT_HITS]++;
        return false;
    }
    tl_poke(&pool->growing, bytes);
    tl_poke_add(&pool->mapped, bytes); /* the quota, before the provider is asked */
    /* others use spares up meanwhile */
    struct tl_region *region = (struct tl_region *)tl_spare_take_locked(pool);
    struct tl_span   *run = tl_spare_take_locked(pool);
    tl_lock_release(&pool->lock);
    TL_PREEMPT_POINT(growth);
    void *block;
    while ((block = map_block(pool, bytes, region)) == NULL && bytes > needed) { /* less will do */
        bytes = (bytes / 2) & ~(TL_PAGE_SIZE - 1);
        if (bytes < needed)
            bytes = needed;
    }
    tl_lock_acquire(&pool->lock);
    size_t refused = pool->growing - (block != NULL || TL_MUTANT_growth_quota_kept ? bytes : 0);
    tl_poke(&pool->growing, 0);
    tl_poke_sub(&pool->mapped, refused);
    learn_step_locked(pool, bytes, refused > 0);
    if (block == NULL) {
        pool->count[TL_FAILURES]++;
    } else {
        pool->count[TL_MAPS]++;
    }
    /* refused, the spares are enough for the caller to cut a run out after all */
    end_add_locked(pool, region, run, block != NULL);
    tl_event_signal_all(&pool->grown);
    return block != NULL;
}

bool tl_pool_is_growing(struct tl_pool *pool)
{
    tl_lock_acquire(&pool->lock);
    bool growing = pool->growing != 0;
    tl_lock_release(&pool->lock);
    return growing;
}

void tl_pool_raise(struct tl_pool *pool)
{
    tl_lock_acquire(&pool->lock);
    bool grown = true;
    while (grown && tl_pool_is_low_locked(pool)) {
        grown = tl_spares_ready_locked(pool);
        if (pool->growing != 0) /* no wait: `due` stays, and whoever comes by next looks again */
            break;
        grown = grown && growth_bytes(pool, TL_PAGE_SIZE) != 0 && tl_growth_locked(pool, 1);
    }
    if (pool->growing == 0)
        tl_pool_clear_due_locked(pool, TL_DUE_GROWTH);
    tl_lock_release(&pool->lock);
}

#if !TL_KERNEL
static size_t least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Has the provider move some of the `left` bytes at `from`, TL_MOVE_PIECE at most, each end in one
 * of its blocks. What it refuses may be two mappings to the system: half of it is tried, down
 * to TL_MOVE_MIN. Returns the bytes moved, 0 for none. */
static size_t move_piece(struct tl_pool *pool, struct tl_region *from_region, uintptr_t from,
                         struct tl_region *to_region, uintptr_t to, size_t left)
{
    size_t piece = least_of(left, TL_MOVE_PIECE);
    piece = least_of(piece, tl_region_end(tl_region_at(from_region, from)) - from);
    piece = least_of(piece, tl_region_end(tl_region_at(to_region, to)) - to);
    while (!pool->provider.move(pool->provider.context, (void *)from, (void *)to, piece)) {
        if (piece <= TL_MOVE_MIN)
            return 0;
        piece = (piece / 2) & ~(TL_PAGE_SIZE - 1);
    }
    return piece;
}

static bool is_worth_moving(struct tl_pool *pool, const struct tl_span *from,
                            const struct tl_span *to)
{
    tl_lock_acquire(&pool->lock);
    size_t least = pool->mapped / TL_MOVED_SHARE;
    tl_lock_release(&pool->lock);
    size_t bytes = tl_span_bytes(from);
    size_t end = least_of(tl_span_dirty_to(to), from->pages);
    size_t dirty = end > tl_span_dirty_from(to) ? end - tl_span_dirty_from(to) : 0;
    /* pages that hold memory already are better written than given up */
    return TL_GROWS && pool->provider.move != NULL && dirty <= from->pages / 2 &&
           bytes >= TL_MOVE_MIN && bytes >= least;
}

size_t tl_pool_move(struct tl_pool *pool, struct tl_span *from, struct tl_span *to)
{
    size_t   bytes = tl_span_bytes(from), still_dirty = 0;
    bool     try = is_worth_moving(pool, from, to);
    unsigned refusals = 0; /* one after the other */
    for (size_t at = 0; at < bytes;) {
        uintptr_t source = from->start + at, target = to->start + at;
        size_t    moved =
            try ? move_piece(pool, from->region, source, to->region, target, bytes - at) : 0;
        if (moved > 0) {
            at += moved;
            refusals = 0;
            continue;
        }
        try = try && ++refusals < TL_MOVE_REFUSALS_MAX;
        size_t piece = try ? least_of(bytes - at, TL_MOVE_MIN) : bytes - at;
        memcpy((void *)target, (void *)source, piece);
        at += piece;
        still_dirty = at;
    }
    return still_dirty >> TL_PAGE_SHIFT;
}
#endif

/* Clears the page map of a region of a heap that ends, and recycles the descriptors of the runs
 * that begin in it. */
static void forget_region(struct tl_pool *pool, struct tl_region *region)
{
    uintptr_t end = tl_region_end(region);
    for (uintptr_t page = region->start; page < end; page += TL_PAGE_SIZE) {
        struct tl_span *span = tl_span_at(page);
        tl_page_set(page, NULL);
        if (tl_span_kind(span) != TL_SPAN_NONE && span->start == page)
            tl_spare_put_locked(pool, span);
    }
}

void tl_pool_destroy(struct tl_pool *pool)
{
    tl_port_synchronize();
    tl_lock_acquire(&pool->lock);
    struct tl_region *region;
    for (region = pool->regions; region != NULL; region = region->next)
        forget_region(pool, region);
    while ((region = pool->regions) != NULL) {
        size_t bytes = region->pages << TL_PAGE_SHIFT;
        tl_region_remove(region);
        tl_lock_release(&pool->lock);
        tl_region_delist(region);
        if (TL_GROWS && !region->given)
            tl_growth_unmap(pool, (void *)region->start, bytes);
        tl_lock_acquire(&pool->lock);
        pool->count[TL_UNMAPS]++;
        tl_poke_sub(&pool->mapped, bytes);
        tl_spare_put_locked(pool, (struct tl_span *)region);
    }
    struct tl_span *chain = pool->spare;
    pool->spare = NULL;
    pool->spares = 0;
    tl_lock_release(&pool->lock);
    tl_descriptors_recycle(chain);
}
