/* runs.c: bins of free runs, merged by the page map. See runs.h and pool.h. */
#include "core/runs.h"
#include "core/heap.h"
#include "core/pagemap.h"
#include "core/purger.h"

/* The bin that a run of `pages` lies in; every run in a higher bin is longer. */
static unsigned bin_of(size_t pages)
{
    unsigned steps = 1u << TL_POOL_STEPS_SHIFT;
    if (pages < steps)
        return (unsigned)pages - 1;
    unsigned log = tl_log2_floor(pages);
    unsigned bin = steps + (log - TL_POOL_STEPS_SHIFT) * steps +
                   (unsigned)((pages >> (log - TL_POOL_STEPS_SHIFT)) & (steps - 1));
    return TL_SMALL && bin >= TL_POOL_BINS ? TL_POOL_BINS - 1 : bin;
}

/* The first bin in use at or above `bin`, or TL_POOL_BINS. */
static unsigned bin_in_use(const struct tl_pool *pool, unsigned bin)
{
    if (bin >= TL_POOL_BINS)
        return TL_POOL_BINS;
    size_t word = bin / TL_POOL_BITS;
    size_t bits = pool->bitmap[word] & (~(size_t)0 << bin % TL_POOL_BITS);
    while (bits == 0) {
        if (++word == TL_POOL_WORDS)
            return TL_POOL_BINS;
        bits = pool->bitmap[word];
    }
    return (unsigned)(word * TL_POOL_BITS + tl_ctz(bits));
}

/* The lowest of the first TL_POOL_SCAN_MAX runs from `run` on that has `pages`; thorough: if none
 * of these has, the first one that has. */
static struct tl_span *lowest(struct tl_span *run, size_t pages, bool thorough)
{
    struct tl_span *best = NULL;
    unsigned        seen = 0;
    for (; run != NULL; run = run->free.next) {
        if (run->pages >= pages && (best == NULL || run->start < best->start))
            best = run;
        if (++seen >= TL_POOL_SCAN_MAX && (best != NULL || !thorough))
            break;
    }
    return best;
}

struct tl_span *tl_runs_find_locked(struct tl_pool *pool, size_t pages, bool thorough)
{
    unsigned bin = bin_of(pages);
    if (bin >= TL_POOL_BINS)
        return NULL; /* no run is as long */
    struct tl_span *best = lowest(pool->bin[bin], pages, thorough);
    if (best != NULL)
        return best;
    bin = bin_in_use(pool, bin + 1);
    return bin < TL_POOL_BINS ? lowest(pool->bin[bin], pages, false) : NULL;
}

struct tl_span *tl_runs_longest_locked(struct tl_pool *pool, size_t most)
{
    size_t word = TL_POOL_WORDS;
    while (word > 0 && pool->bitmap[word - 1] == 0)
        word--;
    if (word == 0)
        return NULL;
    size_t          bin = (word - 1) * TL_POOL_BITS + tl_log2_floor(pool->bitmap[word - 1]);
    struct tl_span *best = NULL;
    for (struct tl_span *run = pool->bin[bin]; run != NULL && most > 0;
         run = run->free.next, most--)
        if (best == NULL || run->pages > best->pages ||
            (run->pages == best->pages && run->start < best->start))
            best = run;
    return best;
}

static void age_insert(struct tl_pool *pool, struct tl_span *run)
{
    run->free.younger = NULL;
    run->free.age_link = pool->age_end;
    *pool->age_end = run;
    pool->age_end = &run->free.younger;
}

static void age_remove(struct tl_pool *pool, struct tl_span *run)
{
    *run->free.age_link = run->free.younger;
    if (run->free.younger != NULL)
        run->free.younger->free.age_link = run->free.age_link;
    else
        pool->age_end = run->free.age_link;
}

static uintptr_t last_page(const struct tl_span *run)
{
    return run->start + tl_span_bytes(run) - TL_PAGE_SIZE;
}

void tl_runs_remove_locked(struct tl_pool *pool, struct tl_span *run)
{
    bool     aside = tl_span_kind(run) == TL_SPAN_ASIDE;
    unsigned bin = aside ? TL_POOL_BINS : bin_of(run->pages);
    *run->free.link = run->free.next;
    if (run->free.next != NULL)
        run->free.next->free.link = run->free.link;
    if (pool->bin[bin] == NULL && !aside)
        pool->bitmap[bin / TL_POOL_BITS] &= ~((size_t)1 << bin % TL_POOL_BITS);
    if (tl_span_dirty_to(run) > 0)
        age_remove(pool, run);
    tl_poke_sub(&pool->free_pages, aside ? 0 : run->pages);
    tl_poke_sub(&pool->dirty_pages, tl_span_dirty(run));
    tl_page_set(last_page(run), NULL);
    tl_page_set(run->start, run);
    tl_span_set_kind(run, TL_SPAN_BUSY);
}

/* The BUSY run `run` and a free one that it touches become one, BUSY, as old as the larger dirty
 * part. */
static struct tl_span *join(struct tl_pool *pool, struct tl_span *run, struct tl_span *neighbour)
{
    bool            before = neighbour->start < run->start;
    struct tl_span *left = before ? neighbour : run, *right = before ? run : neighbour;
    bool            newer = tl_span_dirty(neighbour) <= tl_span_dirty(run);
    tl_runs_remove_locked(pool, neighbour);
    left->free.freed_ms = newer ? run->free.freed_ms : neighbour->free.freed_ms;
    tl_region_link(left->region, right->region, right->start);
    if (tl_span_dirty_to(right) > 0) /* what lies between two dirty parts counts as dirty, too */
        tl_span_set_dirt(left,
                         tl_span_dirty_to(left) > 0 ? tl_span_dirty_from(left)
                                                    : left->pages + tl_span_dirty_from(right),
                         left->pages + tl_span_dirty_to(right));
    tl_poke_add(&left->pages, right->pages);
    tl_page_set(right->start, NULL);
    tl_spare_put_locked(pool, right);
    return left;
}

