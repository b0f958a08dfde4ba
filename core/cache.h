/* cache.h: the lock-free front of a heap: one per thread and heap.
 *
 * 1 Purpose     malloc pops a per-class list that lies in the cache itself; free pushes on the list
 *               of the block's own span when this cache owns the span, else hands the block to
 *               remote.c. Neither uses an atomic read-modify-write, a lock or a counter for
 *               statistics (D2). All else happens at the slow exits.
 * 2 Blocks      A block is in exactly one place: with the program; on head[class] of one cache; on
 *               span->own.local of its span; on one of the `foreign` chains; in one batch (inbox or
 *               `pending`); or not carved yet. `outstanding` counts a span's blocks in all places
 *               but `local` and uncarved, whoever holds them. Blocks on head, foreign, pending and
 *               in inboxes may belong to spans of any cache of the heap; that is what lets whole
 *               chains change hands without a look at their blocks.
 * 3 Settling    Own frees only push and count until_slow down. What they changed is entered into
 *               outstanding and local_count by tl_span_settle, at every slow exit: freed =
 *               until_start - until_slow. Invariant of a settled span: outstanding + local_count ==
 *               carved <= capacity. until_slow never exceeds outstanding, so that the free that
 *               empties a span is always a slow exit.
 * 4 A bin       avail: own spans with blocks on `local`, oldest first; fresh: the span being
 *               carved; pending: whole batches that came by the inbox, a bounded number, for malloc
 *               to use without a walk; more are walked home, since they may be blocks that other
 *               caches lack. malloc, when head is empty, takes in this order: foreign, pending
 *               (after draining the inbox), avail, above TL_SMALL_MAX a free block of the next
 *               classes, fresh, an idle cache's blocks, a new span. What was freed last on another
 *               CPU is used first, unless it is smaller than a cache line.
 * 5 Ownership   Everything here but `inbox` and the counters belongs to the cache's owner: the
 *               living thread, or whoever holds the claim while it is idle (adopt.c).
 * 6 Contexts    thread. */
#ifndef TL_CORE_CACHE_H
#define TL_CORE_CACHE_H

#include "core/sizeclass.h"
#include "core/span.h"
#include "sync/claim.h"
#include "sync/counter.h"
#include "sync/mpsc.h"

struct tl_bin {
    struct tl_span *avail;
    struct tl_span *avail_last;
    struct tl_span *fresh;
#if !TL_SMALL /* one cache: a batch is one block that an interrupt handler freed, and is walked */
    struct tl_block *pending; /* batches, through next_batch */
#endif
};

struct tl_heap_entry; /* thread.h */

