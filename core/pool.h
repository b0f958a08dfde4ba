/* pool.h: the page pool, the central store of page runs: the only lock on an allocation's way, and
 * a short one (D5).
 *
 * 1 Purpose     Takes runs of pages out of the provider's blocks and merges them again. One pool
 *               per heap.
 * 2 Search      Free runs lie in bins by length, eight bins to each doubling (in small memory
 *               two, and the last has all that is longer), with a bitmap of the bins in use. A
 *               request looks at TL_POOL_SCAN_MAX runs of its own bin, then takes from the next bin
 *               that has any: every run there fits. Only a request that is about to fail looks
 *               through its whole bin. Lower addresses win, so that high ones empty.
 *               A block that grows is the exception: it gets the start of the longest run, or
 *               its middle where what lies before may be another one that grows, so that each can
 *               go on in place.
 * 3 Dirt        One stretch of a free run's pages may hold old contents; the rest is as the
 *               provider or a purge left it. Dirty runs wait in order of age, and those unused for
 *               decay_ms are purged, or unmapped where a whole region is free (R16), by whoever
 *               comes by.
 * 4 Growth      One at a time. The quota is reserved under the lock, the provider called without
 *               it, and the quota given back when it fails; who finds a growth in flight waits for
 *               it and looks again (R14). A step that the provider refuses is halved down to what
 *               is needed, and the next begins there; each one that it gives doubles it again.
 * 5 Low water   A pool whose free pages fall below low_pages says so in `due`; the next caller that
 *               may call the provider grows it, waits for nobody, and needs nothing of it (R14).
 * 6 Draining    Free runs that reach into a region marked so are ASIDE, in a bin that no search
 *               looks into, and merge with each other only. A run that is freed across the border
 *               of such a region goes there whole. As they come there `due` asks for a look whether
 *               one of them holds a marked region wholly, which can go then (R17).
 * 7 Locks       pool->lock: all fields but those marked. Never held over a call of the provider.
 *               tl_meta_lock nests inside.
 * 8 Contexts    thread. */
#ifndef TL_CORE_POOL_H
#define TL_CORE_POOL_H

#include "core/region.h"
#include "sync/event.h"
#include "sync/lock.h"

#define TL_POOL_BITS  (8 * sizeof(size_t))
#define TL_POOL_WORDS ((TL_POOL_BINS + TL_POOL_BITS - 1) / TL_POOL_BITS)

/* What is counted, in the order of the statistics, from provider_maps on; modulo a word, as a
 * counter. */
enum tl_pool_count { TL_MAPS, TL_UNMAPS, TL_FAILURES, TL_PURGES, TL_LIMIT_HITS, TL_POOL_COUNTS };

/* What most functions touch comes first: a short distance makes short instructions. */
struct tl_pool {
    struct tl_lock    lock;
    struct tl_heap   *heap;     /* constant */
    tl_atomic_u32     draining; /* regions that are; written under the lock, read as a hint */
    tl_atomic_u32     due;      /* what passers-by are asked for; the same */
    struct tl_span   *spare;    /* unused descriptors */
    unsigned          spares;
    uint32_t          decay_ms;       /* constant */
    bool              limit_reported; /* on standard error, once */
    bool              keep_pages;     /* constant */
    bool              clean_is_zero;
    struct tl_event   grown; /* signalled when a growth ended */
    struct tl_region *regions;
    struct tl_span   *oldest;     /* dirty free runs */
    struct tl_span  **age_end;    /* the link at the end of that list */
    size_t            mapped;     /* bytes, quota of a growth in flight included */
    size_t            free_pages; /* without those that are ASIDE */
    size_t            dirty_pages;
    size_t            limit;     /* bytes, SIZE_MAX: none */
    size_t            low_pages; /* constant */
    /* bytes of quota that the growth in flight took; 0: none is in flight */
    size_t         growing;
    size_t         mapped_peak;
    size_t         step_max; /* bytes; more is asked for only where it is needed */
    size_t         growth;   /* constant; bytes, 0: rising with the heap */
    talus_provider provider; /* constant */
    const char    *name;     /* constant; the heap's, for reports */
    void (*on_removed)(void *context, talus_heap *heap, void *block, size_t bytes); /* constant */
    void           *on_removed_context;                                             /* constant */
    uintptr_t       count[TL_POOL_COUNTS];
    size_t          bitmap[TL_POOL_WORDS];
    struct tl_span *bin[TL_POOL_BINS + 1]; /* the last: runs that are ASIDE */
};

