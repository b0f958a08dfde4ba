/* shadow.c: the oracle's shadow of a process's address space, in regions of 4 MiB.
 * 1 Leaves    A leaf shadows a region: a word for each granule, 1 or 2 MiB of them. Leaves lie in
 *             one array; a table over all regions says which of them is whose. Both are reserved
 *             before the first thread starts, and no initialisation needs to be published: all is
 *             zero.
 * 2 Placing   A region that is touched first takes a leaf: the first free one of all, in an order
 *             that begins at the region's number (an open-addressing table that nothing leaves).
 *             Whoever asks walks the same way, and no leaf is ever given up. So threads that ask at
 *             once, and handlers between their steps, get one answer and use one leaf; and where no
 *             leaf is left there is none for anybody, ever. Or a block's first granule would be
 *             claimed nowhere, and the next in the leaf that another thread has placed meanwhile.
 * 3 Order     Everything is relaxed: the answer is one word. */
#include "stress/hosted/shadow.h"

#include "stress/lib/oracle.h"

#include "arch/cpu.h"

#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#define LEAF_SHIFT    22
#define LEAF_GRANULES (((size_t)1 << LEAF_SHIFT) / ST_GRANULE)
#define TOP_ENTRIES   ((size_t)1 << (TL_ADDRESS_BITS - LEAF_SHIFT))
/* 64 GiB of touched address space, 16 GiB of shadow, reserved only. Where addresses have 32 bits a
 * leaf is half of its region: for all that the leaves leave. */
#define LEAVES_WANTED ((uint32_t)(sizeof(void *) == 8 ? LEAVES_MAX : TOP_ENTRIES * 2 / 3))
#define LEAVES_MAX    16384u
#define LEAVES_LEAST  64u
#define NONE          UINT32_MAX /* no leaf was left */
#ifndef ST_SHADOW_STORED
#define ST_SHADOW_STORED 0 /* a seeded bug: two regions in one leaf (tests/unit/shadow.c) */
#endif

/* Constant after the start; by region: atomic: 0: nobody has asked; NONE; or the leaf's number + 1.
 */
static _Atomic uint32_t *top;
static _Atomic uint32_t *leaves;                /* constant after the start */
static uint32_t          leaves_max;            /* constant after the start */
static _Atomic uint32_t  region_of[LEAVES_MAX]; /* atomic: of each leaf, + 1; 0: free */

static void *reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static size_t leaves_bytes(void)
{
    return leaves_max * LEAF_GRANULES * sizeof(*leaves);
}

/* What there was room for is more than half of what there may be, and a quarter of that is a shadow
 * of all of it: the rest is for the heap. */
static void leave_half(void)
{
    size_t all = leaves_bytes();

    leaves_max /= 2;
    munmap((char *)leaves + leaves_bytes(), all - leaves_bytes());
}

bool st_shadow_start(uint32_t most)
{
    if (top == NULL)
        top = reserve(TOP_ENTRIES * sizeof(*top));
    if (top == NULL)
        return false;
    /* A limit on address space, or strict overcommit, makes the shadow smaller, not the run
     * impossible. */
    if (most > LEAVES_WANTED)
        most = LEAVES_WANTED;
    uint32_t least = most < LEAVES_LEAST ? most : LEAVES_LEAST;
    for (leaves_max = most; leaves == NULL && leaves_max >= least; leaves_max /= 2) {
        leaves = reserve(leaves_bytes());
        if (leaves == NULL)
            continue;
        if (leaves_max < most)
            leave_half();
        return true;
    }
    return false;
}

void st_shadow_end(void)
{
    munmap(top, TOP_ENTRIES * sizeof(*top));
    munmap(leaves, leaves_bytes());
    memset(region_of, 0, sizeof(region_of));
    top = leaves = NULL;
}

/* True: the leaf is the region's. */
static bool take(uint32_t leaf, uint32_t region)
{
    uint32_t found = atomic_load_explicit(&region_of[leaf], memory_order_relaxed);

    if (found == 0 && ST_SHADOW_STORED) {
        sched_yield(); /* others come between, on a busy machine too */
        atomic_store_explicit(&region_of[leaf], region + 1, memory_order_relaxed);
        return true;
    }
    if (found == 0 &&
        atomic_compare_exchange_strong_explicit(&region_of[leaf], &found, region + 1,
                                                memory_order_relaxed, memory_order_relaxed))
        return true;
    return found == region + 1;
}

/* The number + 1 of the leaf of `region`, which gets one if there is one left. */
static uint32_t place(uint32_t region)
{
    for (uint32_t n = 0; n < leaves_max; n++) {
        uint32_t leaf = (region + n) % leaves_max;
        if (take(leaf, region))
            return leaf + 1;
    }
    return NONE;
}

_Atomic uint32_t *st_oracle_word(uintptr_t granule)
{
    uintptr_t region = granule / LEAF_GRANULES;
    if (region >= TOP_ENTRIES)
        return NULL;
    uint32_t number = atomic_load_explicit(&top[region], memory_order_relaxed);
    if (number == 0) {
        number = place((uint32_t)region);
        /* whoever else does so stores the same */
        atomic_store_explicit(&top[region], number, memory_order_relaxed);
    }
    return number == NONE ? NULL : leaves + (number - 1) * LEAF_GRANULES + granule % LEAF_GRANULES;
}
