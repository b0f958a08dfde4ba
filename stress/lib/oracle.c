/* oracle.c: the shadow of the address space.
 * 1 Purpose     To notice that one byte was handed out twice, whatever the heap believes about it.
 * 2 States      Each granule, TALUS_ALIGN_MIN bytes, has one 32-bit word: 0 (nobody) or an owner. A
 *               block's granules go 0 -> owner when it is received, by ONE relaxed compare-exchange
 *               each, and owner -> 0 by a relaxed store before it is freed.
 * 3 Soundness   If the heap hands a block from A's free to B's malloc, it must order A's accesses
 *               before B's; then A's store of 0 comes before B's exchange in the word's
 *               modification order, and B sees 0. So an overlap is never a false alarm. Every
 *               access is relaxed, so the shadow orders nothing and hides no race from
 *               ThreadSanitizer or from the hardware.
 * 4 Extent      [round_up(block), round_up(block + size)): for aligned blocks all of it; a block at
 *               half a granule, as some mallocs give for tiny sizes, begins at the next one, so
 *               that neighbours never share one.
 * 5 Large       Blocks of more than 1024 granules (16 KiB where one is 16 bytes) claim their first
 *               and last 256 whole and between these one in 64. The positions are absolute: any
 *               other block of 1 KiB or more inside meets one. A smaller one in a gap is left to
 *               the block's own contents (block.c).
 * 6 Memory      The host's (st_oracle_word): in a process a table over the address space, in a
 *               kernel an array over the range that holds its heaps. */
#include "stress/lib/oracle.h"

#include <stdatomic.h>

#define WHOLE_GRANULES  1024u /* up to here every granule is claimed */
#define EDGE_GRANULES   256u  /* of a larger block, at both ends */
#define STRIDE_GRANULES 64u   /* between the edges */

static _Atomic size_t untracked; /* atomic */

/* The checked granule after `granule` in a block of granules [first, last). */
static uintptr_t next_granule(uintptr_t granule, uintptr_t first, uintptr_t last)
{
    if (last - first <= WHOLE_GRANULES || granule + 1 < first + EDGE_GRANULES ||
        granule + 1 >= last - EDGE_GRANULES)
        return granule + 1;
    uintptr_t next = granule / STRIDE_GRANULES * STRIDE_GRANULES + STRIDE_GRANULES;
    return next < last - EDGE_GRANULES ? next : last - EDGE_GRANULES;
}

static void describe(struct st_conflict *conflict, uintptr_t granule, uint32_t owner)
{
    const size_t      most = WHOLE_GRANULES;
    uintptr_t         first = granule, last = granule + 1;
    _Atomic uint32_t *word;

    while (granule - first < most && (word = st_oracle_word(first - 1)) != NULL &&
           atomic_load_explicit(word, memory_order_relaxed) == owner)
        first--;
    while (last - granule < most && (word = st_oracle_word(last)) != NULL &&
           atomic_load_explicit(word, memory_order_relaxed) == owner)
        last++;
    *conflict =
        (struct st_conflict){ granule * ST_GRANULE, first * ST_GRANULE, last * ST_GRANULE, owner };
}

static uintptr_t first_granule(const void *block)
{
    return ((uintptr_t)block + ST_GRANULE - 1) / ST_GRANULE;
}

static uintptr_t last_granule(const void *block, size_t size)
{
    return ((uintptr_t)block + size + ST_GRANULE - 1) / ST_GRANULE;
}

bool st_oracle_claim(const void *block, size_t size, uint32_t owner, struct st_conflict *conflict)
{
    uintptr_t first = first_granule(block), last = last_granule(block, size);

    for (uintptr_t granule = first; granule < last; granule = next_granule(granule, first, last)) {
        uint32_t          found = 0;
        _Atomic uint32_t *word = st_oracle_word(granule);
        if (word == NULL) {
            atomic_fetch_add_explicit(&untracked, 1, memory_order_relaxed);
            continue;
        }
        /* relaxed: the oracle must not order anything (3 above) */
        if (!atomic_compare_exchange_strong_explicit(word, &found, owner, memory_order_relaxed,
                                                     memory_order_relaxed)) {
            describe(conflict, granule, found);
            return false;
        }
    }
    return true;
}

bool st_oracle_release(const void *block, size_t size, uint32_t owner, struct st_conflict *conflict)
{
    uintptr_t first = first_granule(block), last = last_granule(block, size);

    for (uintptr_t granule = first; granule < last; granule = next_granule(granule, first, last)) {
        _Atomic uint32_t *word = st_oracle_word(granule);
        if (word == NULL)
            continue;
        uint32_t found = atomic_load_explicit(word, memory_order_relaxed);
        if (found != owner) {
            describe(conflict, granule, found);
            return false;
        }
        atomic_store_explicit(word, 0, memory_order_relaxed);
    }
    return true;
}

size_t st_oracle_count(const void *block, size_t size, uint32_t owner)
{
    uintptr_t first = first_granule(block), last = last_granule(block, size);
    size_t    count = 0;

    for (uintptr_t granule = first; granule < last; granule = next_granule(granule, first, last)) {
        _Atomic uint32_t *word = st_oracle_word(granule);
        count += word != NULL && atomic_load_explicit(word, memory_order_relaxed) == owner;
    }
    return count;
}

size_t st_oracle_untracked(void)
{
    return atomic_load_explicit(&untracked, memory_order_relaxed);
}
