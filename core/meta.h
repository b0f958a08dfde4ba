/* meta.h: memory for the heap's own structures: caches, heap instances, threads' tables.
 *
 * Type-stable: what is given back is kept for the same use and never unmapped, so that a late
 * reader meets an old structure and never a fault (D1). Nothing here lies among the blocks.
 * Context: thread. Lock: tl_meta_lock, the innermost one. */
#ifndef TL_CORE_META_H
#define TL_CORE_META_H

#include "core/limits.h"
#include "sync/lock.h"
#include <stddef.h>

extern TL_HIDDEN struct tl_lock tl_meta_lock;

/* So many take it that a kernel, which has these once, names it nowhere else. */
static TL_INLINE_HOSTED TL_UNUSED void tl_meta_acquire(void)
{
    tl_lock_acquire(&tl_meta_lock);
}

static TL_INLINE_HOSTED TL_UNUSED void tl_meta_release(void)
{
    tl_lock_release(&tl_meta_lock);
}

/* Returns `bytes` of zeroed memory aligned to a cache line, or NULL. Never freed; the caller
 * recycles it by type. */
TL_SLOW void *tl_meta_new(size_t bytes);

/* In a kernel: `bytes` at `memory`, aligned to a line and zeroed, are what tl_meta_new hands out
 * from now on. Returns what was left before, *left bytes, for the caller to use. */
TL_SLOW void *tl_meta_give(void *memory, size_t bytes, size_t *left);

/* Zeroes a structure that is taken into use again, while the dump may peek at it: `bytes` make up
 * whole words. Returns it. In a kernel it is memset, to be as
 * small: one that writes bytes may show the dump half a word. */
#if TL_KERNEL
#define tl_meta_wipe(structure, bytes) memset(structure, 0, bytes)
#else
TL_SLOW void *tl_meta_wipe(void *structure, size_t bytes);
#endif

/* Structures may lie in the `bytes` at `start`, which stay readable for good. tl_meta_lock, or
 * before there are threads. */
TL_SLOW void tl_meta_note_area(const void *start, size_t bytes);

/* Whether `bytes` at `structure`, aligned to a line, lie where structures do: false for what is
 * anywhere else, or in an area beyond the TL_META_AREAS that are noted. Context: any. */
TL_SLOW bool tl_meta_holds(const void *structure, size_t bytes);

/* Bytes that tl_meta_new can still hand out without asking the port. */
TL_SLOW size_t tl_meta_left(void);

/* Bytes that structures, descriptors and the page map's entries take. tl_meta_lock. */
extern TL_HIDDEN size_t tl_meta_in_use;
TL_SLOW size_t          tl_meta_bytes(void);

#endif
