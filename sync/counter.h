/* counter.h: a number that others may read at any time and that orders nothing.
 *
 * One counter has either one writer at a time (add_owner: a plain load and store, no lock prefix)
 * or any number of them (add_shared), never both. Readers see some recent value, whole. Contexts:
 * any. */
#ifndef TL_SYNC_COUNTER_H
#define TL_SYNC_COUNTER_H

#include "arch/atomic.h"

struct tl_counter {
    tl_atomic_word n; /* atomic: the owner alone writes it, or everybody by tl_counter_add_shared */
};

static inline uintptr_t tl_counter_read(const struct tl_counter *counter)
{
    return tl_load_relaxed(&counter->n);
}

/* By the counter's only writer. `n` may be the negative of a number, (uintptr_t)-k. */
static TL_ALWAYS_INLINE void tl_counter_add_owner(struct tl_counter *counter, uintptr_t n)
{
    tl_add_alone_relaxed(&counter->n, n);
}

/* By anybody. Returns the value before. */
static inline uintptr_t tl_counter_add_shared(struct tl_counter *counter, uintptr_t n)
{
    return tl_add_relaxed(&counter->n, n);
}

#endif
