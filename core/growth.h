/* growth.h: how a pool grows by the provider's blocks, and gives them back (D5, D6). Theory:
 * pool.h, 3 and 4. */
#ifndef TL_CORE_GROWTH_H
#define TL_CORE_GROWTH_H

#include "core/pool.h"

/* Adds a block of at least `pages` to the pool, or waits for the growth that is in flight. Lock
 * held, and let go of meanwhile. True: something changed, look again. False: limit or provider
 * refused. The caller made spare descriptors ready; when it fails two of them are there still. */
TL_SLOW bool tl_growth_locked(struct tl_pool *pool, size_t pages);

/* Has the provider take back a block of its own, or NULL, if it takes any. No lock held. */
TL_SLOW void tl_growth_unmap(struct tl_pool *pool, void *block, size_t bytes);

#endif
