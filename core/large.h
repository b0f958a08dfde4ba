/* large.h: blocks that have a run of pages to themselves: above TL_CLASS_MAX, or aligned beyond a
 * page (R20, R23). No cache is involved. Context: thread. */
#ifndef TL_CORE_LARGE_H
#define TL_CORE_LARGE_H

#include "core/heap.h"

/* A block of `size` bytes aligned to `align` (0 or a power of two up to TALUS_ALIGN_MAX), zeroed if
 * asked. NULL: none. */
void *tl_large_alloc(struct tl_heap *heap, size_t size, size_t align, bool zero);

/* A block of `size` bytes, above TL_CLASS_MAX, for what has outgrown its block and may grow on:
 * with room behind it where there is some. NULL: none. */
void *tl_large_alloc_to_grow(struct tl_heap *heap, size_t size);

void tl_large_free(struct tl_span *span);

/* Resizes in place: cuts the end off, or takes in the free pages behind. False: could not, nothing
 * changed. */
bool tl_large_resize(struct tl_span *span, size_t size);

/* Moves the contents of `span` to a new, larger block, by the provider's move where it can, and
 * frees `span`. NULL: no memory, nothing changed. */
void *tl_large_move(struct tl_span *span, size_t size);

#endif
