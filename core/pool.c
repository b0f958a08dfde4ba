/* pool.c: taking and giving back runs. Theory: pool.h; free runs: runs.c; growth: growth.c;
 * shrinkage: contract.c. */
#include "core/pool.h"
#include "arch/port.h"
#include "core/growth.h"
#include "core/heap.h"
#include "core/pagemap.h"
#include "core/runs.h"

void tl_pool_init(struct tl_pool *pool, struct tl_heap *heap, const talus_heap_options *options)
{
    const talus_provider *provider =
        options->provider != NULL ? options->provider : tl_provider_default();
    tl_poke(&pool->name, options->name != NULL ? options->name : "heap");
    tl_poke(&pool->heap, heap);
    pool->provider = *provider;
    pool->age_end = &pool->oldest;
    pool->growth = options->growth;
    pool->step_max = SIZE_MAX;
    pool->decay_ms = options->decay_ms != 0 ? options->decay_ms : TL_DECAY_MS_DEFAULT;
    pool->keep_pages = options->keep_pages;
    pool->clean_is_zero = provider->zeroed;
    tl_poke(&pool->limit, options->limit != 0 ? options->limit & ~(TL_PAGE_SIZE - 1) : SIZE_MAX);
    pool->low_pages = !TL_GROWS || heap->real_time ? 0 : options->low_water >> TL_PAGE_SHIFT;
    pool->on_removed = options->on_removed;
    pool->on_removed_context = options->on_removed_context;
    tl_pool_look_low_locked(pool);
}

struct tl_span *tl_pool_cut_out_locked(struct tl_pool *pool, struct tl_span *run, size_t lead,
                                       size_t pages)
{
    tl_runs_remove_locked(pool, run);
    if (lead > 0) {
        struct tl_span *aligned = tl_runs_split_locked(pool, run, lead);
        tl_runs_insert_locked(pool, run);
        run = aligned;
    }
    if (run->pages > pages)
        tl_runs_insert_locked(pool, tl_runs_split_locked(pool, run, pages));
    if (!pool->clean_is_zero)
        tl_span_set_dirt(run, 0, run->pages);
    tl_page_set(run->start, run);
    if (tl_pool_is_low_locked(pool) && pool->free_pages + pages >= pool->low_pages)
        tl_pool_set_due_locked(pool, TL_DUE_GROWTH); /* once, should growth be refused */
    return run;
}

/* Pages from the start of `run` to the next address that is aligned to `align_pages`. */
static size_t lead_to(const struct tl_span *run, size_t align_pages)
{
    uintptr_t mask = ((TL_MUTANT_align_run_lost ? 1 : align_pages) << TL_PAGE_SHIFT) - 1;
    return (size_t)((((run->start + mask) & ~mask) - run->start) >> TL_PAGE_SHIFT);
}

struct tl_span *tl_pool_take(struct tl_pool *pool, size_t pages, size_t align_pages)
{
    size_t          needed = pages + align_pages - 1;
    struct tl_span *run = NULL;
    tl_lock_acquire(&pool->lock);
    while (tl_spares_ready_locked(pool) || TL_SMALL) {
        run = tl_runs_find_locked(pool, needed, false);
        if (run != NULL)
            break;
        /* a kernel's caller is pinned: growth is tl_pool_grow's, after unpin */
        if (TL_KERNEL || !tl_growth_locked(pool, needed)) {
            run = pool->heap->real_time ? NULL : tl_runs_find_locked(pool, needed, true);
            break;
        }
    }
    /* where memory is small, no spare lies idle: the last run goes without */
    if (TL_SMALL && run != NULL && pool->spares < 2 && run->pages != pages &&
        (pool->spares == 0 || align_pages > 1))
        run = NULL;
    if (run != NULL)
        run = tl_pool_cut_out_locked(pool, run, lead_to(run, align_pages), pages);
    tl_lock_release(&pool->lock);
    if (!TL_KERNEL)
        tl_pool_answer_low(pool);
    return run;
}

/* Takes the first `pages` from the free run `run`, which needs no descriptor. */
static void shorten_front_locked(struct tl_pool *pool, struct tl_span *run, size_t pages)
{
    tl_runs_remove_locked(pool, run);
    tl_page_set(run->start, NULL);
    if (run->pages == pages) {
        tl_spare_put_locked(pool, run);
        return;
    }
    tl_poke_add(&run->start, pages << TL_PAGE_SHIFT);
    tl_poke_sub(&run->pages, (tl_pages)pages);
    run->region = tl_region_at(run->region, run->start);
    tl_span_set_dirt_behind(run, run, pages);
    tl_runs_insert_locked(pool, run);
}

