/* limits.h: every bound of the core in one place, with its unit and its reason.
 *
 * The page is the public TALUS_PAGE_SIZE: 8 KiB hosted, so that one page holds a useful span of
 * small blocks; where the system's pages are larger, purging rounds inwards at run time. Small
 * memory (TL_SMALL, R52) has the same bounds, turned down. */
#ifndef TL_CORE_LIMITS_H
#define TL_CORE_LIMITS_H

#include "arch/atomic.h"
#include "arch/compiler.h"
#include "arch/cpu.h"

/* Size classes, which the inlined fast paths know too. */
#define TL_LAYOUT_OF_CORE 1
#include <talus/layout.h>

#define TL_USUAL_OR_SMALL(usual, small) (TL_SMALL ? (small) : (usual))

#define TL_PAGE_SHIFT TALUS_PAGE_SHIFT
#define TL_PAGE_SIZE  TALUS_PAGE_SIZE

/* Requests above this are refused at once: no address range is as large. */
#define TL_REQUEST_MAX ((size_t)PTRDIFF_MAX - TL_PAGE_SIZE)

/* Spans. 64 blocks keep slow exits rare; a quarter of a huge page bounds what one live block can
 * pin. */
#define TL_SPAN_BLOCKS_MIN 64u /* wanted for blocks up to TL_SMALL_MAX */
#define TL_SPAN_BLOCKS_MAX                                 \
    TL_USUAL_OR_SMALL((uint32_t)(TL_PAGE_SIZE / TL_GRAIN), \
                      TL_SPAN_PAGES_GROWN *TL_PAGE_SIZE / TL_GRAIN)
/* for blocks from TL_SMALL_MAX on, until eight do not fit */
#define TL_SPAN_BYTES_USUAL ((size_t)64 * 1024)
/* In small memory a span begins with a page, and grows up to so many in place, since each costs a
 * descriptor. */
#define TL_SPAN_PAGES_GROWN 16u
/* cut at a time: about what one page fault brings; in small memory a page at most; of a kernel's
 * smallest blocks fewer */
#define TL_CARVE_BYTES      TL_USUAL_OR_SMALL((size_t)4096, TL_PAGE_SIZE)
#define TL_CARVE_BLOCKS_MAX (TL_KERNEL ? (size_t)64 : TL_CARVE_BYTES / TL_GRAIN)
/* an active owner looks at its inbox at least so often */
#define TL_FREES_UNTIL_SLOW_MAX 256u
/* free of its blocks before a span without any is offered again: one of so many; a span may be
 * shorter than its class's are, where memory is short, and in small memory it grows, but must not
 * keep more for itself */
#define TL_RELISTED_PART TL_USUAL_OR_SMALL(8u, 32u)

/* Above so many bytes: how many classes further up a block may be taken from before new memory is
 * touched, and how often in a row: then a block of the right class makes the next call quick. In
 * small memory any block will do, but only when there is no new memory. */
#define TL_BORROW_ABOVE   TL_USUAL_OR_SMALL(TL_SMALL_MAX, (size_t)0)
#define TL_BORROW_CLASSES TL_USUAL_OR_SMALL(2u, TL_CLASS_COUNT)
#define TL_BORROWS_MAX    8u

#define TL_SLOW_EXITS_PER_LOOK 16u /* at the clock */

/* more than any sound list of a class can hold */
#define TL_CHAIN_BLOCKS_MAX (2 * TL_SPAN_BLOCKS_MAX)

/* Foreign blocks (D3), per class and cache. */
/* chains that gather apart, so that blocks of as many owners travel unmixed; a power of two */
#define TL_OWNER_SLOTS        4u
#define TL_FOREIGN_BYTES      ((size_t)8 * 1024) /* in one chain */
#define TL_FOREIGN_BLOCKS_MAX 64u
#define TL_CREDIT_BYTES       ((size_t)256 * 1024) /* straight on head, between two refills */
/* per class, kept whole; docs/adr/0007 has the reason */
#define TL_PENDING_BATCHES_MAX 16u

/* What a kernel does with lists of blocks, one call does a piece of: so many blocks walked back, or
 * fewer and one chain sent home or one run given back; so many batches taken in. A process does all
 * at once. */
#define TL_PIECE_BLOCKS  (TL_KERNEL ? 32u : UINT32_MAX)
#define TL_PIECE_BATCHES (TL_KERNEL ? 16u : UINT32_MAX)
/* more pieces than all lists of a cache can be */
#define TL_PIECES_MAX 65536u

