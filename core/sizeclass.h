/* sizeclass.h: which sizes blocks have, and how the spans that hold them are shaped.
 *
 * Classes are multiples of the grain up to 8 grains, then eight steps to each doubling (as jemalloc
 * and mimalloc space theirs, twice as fine as the first). A request is padded by less than 1/8 of
 * its block. Class sizes are multiples of the step of their doubling, so a multiple of an alignment
 * falls into a class that is one too: it is the class itself where the step is no larger than the
 * alignment. R22, R24. */
#ifndef TL_CORE_SIZECLASS_H
#define TL_CORE_SIZECLASS_H

#include "core/limits.h"

struct tl_class {
    uint32_t block_size;  /* bytes */
    uint32_t span_pages;  /* pages of a span, as wanted */
    uint8_t  foreign_max; /* foreign blocks of one chain before it leaves */
    /* freed blocks that may go straight on head, between two refills; 0: blocks below a cache line,
     * which go home, so that no two threads are given parts of one line */
    uint8_t   credit;
    tl_blocks carve_blocks; /* cut at a time */
};

/* Constant after tl_class_table_init, which runs once, before any cache exists. */
/* and tl_small_class */
#if TL_SMALL /* in read-only memory */
extern TL_HIDDEN const struct tl_class tl_classes[TL_CLASS_COUNT];

static inline void tl_class_table_init(void)
{
}
#else
extern TL_HIDDEN struct tl_class tl_classes[TL_CLASS_COUNT_MAX];

TL_SLOW void tl_class_table_init(void);
#endif

static inline size_t tl_class_size(unsigned class_id)
{
    return tl_classes[class_id].block_size;
}

/* `size` as a request whose class is aligned to `align`, a power of two up to TL_PAGE_SIZE; 0 for 0
 * and on overflow. */
static inline size_t tl_size_aligned(size_t size, size_t align)
{
    return (size + align - 1) & ~(align - 1);
}

#endif
