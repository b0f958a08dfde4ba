/* reserve.h: blocks set aside for interrupt handlers; frees from there (R31 to R34, D7).
 *
 * 1 Purpose     A handler may have interrupted this very thread in the midst of a list, or while it
 *               holds a lock. What it calls touches neither: slots that are taken and filled by one
 *               atomic operation each (sync/slots.h), and the push into an inbox.
 * 2 Slots       One array, from the reserve's own heap. A search starts where the port says
 *               (tl_port_place): in a kernel each CPU has a stretch of the array to itself as long
 *               as it does not run dry, hosted each stack; and the whole reserve is there for one
 *               taker.
 * 3 Counting    `given` and `taken` only rise; their difference is what is left. A put counts after
 *               it filled the slot and a take after it emptied one, so that the last one to count
 *               sees the truth, and everybody sees too little rather than too much: the mark is
 *               noticed early, never late.
 * 4 Asking      Who leaves less than the low mark asks (sync/wants.h). Who is the first to ask also
 *               raises the heap's `wants` and calls notify. A refill begins, then fills: it sees
 *               the slot empty, or the taker is the first to ask again. So no shortage goes
 *               unasked.
 * 5 Answering   Slow exits look at `wants`: one load. TL_WANTS_NOW is answered by the next,
 *               TL_WANTS_LATER, after the heap had no memory, by the next look at the clock. They
 *               bring TL_RESERVE_REFILL_MAX blocks at most and ask again for the rest.
 * 6 Ownerless   A large block has no owner to push it to: the heap's own inbox takes it, and the
 *               same slow exits, trim, statistics and an allocation about to fail take it out. Its
 *               kind goes from LARGE to BUSY by a compare-exchange before, so that a second free is
 *               noticed and not pushed.
 * 7 Life        Structures are type-stable: `heap` is 0 in one that ended, and who calls with it is
 *               told. While a slow exit refills, `users` keeps the reserve on its heap's list, and
 *               destroy waits.
 * 8 Fork        In the child the slots are as they were. A block that another thread had taken, or
 *               had allocated for the refill and not put yet, is lost there, as all that threads
 *               held who are gone. The counts are made to agree with the slots again.
 * 9 Contexts    take, put, stats, free_from_interrupt: any; all others: thread. */
#ifndef TL_CORE_RESERVE_H
#define TL_CORE_RESERVE_H

#include "core/heap.h"
#include "core/pagemap.h"
#include "sync/slots.h"
#include "sync/wants.h"

#include <talus/reserve.h>

/* What a block must be to be kept for callers of one size. Constant. */
struct tl_fit {
    struct tl_heap *heap;
    size_t          bytes;      /* long at least */
    size_t          bytes_more; /* by so many it may be longer */
    size_t          align;      /* a power of two */
};

struct tl_reserve {
    tl_atomic_word    heap;  /* struct tl_heap *; 0: it ended */
    struct tl_counter given; /* shared: blocks that came into a slot */
    struct tl_counter taken; /* shared */
    struct tl_counter puts;  /* shared */
    struct tl_counter misses;
    struct tl_counter refills;
    tl_atomic_word    missed;  /* misses since the last refill */
    tl_atomic_word    deepest; /* most blocks that were wanted at once */
    TL_CACHE_LINE
    struct tl_slots      slots; /* constant, as all below that says nothing else */
    struct tl_fit        fit;
    size_t               low_mark;
    tl_atomic_u32        wanted; /* atomic: a refill was asked for */
    unsigned             users;  /* heap->lock: slow exits that refill it */
    struct tl_reserve   *next;   /* the heap's others: heap->lock; ended ones: tl_meta_lock */
    talus_reserve_policy policy;
    talus_reserve_notify notify;
};

/* Takes in what lies in the heap's own inbox, and refills what asks for it, with the calling
 * thread's `cache`. Keeps errno. Owner of `cache`, at a point where it may allocate and free. */
TL_COLD void tl_reserve_answer(struct tl_cache *cache);

/* At a slow exit: the same, if anything waits. */
static inline void tl_reserve_look(struct tl_cache *cache)
{
    if (TL_UNLIKELY(tl_load32_relaxed(&cache->heap->wants) == TL_WANTS_NOW))
        tl_reserve_answer(cache);
}

/* Whether `block` is one that a free may be called with, as far as one lookup tells; what it is
 * else. `span` is what the page map has for it. Context: any. */
TL_SLOW TL_UNUSED static TL_INLINE_HOSTED bool tl_is_block(const struct tl_span *span,
                                                           uintptr_t block, talus_misuse *misuse)
{
    enum tl_span_kind kind = tl_span_kind(span);
    uint32_t          size = span->block_size; /* once: misuse may race with the span's end */
    if (kind == TL_SPAN_NONE || !tl_span_holds(span, block)) {
        *misuse = TALUS_MISUSE_FOREIGN_POINTER;
    } else if (kind == TL_SPAN_CUT && size != 0 && tl_span_owner(span) != NULL) {
        uint32_t offset = (uint32_t)(block - span->start); /* 32 bits divide sooner */
        if (offset % size == 0 && offset / size < span->capacity)
            return true;
        *misuse = TALUS_MISUSE_INTERIOR_POINTER;
    } else if (kind == TL_SPAN_LARGE) {
        if (span->start == block)
            return true;
        *misuse = TALUS_MISUSE_INTERIOR_POINTER;
    } else {
        *misuse = TALUS_MISUSE_DOUBLE_FREE;
    }
    return false;
}

/* The span of `block`, if it is one and fits; else NULL, and what it is. What it still may turn out
 * to be is free already. Context: any. */
TL_SLOW TL_UNUSED static TL_INLINE_HOSTED struct tl_span *tl_span_fitting(const void *block,
                                                                          const struct tl_fit *fit,
                                                                          talus_misuse *misuse)
{
    struct tl_span *span = tl_span_at((uintptr_t)block);
    if (!tl_is_block(span, (uintptr_t)block, misuse))
        return NULL;
    size_t bytes = span->block_size != 0 ? span->block_size : tl_span_bytes(span);
    if (tl_span_heap(span) != fit->heap) {
        *misuse = TALUS_MISUSE_WRONG_HEAP;
        return NULL;
    }
    if (bytes - fit->bytes > fit->bytes_more || ((uintptr_t)block & (fit->align - 1)) != 0) {
        *misuse = TALUS_MISUSE_WRONG_SIZE;
        return NULL;
    }
    *misuse = TALUS_MISUSE_DOUBLE_FREE;
    return span;
}

/* Takes in what lies in the heap's own inbox. Any number of threads at once: each list is taken by
 * one of them, whole. */
TL_SLOW void tl_reserve_drain_all(struct tl_heap *heap);

static inline void tl_reserve_drain(struct tl_heap *heap)
{
    if (TL_UNLIKELY(!tl_inbox_is_empty(&heap->inbox)))
        tl_reserve_drain_all(heap);
}

/* The heap ends: so do its reserves. Their blocks go with its pages. */
TL_SLOW void tl_reserve_heap_ends(struct tl_heap *heap);

/* In the child of a fork. */
void tl_reserve_fork_child(struct tl_heap *heap);

#endif