/* Empty spans a cache keeps for its next allocations, in bytes; in a kernel none. */
#define TL_CACHE_EMPTY_MAX ((size_t)512 << 10)
#define TL_IDLE_EMPTY_MAX  ((size_t)128 * 1024) /* the same for a cache that its thread left */
/* the longest block that a cache keeps for its thread's next large one */
#define TL_KEPT_BYTES_MAX TL_USUAL_OR_SMALL((size_t)256 << 10, (size_t)0)

/* Free blocks from here on, in bytes, in spans that are partly in use, lose the pages inside of
 * them when a cache is flushed (R16). */
#define TL_PURGED_BLOCK_MIN ((size_t)8 * 1024)

/* The page pool. */
/* runs looked at in one bin before a larger bin serves */
#define TL_POOL_SCAN_MAX 8u
/* bins of free runs: so many to each doubling */
#define TL_POOL_STEPS_SHIFT TL_USUAL_OR_SMALL(3u, 1u)
#define TL_POOL_BINS        TL_USUAL_OR_SMALL(256u, 16u)
/* whether pools ask providers: in small memory they have what they are given */
#define TL_GROWS          (!TL_SMALL)
#define TL_GROWTH_DEFAULT ((size_t)1 << 20) /* bytes */
/* bytes; growth is an eighth of the heap between the two */
#define TL_GROWTH_MAX ((size_t)32 << 20)
/* A move is a system call, and may split the system's mapping in two: what is shorter, or a smaller
 * share of the heap, is copied. Bytes. */
#define TL_MOVE_MIN          ((size_t)64 * 1024)
#define TL_MOVED_SHARE       1024u
#define TL_MOVE_PIECE        ((size_t)1 << 20) /* bytes moved at a time */
#define TL_MOVE_REFUSALS_MAX 4u                /* of pieces in a row, before the rest is copied */
/* A block that is being grown gets a run so many times as long to grow into, where there is one,
 * but no more than so many pages beyond what it needs now: addresses alone, but they count as
 * mapped. */
#define TL_GROWING_ROOM        4u
#define TL_GROWING_ROOM_MAX    (((size_t)128 << 20) >> TL_PAGE_SHIFT)
#define TL_DECAY_MS_DEFAULT    500u
#define TL_PURGES_PER_CALL_MAX 4u
/* descriptors fetched at a time: 4 KiB of a process; of a kernel fewer, out of small blocks */
#define TL_DESCRIPTOR_BATCH (TL_SMALL ? 1u : TL_KERNEL ? 8u : 32u)
/* a kernel's chunks of memory for the heap's structures, in bytes */
#define TL_META_CHUNK TL_USUAL_OR_SMALL((size_t)16 * 1024, TL_PAGE_SIZE)

/* Blocks that one slow exit brings to a reserve, and to one of a real-time heap; the next bring the
 * rest. */
#define TL_RESERVE_REFILL_MAX       ((size_t)32)
#define TL_RESERVE_REFILL_REAL_TIME ((size_t)1)

/* Stretches of memory for structures that the dump can tell from others; those that touch count as
 * one. */
#define TL_META_AREAS TL_USUAL_OR_SMALL(16u, 4u)

/* Whether misuse is told in words of its own for each way to notice it. Else by its kind. */
#ifndef TL_MISUSE_TEXTS
#define TL_MISUSE_TEXTS (!TL_KERNEL)
#endif

/* How far back a report looks for the large block that a wild pointer lies in, in pages. */
#define TL_INTERIOR_SEARCH_PAGES (TL_KERNEL ? (size_t)256 : (size_t)1 << 16)

/* Counts of pages, of blocks in a span, and of a block's bytes: wide enough for any run, or for the
 * regions of small memory. */
#if TL_SMALL
typedef uint16_t tl_pages;
typedef uint16_t tl_blocks;
typedef uint16_t tl_block_bytes;
#else
typedef size_t   tl_pages;
typedef uint32_t tl_blocks;
typedef uint32_t tl_block_bytes;
#endif
#define TL_BLOCKS_NEVER ((tl_blocks)-1 / 2) /* more than any span has */

/* Milliseconds of the port's clock, as wide as a CPU's word. Differences count, on 32 bits modulo
 * 49 days: so what is compared with a time looks at the clock after it. */
typedef uintptr_t tl_ms;

TL_STATIC_ASSERT(TL_SMALL || TALUS_ALIGN_MIN % _Alignof(max_align_t) == 0,
                 "a block suits any standard type");
TL_STATIC_ASSERT(TL_GRAIN == (size_t)1 << TL_GRAIN_SHIFT, "one grain, told twice");
TL_STATIC_ASSERT(TL_CLASS_COUNT <= TL_CLASS_COUNT_MAX, "class arrays hold every class");
TL_STATIC_ASSERT(TL_CLASS_COUNT_MAX <= 256, "a class fits a byte");

#endif
