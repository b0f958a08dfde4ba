/* part_swap.c: tl_swap in every order and both widths: tokens change hands through one cell for
 * each, and at the end each token is somewhere, once. */
#include "arch/atomic.h"
#include "arch/port/bare/machine.h"
#include "tests/bare/parts.h"

enum { ORDERS = 4, CELLS = 2 * ORDERS };

static tl_atomic_word words[ORDERS];  /* atomic: everybody */
static tl_atomic_u32  halves[ORDERS]; /* the same */

/* Token t + 1 begins with thread t, token 0 in the cell. */
static struct {
    TL_CACHE_LINE
    uintptr_t token[CELLS];
} hands[THREADS_MAX];

#define SWAP(order)                                                                \
    static BARE_WATCHED uintptr_t swap_##order(tl_atomic_word *a, uintptr_t token) \
    {                                                                              \
        return tl_swap_##order(a, token);                                          \
    }                                                                              \
    static BARE_WATCHED uint32_t swap32_##order(tl_atomic_u32 *a, uint32_t token)  \
    {                                                                              \
        return tl_swap32_##order(a, token);                                        \
    }

SWAP(relaxed)
SWAP(acquire)
SWAP(release)
SWAP(acq_rel)

static void prepare(void)
{
    for (unsigned thread = 0; thread < run.threads; thread++)
        for (unsigned cell = 0; cell < CELLS; cell++)
            hands[thread].token[cell] = thread + 1;
}

static void work(unsigned thread, struct st_rng *rng)
{
    static uintptr_t (*const swaps[ORDERS])(
        tl_atomic_word *, uintptr_t) = { swap_relaxed, swap_acquire, swap_release, swap_acq_rel };
    static uint32_t (*const swaps32[ORDERS])(tl_atomic_u32 *,
                                             uint32_t) = { swap32_relaxed, swap32_acquire,
                                                           swap32_release, swap32_acq_rel };
    uintptr_t *token = hands[thread].token;

    (void)rng;
    for (uint32_t i = 0; i < run.iterations; i++)
        for (unsigned order = 0; order < ORDERS; order++) {
            token[order] = swaps[order](&words[order], token[order]);
            token[ORDERS + order] = swaps32[order](&halves[order], (uint32_t)token[ORDERS + order]);
        }
    count_operations(run.iterations * CELLS);
}

static void judge(void)
{
    for (unsigned cell = 0; cell < CELLS; cell++) {
        bool      found[THREADS_MAX + 1] = { false };
        uintptr_t token = cell < ORDERS ? tl_load_acquire(&words[cell])
                                        : tl_load32_acquire(&halves[cell - ORDERS]);

        for (unsigned thread = 0; thread <= run.threads; thread++) {
            if (token > run.threads || found[token])
                finding("swap: token %lu twice, or never made", (unsigned long)token);
            else
                found[token] = true;
            token = thread < run.threads ? hands[thread].token[cell] : 0;
        }
    }
}

const struct part part_swap = { "swap", prepare, work, NULL, judge };
