/* pagemap.h: from an address to the descriptor of its run, in one load and without a lock (D1).
 *
 * 1 Purpose     tl_page_span() answers for any address whatsoever; an address that is not ours gets
 *               the zero descriptor.
 * 2 Layout      One reservation, readable throughout, writable where it is used:
 *                  [ table: one 32-bit entry per page ][ base: the zero descriptor, then all
 *                  descriptors ... ]
 *               An entry is the distance from base to the descriptor in units of 8 bytes, signed;
 *               0, the zero descriptor, is what memory that was never written reads as. The table
 *               lies below base, and is indexed by `page number | fold`, a negative number: `fold`
 *               has ones above the bits in use.
 * 3 Sizes       The table covers the whole user address space, and there is a descriptor for every
 *               page, as far as that is sensible: a reservation, not memory. On 32 bits it takes
 *               2 + 64 MiB. Where address space is limited (ulimit -v) it is smaller, and addresses
 *               alike in their low bits share an entry: growth refuses a block whose entries are
 *               taken (tl_page_map_cover), so our own pages never share, nor does the page of NULL
 *               with them. The same code serves both.
 * 4 Ordering    Entries are relaxed atomics. A block is handed out after its entries were written,
 *               by the thread that wrote them or through the pool's lock; the program's own
 *               hand-over carries it on from there.
 * 5 Locks       tl_meta_lock for covering and for new descriptors; entries of a run are written by
 *               whoever holds the run.
 * 6 Contexts    tl_page_span: any. */
#ifndef TL_CORE_PAGEMAP_H
#define TL_CORE_PAGEMAP_H

#include "core/span.h"

/* tl_page_entry and tl_page_span are in talus/layout.h. */

/* Reserves the map. Returns false when not even the smallest map fits the address space. Once,
 * before any heap. */
TL_SLOW bool tl_page_map_init(void);

/* In a kernel, instead: the table lies at `memory`, zeroed, tl_page_map_bytes_for(bits) bytes that
 * are aligned to a line, and tells addresses apart by `bits` bits of their page numbers.
 * Descriptors come from tl_meta_new. */
TL_SLOW void   tl_page_map_place(void *memory, unsigned bits);
TL_SLOW size_t tl_page_map_bytes_for(unsigned bits);

static inline uint32_t tl_page_offset(const struct tl_span *span)
{
    return span == NULL ? 0 : (uint32_t)(((const char *)span - tl_page_base) / 8);
}

/* tl_page_set_ends: both ends of a run, whose `span` is not NULL. */
#if TL_KERNEL /* calls: the fast path alone has a copy of tl_page_span */
TL_SLOW struct tl_span *tl_span_at(uintptr_t address);
TL_SLOW void            tl_page_set(uintptr_t address, const struct tl_span *span);

static inline void tl_page_set_ends(uintptr_t first, uintptr_t last, const struct tl_span *span)
{
    tl_page_set(first, span);
    tl_page_set(last, span);
}
#else
static inline struct tl_span *tl_span_at(uintptr_t address)
{
    return tl_page_span(address);
}

static inline void tl_page_set(uintptr_t address, const struct tl_span *span)
{
    tl_store32_relaxed(tl_page_entry(address), tl_page_offset(span));
}

static inline void tl_page_set_ends(uintptr_t first, uintptr_t last, const struct tl_span *span)
{
    tl_atomic_u32 *last_entry = tl_page_entry(last);
    tl_atomic_u32 *first_entry = tl_page_entry(first);
    uint32_t       offset = (uint32_t)(((const char *)span - tl_page_base) / 8);
    tl_store32_relaxed(first_entry, offset);
    tl_store32_relaxed(last_entry, offset);
}
#endif

struct tl_region;

/* Makes the entries of a block from the provider writable and enlists its `region`, whose start and
 * pages are set: in one step, so that of two blocks that would share entries only one gets them.
 * Returns false, nothing enlisted, when they could not be made writable, or another block of ours
 * or the page of NULL shares one. Context: thread; takes tl_meta_lock. */
TL_SLOW bool tl_page_map_cover(struct tl_region *region);

/* Hands out `count` new descriptors, UNUSED, chained through free.next; fewer where a batch of
 * TL_DESCRIPTOR_BATCH, a system page, ends, but one at least. NULL: the area is used up. Context:
 * thread; takes tl_meta_lock. */
TL_SLOW struct tl_span *tl_descriptors_new(unsigned count, unsigned *got);

/* In a kernel: makes descriptors, for later calls, of `bytes` zeroed memory (or NULL) that is
 * aligned to a line. False: there is no room for one, or an entry does not reach it. */
TL_SLOW bool tl_descriptors_add(void *memory, size_t bytes);

/* Takes descriptors that nobody uses, chained through free.next, for later calls. Context: thread;
 * takes tl_meta_lock. */
TL_SLOW void tl_descriptors_recycle(struct tl_span *chain);

#endif