struct tl_span *tl_runs_free_at_locked(const struct tl_pool *pool, uintptr_t address,
                                       enum tl_span_kind kind)
{
    struct tl_span *run = tl_span_at(address);
    return tl_span_kind(run) == kind && tl_span_heap(run) == pool->heap &&
                   tl_span_holds(run, address)
               ? run
               : NULL;
}

void tl_runs_insert_locked(struct tl_pool *pool, struct tl_span *run)
{
    enum tl_span_kind kind = tl_pool_drains(pool, run) ? TL_SPAN_ASIDE : TL_SPAN_FREE;
    struct tl_span   *neighbour = tl_runs_free_at_locked(pool, run->start - TL_PAGE_SIZE, kind);
    if (neighbour != NULL)
        run = join(pool, run, neighbour);
    neighbour = tl_runs_free_at_locked(pool, run->start + tl_span_bytes(run), kind);
    if (neighbour != NULL)
        run = join(pool, run, neighbour);
    unsigned bin = bin_of(run->pages);
    if (TL_UNLIKELY(kind == TL_SPAN_ASIDE)) {
        bin = TL_POOL_BINS;
        tl_pool_set_due_locked(pool, TL_DUE_REMOVAL);
    } else {
        pool->bitmap[bin / TL_POOL_BITS] |= (size_t)1 << bin % TL_POOL_BITS;
        tl_poke_add(&pool->free_pages, run->pages);
    }
    struct tl_span **link = &pool->bin[bin];
    run->free.link = link;
    run->free.next = *link;
    if (*link != NULL)
        (*link)->free.link = &run->free.next;
    *link = run;
    TL_PREEMPT_POINT(runs_insert);
    if (tl_span_dirty_to(run) > 0)
        age_insert(pool, run);
    tl_poke_add(&pool->dirty_pages, tl_span_dirty(run));
    tl_span_set_kind(run, kind);
    tl_page_set_ends(run->start, last_page(run), run);
    tl_purger_notice(); /* clean or not: that a look is for nothing costs less than to tell */
}

void tl_span_set_dirt_behind(struct tl_span *rest, const struct tl_span *run, size_t pages)
{
    size_t from = tl_span_dirty_from(run) > pages ? tl_span_dirty_from(run) - pages : 0;
    tl_span_set_dirt(rest, from, tl_span_dirty_to(run) > pages ? tl_span_dirty_to(run) - pages : 0);
}

struct tl_span *tl_runs_split_locked(struct tl_pool *pool, struct tl_span *run, size_t pages)
{
    struct tl_span *rest = tl_spare_take_locked(pool);
    TL_ASSERT(pages > 0 && pages < run->pages);
    tl_poke(&rest->start, run->start + (pages << TL_PAGE_SHIFT));
    tl_poke(&rest->pages, run->pages - pages);
    rest->free.freed_ms = run->free.freed_ms;
    tl_span_set_dirt_behind(rest, run, pages);
    tl_span_set_heap(rest, pool->heap);
    rest->region = tl_region_at(run->region, rest->start);
    tl_span_set_kind(rest, TL_SPAN_BUSY);
    tl_poke(&run->pages, pages);
    if (tl_span_dirty_to(run) > pages)
        tl_span_clip_dirt(run, pages);
    return rest;
}

struct tl_span *tl_spare_take_locked(struct tl_pool *pool)
{
    struct tl_span *span = pool->spare;
    TL_ASSERT(span != NULL);
    pool->spare = span->free.next;
    pool->spares--;
    return span;
}

void tl_spare_put_locked(struct tl_pool *pool, struct tl_span *span)
{
    tl_span_set_uncut(span);
    tl_span_set_kind(span, TL_SPAN_UNUSED);
    span->free.next = pool->spare;
    pool->spare = span;
    pool->spares++;
}

static void put_chain_locked(struct tl_pool *pool, struct tl_span *chain)
{
    while (chain != NULL) {
        struct tl_span *next = chain->free.next;
        tl_spare_put_locked(pool, chain);
        chain = next;
    }
}

#if TL_KERNEL
void tl_spares_provide(struct tl_pool *pool, size_t runs)
{
    for (size_t got = 0; got < runs; got += TL_DESCRIPTOR_BATCH) {
        unsigned        count;
        struct tl_span *chain = tl_descriptors_new(TL_DESCRIPTOR_BATCH, &count);
        if (chain == NULL && tl_kernel_meta_ready(sizeof(struct tl_span)))
            chain = tl_descriptors_new(TL_DESCRIPTOR_BATCH, &count);
        if (chain == NULL)
            return;
        tl_lock_acquire(&pool->lock);
        put_chain_locked(pool, chain);
        tl_lock_release(&pool->lock);
    }
}
#endif

bool tl_spares_ready_locked(struct tl_pool *pool)
{
    while (pool->spares < TL_SPARES_FOR_ONE_CALL) {
        tl_lock_release(&pool->lock);
        unsigned        got;
        struct tl_span *chain = tl_descriptors_new(TL_DESCRIPTOR_BATCH, &got);
        tl_lock_acquire(&pool->lock);
        put_chain_locked(pool, chain);
        if (got == 0)
            return pool->spares >= TL_SPARES_FOR_ONE_CALL;
    }
    return true;
}