enum { TL_DUE_GROWTH = 1, TL_DUE_REMOVAL = 2, TL_DUE_ANY = 3 };

static inline bool tl_pool_is_due(const struct tl_pool *pool, uint32_t what)
{
    return (tl_load32_relaxed(&pool->due) & what) != 0; /* relaxed: a hint */
}

static inline void tl_pool_set_due_locked(struct tl_pool *pool, uint32_t what)
{
    tl_store32_relaxed(&pool->due, tl_load32_relaxed(&pool->due) | what);
}

static inline void tl_pool_clear_due_locked(struct tl_pool *pool, uint32_t what)
{
    tl_store32_relaxed(&pool->due, tl_load32_relaxed(&pool->due) & ~what);
}

static inline bool tl_pool_is_low_locked(const struct tl_pool *pool)
{
    return TL_UNLIKELY(pool->free_pages < pool->low_pages);
}

static inline void tl_pool_look_low_locked(struct tl_pool *pool)
{
    if (tl_pool_is_low_locked(pool))
        tl_pool_set_due_locked(pool, TL_DUE_GROWTH);
}

/* Makes zeroed memory an empty pool. */
TL_SLOW void tl_pool_init(struct tl_pool *pool, struct tl_heap *heap,
                          const talus_heap_options *options);

/* Takes a run of `pages`, aligned to `align_pages` (a power of two), growing if need be. The result
 * is BUSY, its dirt is what is not known to be clean; only its first page maps to it. NULL: neither
 * the pool nor the provider has it. */
TL_SLOW struct tl_span *tl_pool_take(struct tl_pool *pool, size_t pages, size_t align_pages);

/* Takes `pages` out of the pool for good: they are no part of it any more. NULL as above. */
TL_SLOW void *tl_pool_take_for_good(struct tl_pool *pool, size_t pages);

/* tl_pool_take for a block that grows, and may go on doing so: where the most free pages lie behind
 * it (D5). */
TL_SLOW struct tl_span *tl_pool_take_to_grow(struct tl_pool *pool, size_t pages);

/* Cuts `pages` out of the free run `run`, `lead` pages behind its start: BUSY, and returned; the
 * rest stays free. The caller made spare descriptors ready. */
TL_SLOW struct tl_span *tl_pool_cut_out_locked(struct tl_pool *pool, struct tl_span *run,
                                               size_t lead, size_t pages);

/* Gives back a run that no page maps to any more but, perhaps, the first. `dirty`: pages from its
 * start that were written. */
TL_SLOW void tl_pool_put(struct tl_pool *pool, struct tl_span *span, size_t dirty);

/* Grows the LARGE run `span` in place to `pages`, if the pages behind it are free. */
TL_SLOW bool tl_pool_extend(struct tl_pool *pool, struct tl_span *span, size_t pages);

/* Cuts the LARGE run `span` down to `pages` and frees the rest. Returns false, unchanged, when
 * descriptors ran out. */
TL_SLOW bool tl_pool_shorten(struct tl_pool *pool, struct tl_span *span, size_t pages);

/* Moves the contents of the LARGE run `from` to the start of the longer one `to`: by the provider's
 * move, without copying, where that saves memory and it can; else it copies. Returns how many of
 * the first pages of `from` are still dirty. */
TL_SLOW size_t tl_pool_move(struct tl_pool *pool, struct tl_span *from, struct tl_span *to);

/* Makes sure that the pool has mapped `bytes` at least; for the block a heap starts with. */
TL_SLOW bool tl_pool_grow_to(struct tl_pool *pool, size_t bytes);

