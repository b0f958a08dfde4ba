/* region.h: a block of pages as the provider gave it, which is also how it goes back (R10, R16).
 *
 * Free runs merge across regions that touch (R13), so a run may begin in one region and end in
 * another. A region without a page in use lies wholly in a single free run; nothing is counted, so
 * that a run across many regions costs no more than another.
 * A region that is to leave (`draining`, R17) keeps its free runs from all searches (pool.h, 6).
 * A region lies in a descriptor, which was a run's before: the pool of a neighbour that looked it
 * up then may read its kind and heap now (tl_runs_free_at_locked). These words stay what they were,
 * a descriptor's that is in no use.
 * Locks: a heap's regions are changed under its pool's lock; the list of all regions under
 * tl_meta_lock. */
#ifndef TL_CORE_REGION_H
#define TL_CORE_REGION_H

#include "core/span.h"

struct tl_region {
    /* the region that begins where this one ends, once a run crossed over; pool lock */
    struct tl_region *touching;
    struct tl_region *touched_by; /* the other end of that link */
    uintptr_t         start;      /* constant; peeked at, as the next two */
    size_t            pages;      /* constant */
    struct tl_region *next;       /* the heap's regions; pool lock */
#if !TL_SMALL                     /* behind a descriptor's kind and heap */
    TL_CACHE_LINE
#endif
    struct tl_region **link;     /* what points here on that list */
    struct tl_region  *all_next; /* every heap's regions; tl_meta_lock */
    struct tl_region **all_link;
    bool               given;      /* by the owner: the provider never gets it; constant */
    bool               holds_data; /* some of the heap's own: it stays; pool lock */
    tl_atomic_u32      draining;   /* nothing new is placed here; written under the pool's lock */
#if TL_SMALL
    struct tl_heap *heap; /* constant */
#endif
};

TL_STATIC_ASSERT(sizeof(struct tl_region) <= sizeof(struct tl_span),
                 "a region lies in a descriptor");
#if !TL_SMALL
TL_STATIC_ASSERT(offsetof(struct tl_region, next) + sizeof(void *) <=
                         offsetof(struct tl_span, kind) &&
                     offsetof(struct tl_span, kind) < offsetof(struct tl_span, heap) &&
                     offsetof(struct tl_region, link) > offsetof(struct tl_span, heap),
                 "a region leaves its descriptor's kind and heap alone");
TL_STATIC_ASSERT(offsetof(struct tl_region, start) == offsetof(struct tl_span, start) &&
                     offsetof(struct tl_region, pages) == offsetof(struct tl_span, pages) &&
                     offsetof(struct tl_region, next) == offsetof(struct tl_span, block_size) &&
                     offsetof(struct tl_region, next) + sizeof(void *) <=
                         offsetof(struct tl_span, class_id) &&
                     offsetof(struct tl_region, draining) + sizeof(tl_atomic_u32) <=
                         offsetof(struct tl_span, own.outstanding),
                 "what is peeked at in a descriptor or a region is poked in either");
#endif

#if TL_SMALL
static inline struct tl_heap *tl_span_heap(const struct tl_span *span)
{
    return span->region->heap;
}

static inline struct tl_heap *tl_span_cut_heap(const struct tl_span *span)
{
    return span->block_size != 0 ? tl_span_heap(span) : NULL;
}
#endif

static inline uintptr_t tl_region_end(const struct tl_region *region)
{
    return region->start + (region->pages << TL_PAGE_SHIFT);
}

/* Where the whole pages of a block end. The last page of the address space is left out: the address
 * behind it would be 0. */
static inline uintptr_t tl_block_end(const void *block, size_t bytes)
{
    uintptr_t end = (uintptr_t)block + bytes;
    return (end != 0 ? end : UINTPTR_MAX) & ~(uintptr_t)(TL_PAGE_SIZE - 1);
}

static inline bool tl_region_is_draining(const struct tl_region *region)
{
    return tl_load32_relaxed(&region->draining) != 0;
}

/* Enters a region into the list of all regions (tl_meta_lock held), or takes it off (takes it). */
TL_SLOW void tl_region_enlist_locked(struct tl_region *region);
TL_SLOW void tl_region_delist(struct tl_region *region);

/* Links `region` into the heap's list `*regions`, or takes it off, links to touching ones included.
 * Pool lock. */
TL_SLOW void tl_region_insert(struct tl_region **regions, struct tl_region *region);
TL_SLOW void tl_region_remove(struct tl_region *region);

/* A run that begins in `first` and ends at `border` is about to be joined with what follows, in
 * `right`. Links the two regions there unless they are one, or linked already: only a new link
 * costs O(regions crossed). Pool lock. */
TL_SLOW void tl_region_link(struct tl_region *first, struct tl_region *right, uintptr_t border);

/* The region that holds `address`, from `region` onwards along touching ones. */
TL_SLOW struct tl_region *tl_region_at(struct tl_region *region, uintptr_t address);

/* Whether a run from `first` on that ends at `end`, and that the caller holds, reaches into a
 * region that is draining. */
TL_SLOW bool tl_region_drains(const struct tl_region *first, uintptr_t end);

/* Whether a block at `start` would share page map entries with a region, in a table of `entries`, a
 * power of two. tl_meta_lock held. Cost: O(regions); only asked where address space is limited. */
TL_SLOW bool tl_region_folds_onto_another_locked(uintptr_t start, size_t pages, size_t entries);

#endif