/* Without a descriptor: the heap calls this where there are none. What was taken is in no run, so
 * its region is never all free. */
void *tl_pool_take_for_good(struct tl_pool *pool, size_t pages)
{
    tl_lock_acquire(&pool->lock);
    struct tl_span *run = tl_runs_find_locked(pool, pages, true);
    uintptr_t       taken = 0;
    if (run != NULL) {
        size_t bytes = pages << TL_PAGE_SHIFT;
        taken = run->start;
        for (struct tl_region *region = run->region;
             region != NULL && region->start < taken + bytes; region = region->touching)
            region->holds_data = true;
        shorten_front_locked(pool, run, pages);
        tl_poke_sub(&pool->mapped, bytes);
    }
    tl_lock_release(&pool->lock);
    return (void *)taken;
}

#if !TL_KERNEL
/* Where in the free run `run` a block of `pages` that grows should begin: behind a large block,
 * which may grow as well, half of the room is left to that one. */
static size_t lead_to_grow(const struct tl_span *run, size_t pages)
{
    bool begins_region = tl_region_at(run->region, run->start)->start == run->start;
    bool behind_large =
        !begins_region && tl_span_kind(tl_span_at(run->start - TL_PAGE_SIZE)) == TL_SPAN_NONE;
    return behind_large ? (run->pages - pages) / 2 : 0;
}

struct tl_span *tl_pool_take_to_grow(struct tl_pool *pool, size_t pages)
{
    size_t          more = (TL_GROWING_ROOM - 1) * pages;
    size_t          roomy = pages + (more < TL_GROWING_ROOM_MAX ? more : TL_GROWING_ROOM_MAX);
    struct tl_span *run = NULL;
    tl_lock_acquire(&pool->lock);
    if (tl_spares_ready_locked(pool)) {
        run = tl_runs_longest_locked(pool, TL_POOL_SCAN_MAX);
        /* no quota is spent on mere room where there is a limit */
        if ((run == NULL || run->pages < roomy) && pool->limit == SIZE_MAX && !TL_KERNEL) {
            if (tl_growth_locked(pool, roomy))
                tl_spares_ready_locked(pool);
            /* others had the lock, also where growth failed */
            run = tl_runs_longest_locked(pool, TL_POOL_SCAN_MAX);
        }
        if (run != NULL && run->pages >= pages && pool->spares >= TL_SPARES_FOR_ONE_CALL)
            run = tl_pool_cut_out_locked(pool, run, lead_to_grow(run, pages), pages);
        else
            run = NULL;
    }
    tl_lock_release(&pool->lock);
    return run != NULL ? run : tl_pool_take(pool, pages, 1);
}
#endif

void tl_pool_put(struct tl_pool *pool, struct tl_span *span, size_t dirty)
{
    tl_span_set_kind(span, TL_SPAN_BUSY);
    tl_lock_acquire(&pool->lock);
    tl_ms now_ms = (tl_ms)tl_port_now_ms();
    span->free.freed_ms = now_ms;
    tl_span_set_dirt(span, 0, TL_MUTANT_dirt_forgotten ? 0 : dirty);
    if (TL_MUTANT_pool_left_early)
        tl_lock_release(&pool->lock);
    tl_runs_insert_locked(pool, span);
    if (TL_MUTANT_pool_left_early)
        tl_lock_acquire(&pool->lock);
    bool old_dirt = pool->oldest != NULL && now_ms - pool->oldest->free.freed_ms >= pool->decay_ms;
    tl_lock_release(&pool->lock);
    /* a kernel's caller is pinned, the provider may block; any may be in the midst of a cache,
     * which an owner who is told may use: the heap's calls look again when nothing is in hand */
    if (!TL_KERNEL && pool->on_removed == NULL &&
        (old_dirt || tl_pool_is_due(pool, TL_DUE_REMOVAL)))
        tl_pool_decay(pool, false);
}

bool tl_pool_extend(struct tl_pool *pool, struct tl_span *span, size_t pages)
{
    size_t          more = pages - span->pages;
    uintptr_t       end = span->start + tl_span_bytes(span);
    bool            done = false;
    struct tl_span *next = NULL;
    if (TL_MUTANT_extend_stale)
        next = tl_runs_free_at_locked(pool, end, TL_SPAN_FREE);
    tl_lock_acquire(&pool->lock);
    if (!TL_MUTANT_extend_stale)
        next = tl_runs_free_at_locked(
            pool, end,
            TL_MUTANT_drain_extended && tl_pool_drains(pool, span) ? TL_SPAN_ASIDE : TL_SPAN_FREE);
    if (TL_MUTANT_extend_into_neighbour && next != NULL && next->pages < more)
        more = next->pages;
    if (next != NULL && next->pages >= more) {
        tl_region_link(span->region, next->region, end);
        shorten_front_locked(pool, next, more);
        tl_poke(&span->pages, (tl_pages)pages);
        done = true;
    }
    tl_lock_release(&pool->lock);
    return done;
}

