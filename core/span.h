/* span.h: the descriptor of a run of pages, whatever the run is used for at the moment.
 *
 * 1 Purpose     One type for all uses, so that descriptors are type-stable: they lie in the page
 *               map's own area (pagemap.h), are recycled and never unmapped. Whoever holds a late
 *               pointer reads an old descriptor, never a fault (D1).
 * 2 States      NONE    the one zero descriptor, which every page that is not ours maps to
 *               UNUSED  on a list of spare descriptors
 *               FREE    a free run in the page pool; its first and last page map to it
 *               ASIDE   the same, where nothing new may lie (region.h)
 *               BUSY    a run on its way: being purged, unmapped, grown; nobody may touch or merge
 *                       with it
 *               CUT     cut into blocks of one class, owned by a cache; every page maps to it
 *               LARGE   one block; its first page maps to it
 * 3 Ordering    A descriptor is filled before any of its blocks is handed out; the program's own
 *               hand-over of the block carries that to other threads. `owner` changes under the
 *               claim of both caches or the pool's lock; a stranger who reads an old owner sends
 *               the block to a cache that forwards it (remote.c). All strangers' reads are relaxed
 *               atomics or of fields that stay constant while a block of the span is out.
 * 4 Layout      What strangers read on each free lies on the first line; what the owner writes on
 *               each free on the second. */
#ifndef TL_CORE_SPAN_H
#define TL_CORE_SPAN_H

#include "arch/atomic.h"
#include "core/limits.h"
#include "sync/mpsc.h"

enum tl_span_kind {
    TL_SPAN_NONE,
    TL_SPAN_UNUSED,
    TL_SPAN_FREE,
    TL_SPAN_ASIDE,
    TL_SPAN_BUSY,
    TL_SPAN_CUT,
    TL_SPAN_LARGE
};

struct tl_cache;
struct tl_heap;
struct tl_region;

#if TL_SMALL
#define TL_SMALL_BIT : 1 /* slower to write */
#else
#define TL_SMALL_BIT
#endif

/* Written by the owner alone, on each free. */
struct tl_span_owned {
    struct tl_block   *local;       /* free blocks, last in first out */
    tl_blocks          until_slow;  /* frees left before the slow exit */
    tl_blocks          until_start; /* what until_slow was set to */
    struct tl_span    *next;        /* the bin's list of spans with free blocks */
    struct tl_span    *prev;
    tl_blocks          local_count;  /* blocks on `local`, as of the last settling (cache.c) */
    tl_blocks          carved;       /* blocks cut so far */
    tl_blocks          outstanding;  /* blocks given out, as of the last settling; peeked at */
    bool listed        TL_SMALL_BIT; /* on that list */
    bool counted_empty TL_SMALL_BIT; /* its bytes are part of the cache's empty_bytes */
    bool purged        TL_SMALL_BIT; /* the insides of the blocks on `local` are */
};

/* Under the pool's lock, while FREE. */
struct tl_span_free {
    struct tl_span  *next;     /* the bin */
    struct tl_span **link;     /* what points here in it */
    struct tl_span  *younger;  /* runs with dirty pages, by age */
    struct tl_span **age_link; /* what points here among them */
    tl_ms            freed_ms;
};

struct tl_span {
    tl_atomic_word owner; /* struct tl_cache *; 0 unless CUT */
#if !TL_SMALL             /* whose regions know the heap */
    /* the heap while CUT, else NULL: one compare tells a stranger what he needs */
    struct tl_heap *cut_heap;
#endif
    uintptr_t      start;      /* address of the first page; peeked at */
    tl_pages       pages;      /* peeked at */
    tl_block_bytes block_size; /* bytes; 0 unless CUT */
    tl_blocks      capacity;   /* CUT: blocks */
    uint8_t        class_id;   /* CUT; peeked at */
    bool           zeroed;     /* CUT: what is not carved yet reads as zero */
    tl_atomic_u32  kind;       /* enum tl_span_kind */
#if !TL_SMALL
    /* CUT: class_id * TL_OWNER_SLOTS + the owner's slot: where others gather its blocks */
    tl_atomic_u32 foreign_slot;
    /* struct tl_heap *; any state but NONE and UNUSED. Neighbours of other pools read it */
    tl_atomic_word heap;
#else
    struct tl_region *region;
#endif
    TL_CACHE_LINE
    union {
        struct tl_span_owned own;
        struct tl_span_free  free;
    };
#if !TL_SMALL                 /* whose pages are all dirty */
    struct tl_region *region; /* holder of the run: the region of the first page */
    /* holder of the run: of its pages [dirty_from, dirty_to) may have been written, the rest is
     * clean; both 0 when all is. 32 bits of pages are 64 TiB */
    uint32_t dirty_from;
    uint32_t dirty_to;
#endif
};

