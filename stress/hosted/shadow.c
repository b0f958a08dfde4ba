/* shadow.c: the oracle's shadow of a process's address space: a word per 4 MiB of it, and leaves of
 * 1 or 2 MiB (a word for each granule of what is touched). All of it is reserved before the first
 * thread starts, so installing a leaf is one relaxed compare-exchange of its number, and no
 * initialisation needs to be published. */
#include "stress/hosted/shadow.h"

#include "stress/lib/oracle.h"

#include "arch/cpu.h"

#include <sys/mman.h>

#define LEAF_SHIFT    22
#define LEAF_GRANULES (((size_t)1 << LEAF_SHIFT) / ST_GRANULE)
#define TOP_ENTRIES   ((size_t)1 << (TL_ADDRESS_BITS - LEAF_SHIFT))
/* 64 GiB of touched address space, 16 GiB of shadow, reserved only; 1 GiB where addresses have 32
 * bits */
#define LEAVES_WANTED (sizeof(void *) == 8 ? 16384u : 256u)
#define LEAVES_LEAST  64u

static _Atomic uint32_t
    *top; /* constant after the start; entries: atomic, 0 or the leaf's number + 1 */
static _Atomic uint32_t *leaves;      /* constant after the start */
static uint32_t          leaves_max;  /* constant after the start */
static _Atomic uint32_t  leaves_used; /* atomic */

static void *reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* What there was room for is more than half of what there may be, and a quarter of that is a shadow
 * of all of it: the rest is for the heap. */
static void leave_half(void)
{
    size_t half = leaves_max / 2 * LEAF_GRANULES * sizeof(*leaves);

    leaves_max /= 2;
    munmap((char *)leaves + half, half);
}

bool st_shadow_start(void)
{
    if (top == NULL)
        top = reserve(TOP_ENTRIES * sizeof(*top));
    if (top == NULL)
        return false;
    /* A limit on address space, or strict overcommit, makes the shadow smaller, not the run
     * impossible. */
    for (leaves_max = LEAVES_WANTED; leaves == NULL && leaves_max >= LEAVES_LEAST;
         leaves_max /= 2) {
        leaves = reserve(leaves_max * LEAF_GRANULES * sizeof(*leaves));
        if (leaves == NULL)
            continue;
        if (leaves_max < LEAVES_WANTED)
            leave_half();
        return true;
    }
    return false;
}

/* The leaf over `granule` (an address divided by ST_GRANULE), or NULL: outside of the table, or
 * there are no more leaves. */
static _Atomic uint32_t *leaf_of(uintptr_t granule)
{
    uintptr_t index = granule / LEAF_GRANULES;
    if (index >= TOP_ENTRIES)
        return NULL;
    uint32_t number = atomic_load_explicit(&top[index], memory_order_relaxed);
    if (number == 0) {
        uint32_t mine = atomic_fetch_add_explicit(&leaves_used, 1, memory_order_relaxed) + 1;
        if (mine > leaves_max) {
            atomic_fetch_sub_explicit(&leaves_used, 1, memory_order_relaxed);
            return NULL;
        }
        /* The loser's leaf stays unused: it costs address space only. */
        if (atomic_compare_exchange_strong_explicit(&top[index], &number, mine,
                                                    memory_order_relaxed, memory_order_relaxed))
            number = mine;
    }
    return leaves + (size_t)(number - 1) * LEAF_GRANULES;
}

_Atomic uint32_t *st_oracle_word(uintptr_t granule)
{
    _Atomic uint32_t *leaf = leaf_of(granule);
    return leaf == NULL ? NULL : leaf + granule % LEAF_GRANULES;
}