bool tl_pool_shorten(struct tl_pool *pool, struct tl_span *span, size_t pages)
{
    tl_lock_acquire(&pool->lock);
    bool done = tl_spares_ready_locked(pool);
    if (done) {
        struct tl_span *rest = tl_runs_split_locked(pool, span, pages);
        tl_span_set_dirt(rest, 0, rest->pages);
        rest->free.freed_ms = (tl_ms)tl_port_now_ms();
        tl_runs_insert_locked(pool, rest);
    }
    tl_lock_release(&pool->lock);
    return done;
}

bool tl_pool_grow_to(struct tl_pool *pool, size_t bytes)
{
    bool grown = bytes <= TL_REQUEST_MAX;
    tl_lock_acquire(&pool->lock);
    while (grown && pool->mapped < bytes)
        grown = tl_spares_ready_locked(pool) &&
                tl_growth_locked(pool, (bytes - pool->mapped + TL_PAGE_SIZE - 1) >> TL_PAGE_SHIFT);
    tl_lock_release(&pool->lock);
    return grown;
}

bool tl_pool_grow(struct tl_pool *pool, size_t pages, bool ready)
{
    tl_lock_acquire(&pool->lock);
    (void)tl_spares_ready_locked(pool); /* if not, the two that are kept do */
    bool changed =
        pool->spares >= TL_SPARES_FOR_GROWTH ? tl_growth_locked(pool, pages) : ready && !TL_SMALL;
    tl_lock_release(&pool->lock);
    return changed;
}

void tl_pool_set_limit(struct tl_pool *pool, size_t limit)
{
    tl_lock_acquire(&pool->lock);
    if (!TL_MUTANT_limit_dropped || pool->growing == 0)
        tl_poke(&pool->limit, limit != 0 ? limit & ~(TL_PAGE_SIZE - 1) : SIZE_MAX);
    tl_lock_release(&pool->lock);
}

#define PLACE_OF(count) \
    ((offsetof(talus_heap_stats_t, count) - offsetof(talus_heap_stats_t, provider_maps)) / 8)
TL_STATIC_ASSERT(PLACE_OF(provider_unmaps) == TL_UNMAPS &&
                     PLACE_OF(provider_failures) == TL_FAILURES && PLACE_OF(purges) == TL_PURGES &&
                     PLACE_OF(limit_hits) == TL_LIMIT_HITS,
                 "counted in the order of the statistics");

void tl_pool_stats(struct tl_pool *pool, talus_heap_stats_t *stats)
{
    tl_lock_acquire(&pool->lock);
    stats->mapped = pool->mapped - pool->growing;
    stats->mapped_peak = pool->mapped_peak;
    stats->limit = pool->limit == SIZE_MAX ? 0 : pool->limit;
    stats->free_pages = pool->free_pages << TL_PAGE_SHIFT;
    stats->dirty_pages = pool->dirty_pages << TL_PAGE_SHIFT;
    for (unsigned i = 0; i < TL_POOL_COUNTS; i++)
        (&stats->provider_maps)[i] = pool->count[i];
    for (struct tl_span *run = pool->bin[TL_POOL_BINS]; run != NULL; run = run->free.next)
        stats->free_pages += tl_span_bytes(run);
    const struct tl_span *longest =
        tl_runs_longest_locked(pool, pool->heap->real_time ? TL_POOL_SCAN_MAX : SIZE_MAX);
    stats->largest_free_run = longest != NULL ? tl_span_bytes(longest) : 0;
    tl_lock_release(&pool->lock);
}

#if !TL_KERNEL
void tl_pool_fork_prepare(struct tl_pool *pool)
{
    if (!TL_MUTANT_fork_pool_unwaited)
        tl_lock_acquire(&pool->lock);
}

void tl_pool_fork_parent(struct tl_pool *pool)
{
    if (!TL_MUTANT_fork_pool_unwaited)
        tl_lock_release(&pool->lock);
}

void tl_pool_fork_child(struct tl_pool *pool)
{
    tl_poke_sub(&pool->mapped, pool->growing);
    tl_poke(&pool->growing, 0);
    pool->grown = (struct tl_event)TL_EVENT_INIT;
    if (!TL_MUTANT_fork_pool_held || pool->regions == NULL)
        tl_lock_init(&pool->lock);
}
#endif