struct tl_cache {
    /* What the fast path reads. A cache that belongs to nobody yet is all zero: every request is of
     * class 0, whose list is empty. In a kernel it stands behind what the slow exits read: an x86
     * instruction is three bytes shorter that names one of a structure's first 128 bytes. */
#if !TL_KERNEL
    struct tl_block *head[TL_CLASS_COUNT_MAX];
#endif
    struct tl_heap  *heap;      /* constant from creation until the heap's end */
    struct tl_cache *next;      /* all caches of the heap; heap->lock */
    struct tl_cache *idle_next; /* idle caches; heap->lock */
    /* owner: when it was last trimmed; 0: it never looked at the clock */
    tl_ms    trim_ms;
    uint32_t slow_exits_left; /* owner: until the clock is looked at */
    /* owner: the block that the last refill returned reads as zero but for its links */
    bool   zeroed;
    bool   answering;   /* owner: in tl_reserve_answer */
    size_t empty_bytes; /* owner: in empty spans kept; a kernel keeps none */
#if !TL_KERNEL
    /* owner thread, default heap's cache only: caches of other heaps (thread.c) */
    struct tl_heap_entry *others;
    struct tl_heap_entry *others_spare;
    size_t                others_mask, others_used;
#endif
    /* written by the owner: bytes of blocks outstanding; two's complement */
    struct tl_counter given_out;
    struct tl_counter batches_in; /* written by the owner: batches drained */
    struct tl_claim   claim;
    struct tl_span   *kept;    /* owner: the large block freed last, or NULL (large.c) */
    struct tl_block  *arrived; /* owner: batches out of an inbox, not taken in yet */
    unsigned          flushed; /* owner: the class that the next piece of a flush begins with */
    uint32_t          piece;   /* owner: blocks that the present call may still walk back */
    /* written by the owner: bytes of large blocks taken less those freed; two's complement */
    struct tl_counter large_bytes;
#if TL_KERNEL
    struct tl_block *head[TL_CLASS_COUNT_MAX];
#endif
#if !TL_SMALL            /* where no block is foreign */
    unsigned owner_slot; /* constant while the heap lives; of TL_OWNER_SLOTS */
    /* What a free of a foreign block touches, by class. */
    /* blocks that may still go straight on head */
    uint8_t credit[TL_CLASS_COUNT_MAX];
    /* by foreign_slot: blocks that the chain still takes before it leaves */
    uint8_t foreign_room[TL_CLASS_COUNT_MAX * TL_OWNER_SLOTS];
    uint8_t pending_count[TL_CLASS_COUNT_MAX]; /* batches in the bin's `pending` */
    /* blocks of larger classes, one after the other */
    uint8_t borrowed[TL_CLASS_COUNT_MAX];
#endif
    TL_CACHE_LINE
    struct tl_inbox inbox; /* pushed by anybody */
    TL_CACHE_LINE
    struct tl_bin bin[TL_CLASS_COUNT_MAX];
#if !TL_SMALL
    /* By foreign_slot: blocks of other caches' spans, newest first. Here, so that all that a thread
     * with small blocks of its own touches lies on the cache's first page. */
    struct tl_block *foreign[TL_CLASS_COUNT_MAX * TL_OWNER_SLOTS];
#endif
};

/* Makes zeroed memory a cache of `heap`. What it need not write it leaves alone: a page of a cache
 * that no class in use lies on is no memory. */
TL_SLOW void tl_cache_init(struct tl_cache *cache, struct tl_heap *heap);

/* A block of `class_id`: head, else refill. or_larger: before memory is touched for it, a free
 * block of the next TL_BORROW_CLASSES will do. NULL: the heap has no more. Owner only. */
void *tl_cache_alloc(struct tl_cache *cache, unsigned class_id, bool or_larger);

/* Frees an own block: `span` is owned by this cache. Owner only. */
void tl_cache_free_own(struct tl_cache *cache, struct tl_span *span, struct tl_block *block);

/* The slow exit of an own free that has no short form (tl_cache_give_to_head). */
void tl_cache_free_slow_exit(struct tl_cache *cache, struct tl_span *span);

/* At a slow exit: every so often looks at the clock, and flushes when the heap's decay time has
 * passed since the last flush. */
TL_SLOW void tl_cache_look_at_clock(struct tl_cache *cache);

static inline void tl_cache_tick(struct tl_cache *cache)
{
    if (TL_UNLIKELY(--cache->slow_exits_left == 0))
        tl_cache_look_at_clock(cache);
}

/* One block more may go straight on head. */
static inline bool tl_cache_spend_credit(struct tl_cache *cache, size_t class_id)
{
#if TL_SMALL
    (void)cache;
    (void)class_id;
    return false;
#else
    unsigned credit = cache->credit[class_id];
    if (credit == 0)
        return false;
    cache->credit[class_id] = (uint8_t)(credit - 1);
    return true;
#endif
}

/* The short form of the slow exit: the blocks on the span's list, just freed, the last of them
 * `block`, go to the class's head as they are: still given out, so nothing else changes. Only where
 * the list holds no others and head is empty; or the list is one block, for spans whose every free
 * is a slow exit, and there is credit, so that the class does not hoard. False: not so, nothing
 * changed. Owner only. */
