/* toy.c: an allocator that is broken on purpose, so that the oracle can be seen to bark.
 * Cells of one size on a list whose pop loads the head and stores the next one, without a
 * compare-exchange: two threads can take the same cell. All is atomic and relaxed, so the list
 * itself is no data race; the double hand-out is. */
#include "stress/hosted/targets.h"
#include "stress/lib/rng.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CELL_BYTES ((size_t)4096)
#define CELLS      4096u /* 16 MiB; then malloc */
#define YIELD_MASK 0xfffu

static _Alignas(64) unsigned char arena[CELLS * CELL_BYTES];

static _Atomic uint32_t head; /* cell number + 1; 0: empty */
static _Atomic uint32_t next_of[CELLS];
static _Atomic uint32_t pops;

static void toy_open(struct st_target *target)
{
    (void)target;
    for (uint32_t cell = 0; cell < CELLS; cell++)
        atomic_store_explicit(&next_of[cell], cell + 1 < CELLS ? cell + 2 : 0,
                              memory_order_relaxed);
    atomic_store_explicit(&head, 1, memory_order_relaxed);
}

static void *toy_alloc(void *context, size_t size)
{
    (void)context;
    uint32_t first = atomic_load_explicit(&head, memory_order_relaxed);
    if (size > CELL_BYTES || first == 0)
        return malloc(size);
    uint32_t next = atomic_load_explicit(&next_of[first - 1], memory_order_relaxed);
    if ((atomic_fetch_add_explicit(&pops, 1, memory_order_relaxed) & YIELD_MASK) == 0)
        sched_yield();
    atomic_store_explicit(&head, next, memory_order_relaxed);
    return arena + (first - 1) * CELL_BYTES;
}

static void *toy_zalloc(void *context, size_t size)
{
    void *p = toy_alloc(context, size);
    return p == NULL ? NULL : memset(p, 0, size);
}

static void *toy_aligned(void *context, size_t align, size_t size)
{
    (void)context;
    return aligned_alloc(align, size);
}

static bool is_cell(const void *block)
{
    return (uintptr_t)block - (uintptr_t)arena < sizeof(arena);
}

static void toy_release(void *context, void *block)
{
    (void)context;
    if (!is_cell(block)) {
        free(block);
        return;
    }
    uint32_t cell = (uint32_t)(((uintptr_t)block - (uintptr_t)arena) / CELL_BYTES);
    atomic_store_explicit(&next_of[cell], atomic_load_explicit(&head, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(&head, cell + 1, memory_order_relaxed);
}

static void *toy_resize(void *context, void *block, size_t size)
{
    if (!is_cell(block))
        return realloc(block, size);
    if (size <= CELL_BYTES)
        return block;
    void *p = malloc(size);
    if (p != NULL) {
        memcpy(p, block, CELL_BYTES);
        toy_release(context, block);
    }
    return p;
}

struct st_target st_target_toy = {
    .name = "toy",
    .what = "an allocator with a lost update in its list: must fail, proves the oracle",
    .alloc = toy_alloc,
    .zalloc = toy_zalloc,
    .resize = toy_resize,
    .aligned = toy_aligned,
    .release = toy_release,
    .open = toy_open,
};