/* In a kernel: adds a block of `pages` at least, or waits for a growth in flight. False: limit or
 * provider refused. True: look again. `ready`, what tl_kernel_meta_ready said before, is the answer
 * where descriptors are short: others used them up, or there are none. Not pinned. */
TL_SLOW bool tl_pool_grow(struct tl_pool *pool, size_t pages, bool ready);

/* Grows the pool until its free pages are low no more, as far as limit and provider allow and no
 * other growth is in flight. Not pinned. R14. */
TL_COLD void tl_pool_raise(struct tl_pool *pool);

static inline void tl_pool_answer_low(struct tl_pool *pool)
{
    if (TL_UNLIKELY(tl_pool_is_due(pool, TL_DUE_GROWTH)))
        tl_pool_raise(pool);
}

/* Adds a block that the heap's owner has: counted as mapped whatever the limit, and given back to
 * nobody but the owner. holds_data: not even to him. False: no descriptors, or its page map entries
 * are taken. R13. */
TL_SLOW bool tl_pool_add(struct tl_pool *pool, void *block, size_t bytes, bool holds_data);

/* Removes regions that have drained, and purges dirty runs that are older than the decay time (all:
 * any dirty run), TL_PURGES_PER_CALL_MAX at most unless all. Not pinned. Returns the bytes given
 * back. */
TL_SLOW size_t tl_pool_decay(struct tl_pool *pool, bool all);

/* Gives back regions without a page in use, those of the owner's included, if they were free for
 * `unused_ms` and are not kept for low water: `pages` at most. Not pinned. Returns the pages. R16.
 * */
TL_SLOW size_t tl_pool_contract(struct tl_pool *pool, size_t pages, uint32_t unused_ms);

/* The same whatever their age, and what is missing is purged. */
TL_SLOW size_t tl_pool_shrink(struct tl_pool *pool, size_t pages);

enum tl_drain { TL_DRAIN_DONE, TL_DRAIN_NO_BLOCK, TL_DRAIN_HOLDS_DATA, TL_DRAIN_NO_MEMORY };

/* Marks the region that holds `address`, or takes the mark off: pool.h, 6. */
TL_SLOW enum tl_drain tl_pool_drain(struct tl_pool *pool, uintptr_t address, bool drain);

/* Whether the run that `span`, held by the caller, describes reaches into a region that is to be
 * left. */
static inline bool tl_pool_drains(const struct tl_pool *pool, const struct tl_span *span)
{
    if (TL_LIKELY(!TL_GROWS || tl_load32_relaxed(&pool->draining) == 0)) /* relaxed: a hint */
        return false;
    return tl_region_drains(span->region, span->start + tl_span_bytes(span));
}

/* Whether a growth is in flight. */
TL_SLOW bool tl_pool_is_growing(struct tl_pool *pool);

/* Whether pages wait for a purge. */
TL_SLOW bool tl_pool_is_dirty(struct tl_pool *pool);

/* Has whole units of the provider's purge among the `bytes` at `start`, inside of a run that the
 * caller holds, purged: a free block's. No lock. */
TL_SLOW void tl_pool_purge_inside(struct tl_pool *pool, const struct tl_span *span, uintptr_t start,
                                  size_t bytes);

/* Gives every region back, with all that is in it. No other call runs or follows. O(pages). */
TL_SLOW void tl_pool_destroy(struct tl_pool *pool);

TL_SLOW void tl_pool_set_limit(struct tl_pool *pool, size_t limit);
TL_SLOW void tl_pool_stats(struct tl_pool *pool, talus_heap_stats_t *stats);

/* Fork: the pool's lock held; and the child's fresh start: a growth that was in flight is none of
 * the child's, who gets the quota back; what the provider was about to give is lost to the child.
 * */
void tl_pool_fork_prepare(struct tl_pool *pool);
void tl_pool_fork_parent(struct tl_pool *pool);
void tl_pool_fork_child(struct tl_pool *pool);

#endif