static TL_ALWAYS_INLINE bool tl_cache_give_to_head(struct tl_cache *cache, struct tl_span *span,
                                                   struct tl_block *block)
{
    struct tl_span_owned *own = &span->own;
    size_t                class_id = span->class_id;
    struct tl_block      *head = cache->head[class_id];
    if (tl_get(&block->next) != NULL) {
        if (head != NULL || own->local_count != 0 || own->outstanding == 0)
            return false;
    } else if (head != NULL) {
        if (head == block || !tl_cache_spend_credit(cache, class_id))
            return false;
        tl_put(&block->next, head);
    }
    cache->head[class_id] = block;
    own->local = NULL;
    own->until_slow = own->until_start;
    return true;
}

/* A kernel's call begins whose slow exits may do one piece of what waits (TL_PIECE_BLOCKS). Owner
 * only. */
static inline void tl_cache_piece_begin(struct tl_cache *cache)
{
    if (TL_KERNEL)
        cache->piece = TL_PIECE_BLOCKS;
}

/* What an own free comes to when until_slow reached zero with the push of `block`. Owner only. */
static TL_INLINE_HOSTED TL_UNUSED void tl_cache_freed_last(struct tl_cache *cache,
                                                           struct tl_span  *span,
                                                           struct tl_block *block)
{
    tl_cache_piece_begin(cache);
    if (TL_LIKELY(tl_cache_give_to_head(cache, span, block)))
        tl_cache_tick(cache);
    else
        tl_cache_free_slow_exit(cache, span);
}

/* Empties every list of blocks, returns empty spans to the pool. In a kernel as much of that as the
 * present call's piece allows; true: there may be more. */
TL_SLOW bool tl_cache_flush(struct tl_cache *cache);

/* ---- cache_span.c: spans within a cache ---- */

/* Makes `cache` the owner of a CUT span. */
static inline void tl_span_set_owner(struct tl_span *span, struct tl_cache *cache)
{
#if !TL_SMALL
    tl_store32_relaxed(&span->foreign_slot, span->class_id * TL_OWNER_SLOTS + cache->owner_slot);
#endif
    tl_store_relaxed(&span->owner, (uintptr_t)cache);
}

/* `span` is no empty one that the cache keeps: not any more, if it was. */
static inline void tl_span_uncount_empty(struct tl_cache *cache, struct tl_span *span)
{
    if (!TL_KERNEL && span->own.counted_empty) {
        span->own.counted_empty = false;
        cache->empty_bytes -= tl_span_bytes(span);
    }
}

void tl_span_settle(struct tl_cache *cache, struct tl_span *span);
void tl_span_arm(struct tl_span *span);
void tl_avail_add(struct tl_bin *bin, struct tl_span *span);
void tl_avail_remove(struct tl_bin *bin, struct tl_span *span);

/* Everything on the span's list, which must not be empty, for head[class]. */
struct tl_block *tl_span_take_local(struct tl_cache *cache, struct tl_span *span);

/* Tells that the free block, or the one before it, was written to. Returns NULL. */
TL_COLD void *tl_link_astray(const struct tl_block *block);

/* The next blocks of the fresh span, linked. */
struct tl_block *tl_span_carve(struct tl_cache *cache, struct tl_span *span);

/* In small memory: whether the fresh span has blocks to carve; made longer if it can be, which
 * saves a descriptor. */
TL_SLOW bool tl_span_has_more(struct tl_cache *cache, struct tl_span *span);

/* A new span of the class, or NULL. */
TL_SLOW struct tl_span *tl_span_new(struct tl_cache *cache, unsigned class_id);

/* The span has nothing outstanding: hands its list to an empty head, keeps the span, or gives it
 * back to the pool. walked: its blocks were just walked back, so none is handed out, and a process
 * keeps it. */
TL_SLOW void tl_span_emptied(struct tl_cache *cache, struct tl_span *span, bool walked);

/* Gives a span, of which nothing is outstanding, to the pool. */
TL_SLOW void tl_span_release(struct tl_cache *cache, struct tl_span *span);

/* Gives back every empty span the cache kept. */
TL_SLOW void tl_span_release_empty(struct tl_cache *cache);

/* Spans whose pages are to be left serve no allocation any more: once emptied they go (R17). */
TL_SLOW void tl_span_shun_draining(struct tl_cache *cache);

#endif
