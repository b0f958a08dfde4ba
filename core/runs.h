/* runs.h: the page pool's free runs: bins, merging, splitting. Everything here is under the pool's
 * lock. Theory: pool.h. */
#ifndef TL_CORE_RUNS_H
#define TL_CORE_RUNS_H

#include "core/pool.h"

/* The best run of at least `pages`, still in its bin, or NULL. `thorough`: look through the whole
 * bin (about to fail). */
TL_SLOW struct tl_span *tl_runs_find_locked(struct tl_pool *pool, size_t pages, bool thorough);

/* The longest run of the highest bin in use, of `most` looked at; still in its bin. NULL: none is
 * free. */
TL_SLOW struct tl_span *tl_runs_longest_locked(struct tl_pool *pool, size_t most);

/* Enters a BUSY run, whose dirt is set, as free since its freed_ms, merged with its free
 * neighbours. */
TL_SLOW void tl_runs_insert_locked(struct tl_pool *pool, struct tl_span *run);

/* Of the dirt of `run` sets what lies behind its first `pages` as that of `rest`. */
TL_SLOW void tl_span_set_dirt_behind(struct tl_span *rest, const struct tl_span *run, size_t pages);

/* Takes a free run out, whole: it is BUSY then. */
TL_SLOW void tl_runs_remove_locked(struct tl_pool *pool, struct tl_span *run);

/* Cuts a BUSY run after `pages`; the rest becomes BUSY too, as old, and is returned. Needs one
 * spare descriptor. */
TL_SLOW struct tl_span *tl_runs_split_locked(struct tl_pool *pool, struct tl_span *run,
                                             size_t pages);

/* The run of that kind, FREE or ASIDE, whose first or last page lies at `address`, or NULL. */
TL_SLOW struct tl_span *tl_runs_free_at_locked(const struct tl_pool *pool, uintptr_t address,
                                               enum tl_span_kind kind);

/* A growth needs two: a region and its run. Another call two cuts for alignment and one for a
 * region, which small memory does without meanwhile; in a kernel it leaves a growth its two, since
 * descriptors are made of pages there. */
#define TL_SPARES_FOR_GROWTH   2u
#define TL_SPARES_FOR_ONE_CALL TL_USUAL_OR_SMALL(TL_KERNEL ? 3u + TL_SPARES_FOR_GROWTH : 3u, 2u)

/* Sees to it that one call of the pool finds the descriptors it may need. Lets go of the lock while
 * it fetches some. */
TL_SLOW bool tl_spares_ready_locked(struct tl_pool *pool);

/* In a kernel: fetches spare descriptors for so many runs, as far as there is memory for them. No
 * lock held, not pinned. */
TL_SLOW void tl_spares_provide(struct tl_pool *pool, size_t runs);

/* Spare descriptors. put: `span` is used no more. */
TL_SLOW struct tl_span *tl_spare_take_locked(struct tl_pool *pool);
TL_SLOW void            tl_spare_put_locked(struct tl_pool *pool, struct tl_span *span);

#endif
