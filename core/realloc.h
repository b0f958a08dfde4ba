/* realloc.h: changing a block's size (R4). Context: thread. */
#ifndef TL_CORE_REALLOC_H
#define TL_CORE_REALLOC_H

#include "core/heap.h"

/* Resizes `block`, not NULL, within its own heap, which must be `heap` unless that is NULL.
 * Returns NULL with errno ENOMEM, or EINVAL after misuse; the block is untouched then. */
TL_SLOW void *tl_realloc(struct tl_heap *heap, void *block, size_t size);

#endif
