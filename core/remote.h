/* remote.h: the free of a block that another cache owns (D3).
 *
 * 1 Purpose     A foreign block is first of all a free block: the freer keeps it for its own
 *               allocations of that class, up to a bound, and only the surplus goes home, as whole
 *               chains, one atomic push each.
 * 2 Ways        credit left (renewed by each refill): straight on head, the warmest place. Else on
 *               the bin's foreign chain, which the next refill takes whole. A chain that reaches
 *               foreign_max leaves for the inbox of its newest block's owner, without a look at the
 *               others: the receiver may use any block of the heap, and walks only what it cannot
 *               use.
 * 3 Ordering    Push: release, pairs with the acquire of the drain (sync/mpsc.h). The owner is read
 *               relaxed: should it have changed, the old owner gets a block that is not its own,
 *               uses it or sends it on.
 * 4 Lifetime    The block counts as outstanding until its owner walks it, so its span stays. Caches
 *               are never unmapped.
 * 5 Contexts    thread; tl_remote_push: any. */
#ifndef TL_CORE_REMOTE_H
#define TL_CORE_REMOTE_H

#include "core/cache.h"

/* Everything that a free can be but the fast path: `span` is what the page map has for `block`,
 * `self` the calling thread's cache of the default heap, or one of the caches that stand for none.
 * Context: thread. */
TL_HIDDEN void tl_free_other(void *block, struct tl_span *span, struct tl_cache *self);

/* What is wrong with a pointer that is not a block: inside a large one, into free pages that were a
 * block's, or no heap's. Context: any. Cost: up to TL_INTERIOR_SEARCH_PAGES looks at the page map.
 * */
TL_SLOW talus_misuse tl_misuse_of(const void *pointer);

/* Sends one chain of blocks to the owner of `span`. Context: any. */
void tl_remote_push(struct tl_span *span, struct tl_block *chain);

#if TL_SMALL

/* There is one cache, and what is not its is no block of the heap's. */
TL_SLOW bool tl_remote_return(struct tl_cache *cache, struct tl_span *span, struct tl_block *block);

static inline bool tl_remote_has(const struct tl_cache *cache, unsigned class_id)
{
    (void)cache;
    (void)class_id;
    return false;
}

static inline void tl_remote_flush(struct tl_cache *cache, unsigned class_id)
{
    (void)cache;
    (void)class_id;
}

#else

/* Whether the class has a foreign chain: one look at each slot, without a branch. Owner of `cache`
 * only. */
static inline bool tl_remote_has(const struct tl_cache *cache, unsigned class_id)
{
    struct tl_block *const *chain = &cache->foreign[(size_t)class_id * TL_OWNER_SLOTS];
    TL_STATIC_ASSERT(TL_OWNER_SLOTS == 4, "as many as are looked at here");
    return ((uintptr_t)chain[0] | (uintptr_t)chain[1] | (uintptr_t)chain[2] |
            (uintptr_t)chain[3]) != 0;
}

/* Takes one of the class's foreign chains, for use as it is; it has one. Owner of `cache` only. */
struct tl_block *tl_remote_take(struct tl_cache *cache, unsigned class_id);

/* Puts a foreign block that is walked back on its class's chain. A full chain then goes home block
 * by block: what is walked back once should not be walked back by the next one, too. True: so it
 * was. Owner of `cache` only. */
TL_SLOW bool tl_remote_return(struct tl_cache *cache, struct tl_span *span, struct tl_block *block);

/* Sends one of the class's foreign chains home, each block to its own owner; it has one. Owner of
 * `cache` only. */
TL_SLOW void tl_remote_flush(struct tl_cache *cache, unsigned class_id);

#endif

#endif
