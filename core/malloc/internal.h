/* internal.h: what the files of the drop-in library share. */
#ifndef TL_CORE_MALLOC_INTERNAL_H
#define TL_CORE_MALLOC_INTERNAL_H

#include <stddef.h>

/* memalign for every caller in this folder: any alignment, rounded up to a power of two as glibc
 * 2.36 does.
 * Returns the block, or NULL with errno EINVAL (no power of two is large enough) or ENOMEM. */
void *tl_memalign(size_t align, size_t size);

#endif