TL_STATIC_ASSERT(TL_SMALL || sizeof(struct tl_span) <= 2 * TL_LINE_SIZE,
                 "a descriptor is two cache lines");
TL_STATIC_ASSERT(TL_SMALL ||
                     offsetof(struct tl_span_owned, outstanding) >= sizeof(struct tl_span_free),
                 "what is peeked at while CUT is nothing else while FREE");

static inline enum tl_span_kind tl_span_kind(const struct tl_span *span)
{
    return (enum tl_span_kind)tl_load32_relaxed(&span->kind);
}

static inline void tl_span_set_kind(struct tl_span *span, enum tl_span_kind kind)
{
    tl_store32_relaxed(&span->kind, (uint32_t)kind);
}

static inline size_t tl_span_bytes(const struct tl_span *span)
{
    return (size_t)span->pages << TL_PAGE_SHIFT;
}

static inline struct tl_cache *tl_span_owner(const struct tl_span *span)
{
    return (struct tl_cache *)tl_load_relaxed(&span->owner);
}

#if TL_SMALL

/* tl_span_heap is in region.h. */

static inline void tl_span_set_heap(struct tl_span *span, struct tl_heap *heap)
{
    (void)span;
    (void)heap;
}

static inline void tl_span_set_cut_heap(struct tl_span *span, struct tl_heap *heap)
{
    (void)span;
    (void)heap;
}

static inline void tl_span_set_dirt(struct tl_span *span, size_t from, size_t to)
{
    (void)span;
    (void)from;
    (void)to;
}

static inline void tl_span_clip_dirt(struct tl_span *span, size_t to)
{
    (void)span;
    (void)to;
}

static inline uint32_t tl_span_dirty_from(const struct tl_span *span)
{
    (void)span;
    return 0;
}

static inline uint32_t tl_span_dirty_to(const struct tl_span *span)
{
    return span->pages;
}

#else

static inline struct tl_heap *tl_span_heap(const struct tl_span *span)
{
    return (struct tl_heap *)tl_load_relaxed(&span->heap);
}

static inline void tl_span_set_heap(struct tl_span *span, struct tl_heap *heap)
{
    tl_store_relaxed(&span->heap, (uintptr_t)heap);
}

static inline struct tl_heap *tl_span_cut_heap(const struct tl_span *span)
{
    return span->cut_heap;
}

static inline void tl_span_set_cut_heap(struct tl_span *span, struct tl_heap *heap)
{
    span->cut_heap = heap;
}

/* The slot of the cache's `foreign` arrays that a block of this span belongs to. */
static inline unsigned tl_span_foreign_slot(const struct tl_span *span)
{
    return tl_load32_relaxed(&span->foreign_slot);
}

/* `from` < `to`, or both 0. */
static inline void tl_span_set_dirt(struct tl_span *span, size_t from, size_t to)
{
    span->dirty_from = (uint32_t)from;
    span->dirty_to = (uint32_t)to;
}

/* No page from `to` on is dirty any more; some were. */
static inline void tl_span_clip_dirt(struct tl_span *span, size_t to)
{
    bool left = span->dirty_from < to;
    tl_span_set_dirt(span, left ? span->dirty_from : 0, left ? to : 0);
}

static inline uint32_t tl_span_dirty_from(const struct tl_span *span)
{
    return span->dirty_from;
}

static inline uint32_t tl_span_dirty_to(const struct tl_span *span)
{
    return span->dirty_to;
}

#endif

/* What only a CUT span has: none but such a one is found to have it. */
static TL_ALWAYS_INLINE void tl_span_set_uncut(struct tl_span *span)
{
    tl_store_relaxed(&span->owner, 0);
    tl_span_set_cut_heap(span, NULL);
    tl_poke(&span->block_size, 0);
}

/* Pages that may have been written. */
static inline size_t tl_span_dirty(const struct tl_span *span)
{
    return tl_span_dirty_to(span) - tl_span_dirty_from(span);
}

static inline bool tl_span_holds(const struct tl_span *span, uintptr_t address)
{
    return address - span->start < tl_span_bytes(span);
}

#endif
