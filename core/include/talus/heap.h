/* heap.h: heap instances, each with a pool, a limit and a provider of its own (R10, R13 to R19,
 * R40).
 *
 * A heap divides large blocks of pages, which a provider gives it. Any number of heaps may live
 * side by side; destroying one returns all its pages. The default heap (talus.h) is one of them.
 * Contexts as in talus.h. */
#ifndef TALUS_HEAP_H
#define TALUS_HEAP_H

#include <talus/talus.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct talus_heap talus_heap;

/* The heap's page in bytes: what the pool is divided into, and what a provider's blocks are aligned
 * to. */
#ifndef TALUS_PAGE_SHIFT
#ifdef TALUS_SMALL /* port.h */
#define TALUS_PAGE_SHIFT 9
#else
#define TALUS_PAGE_SHIFT 13
#endif
#endif
#define TALUS_PAGE_SIZE ((size_t)1 << TALUS_PAGE_SHIFT)

/* Gives and takes back large blocks of memory. All sizes are multiples of TALUS_PAGE_SIZE, all
 * addresses are aligned to it, but for purge's. The heap calls a provider from thread context, with
 * no lock held;
 * calls for one heap may overlap, except that at most one map runs at a time. A provider must not
 * call into the heap it provides for, but for talus_heap_shrink within map. `context` is passed
 * through. R10. */
typedef struct talus_provider {
    /* Returns `bytes` of readable and writable memory, or NULL when there is none. May block.
     * Required. */
    void *(*map)(void *context, size_t bytes);
    /* Takes back a block that map returned, whole. NULL: blocks are never given back before the
     * heap's end. */
    void (*unmap)(void *context, void *block, size_t bytes);
    /* The contents of these pages, part of a block, are no longer needed; the pages stay usable.
     * Their address and size are multiples of purge_unit. Returns true when they now read as zero.
     * NULL: not supported. */
    bool (*purge)(void *context, void *pages, size_t bytes);
    /* Moves the contents of `bytes` at `from`, part of a block, onto the pages at `to`, part of a
     * block too, without copying; the pages at `from` stay usable, and read as zero if `zeroed`.
     * Returns false when it could not, and then nothing changed. NULL: not supported. A kernel's
     * heap copies, and never calls it. */
    bool (*move)(void *context, void *from, void *to, size_t bytes);
    void *context;
    bool  zeroed; /* what map returns reads as zero */
    /* the least that purge gives back, in bytes: a power of two up to TALUS_PAGE_SIZE, which 0
     * stands for. With a smaller one the pages inside of large free blocks are purged, too, when
     * they were free for long */
    size_t purge_unit;
} talus_provider;

/* Anonymous memory from the operating system, zeroed, returned by unmap, moved without copying.
 * Context: thread, atomic; its functions: thread. Cost: none; its functions: a system call each.
 * R10. */
TALUS_API const talus_provider *talus_provider_mmap(void);

/* A fixed region as the only memory of a heap. The struct belongs to the caller and must live as
 * long as the heap. */
typedef struct talus_fixed_region {
    void  *start; /* first byte that may be used */
    size_t bytes;
    size_t given; /* bytes handed to the heap so far, padding included; 0 before the first use */
} talus_fixed_region;

/* A provider over `region`: each map takes the next part of it; the region is one contiguous block
 * to the heap (R12, R13). What is left of the region at its unaligned ends is unused. Contents are
 * taken as not zero. Context: thread, atomic; its functions: thread. Cost: a few instructions
 * each. */
TALUS_API talus_provider talus_provider_fixed(talus_fixed_region *region);

/* Zero-initialise, set what matters: each 0 or NULL means the default. */
typedef struct talus_heap_options {
    const char           *name;     /* for reports; kept by pointer. Default "heap" */
    const talus_provider *provider; /* copied. Default talus_provider_mmap() */
    /* most bytes of pages from the provider; 0: no limit. Rounded down to pages. Reaching it is
     * reported on standard error, once. R15 */
    size_t limit;
    size_t initial; /* bytes taken from the provider at creation; 0: none. R11 */
    /* least bytes asked from the provider at a time. Default 1 MiB, rising with the heap */
    size_t growth;
    /* free pages unused for so long go back to the system. Default 500; R16 */
    uint32_t decay_ms;
    bool     keep_pages; /* never give free pages back before the heap is destroyed */
    /* When a request cannot be served: the heap expands and tries again; then on_exhausted is
     * called with the request's `bytes`: it may log, free something and return true to have the
     * request tried once more, return false, or not return at all; then the call returns NULL, or,
     * with `panic`, a line with the heap's name and the bytes ends the process; in a kernel it is
     * the port's panic. No lock is held. R18 */
    bool (*on_exhausted)(void *context, talus_heap *heap, size_t bytes);
    void *on_exhausted_context;
    bool  panic;
    /* With fewer bytes of free pages than these the heap expands before it is exhausted: as part of
     * a slow path, which is served whether that succeeds or not, and waits for no other's growth.
     * So many free pages are kept when others go back. Default 0: only when it is exhausted. R14 */
    size_t low_water;
    /* Called when a block that talus_heap_expand added has left the heap, by talus_heap_contract,
     * talus_heap_shrink or talus_heap_drain: its `bytes` whole pages from `block` are the owner's
     * again. Called without a lock, by those or by whatever call comes by; it may allocate and
     * free, but where talus_heap_shrink was called from within map, and must not destroy the heap.
     * NULL: such blocks stay to the heap's end; so do those of a kernel's default heap that the
     * heap took pages of for its own structures. R16, R17 */
    void (*on_removed)(void *context, talus_heap *heap, void *block, size_t bytes);
    void *on_removed_context;
    /* libtalus-kernel.a: no call takes more instructions than docs/performance.md says, whatever
     * the heap's size and state. The price: it never grows by itself, and a request may fail
     * although there is memory for it, in lists of which one call looks at a part, or in a run of
     * 16 pages and more that is less than an eighth longer. A process's heaps ignore it. R51 */
    bool real_time;
} talus_heap_options;

/* Creates a heap. `options` may be NULL. Returns NULL with errno EINVAL (a provider without map
 * or with a purge_unit that is none, limit below one page) or ENOMEM. Context: thread. Cost: two
 * locks, and the provider's map when `initial` is given. R19. */
TALUS_API talus_heap *talus_heap_create(const talus_heap_options *options);

/* Returns every page to the provider, whatever is still allocated, in O(pages). No other call on
 * the heap may run or follow; threads that used it may still exit, before or after. Destroying the
 * default heap is refused. Returns false with EINVAL for a handle that is not a live heap. Context:
 * thread. Cost: O(pages), and an unmap for each block from the provider. R19. */
TALUS_API bool talus_heap_destroy(talus_heap *heap);

/* The heap behind talus_malloc. NULL where there is no memory for even that; never once a call
 * succeeded. Context: thread. Cost: one load after the first call. R19. */
TALUS_API talus_heap *talus_heap_default(void);

/* Allocates `size` bytes aligned to `align` (0 or 1: no alignment beyond the heap's own; else a
 * power of two up to TALUS_ALIGN_MAX). `tag` names the caller in debug heaps (NULL: none); it is
 * kept by pointer, so it must outlive the block. Returns the block, or NULL with errno EINVAL
 * (alignment), ENOMEM (limit reached, or the provider has no more). Context: thread. Cost:
 * a lookup of the thread's cache more than talus_malloc's slow path; no lock while the cache has a
 * block. R2, R20, R21, R22. */
TALUS_API void *talus_heap_alloc(talus_heap *heap, size_t size, size_t align, const char *tag);

/* The same, zeroed. Context: thread. Cost: the same and a memset; pages that are known to be zero
 * are not written again. R3. */
TALUS_API void *talus_heap_zalloc(talus_heap *heap, size_t size, size_t align, const char *tag);

/* talus_realloc within `heap`. A block of another heap is misuse, reported; NULL with EINVAL is
 * returned. Context: thread. Cost: as talus_realloc. R4. */
TALUS_API void *talus_heap_realloc(talus_heap *heap, void *block, size_t size, const char *tag);

/* Frees a block of `heap`; NULL is ignored; a block of another heap is misuse, reported, and stays.
 * Context: thread. Cost: talus_free's and a look at the block's heap. R5, R30. */
TALUS_API void talus_heap_free(talus_heap *heap, void *block);

/* Changes the limit, in bytes; 0: none. A limit below what is mapped already stops growth, nothing
 * else. Context: thread. Cost: one lock. R15. */
TALUS_API void talus_heap_set_limit(talus_heap *heap, size_t limit);

/* Adds a block that the caller has, anywhere: the whole pages of it serve the heap until it is
 * destroyed, or they are removed (on_removed); then they are the caller's again. The last page of
 * the address space is left out. Counts as mapped, whatever the limit. From then on the heap writes
 * all that is asked zeroed, and copies instead of moving. Returns
 * false with errno EINVAL (not a whole page) or ENOMEM (no memory for its descriptor, or its
 * addresses are in use, or cannot be told from those of another block). Context: thread. Cost: two
 * locks, and a look at each block of all heaps. R11, R13. */
TALUS_API bool talus_heap_expand(talus_heap *heap, void *block, size_t bytes);

/* Gives free pages back to the system now, decay or not: flushes the caller's cache and all idle
 * ones first. Blocks in the caches of other running threads stay there. Returns the bytes purged or
 * unmapped. In a kernel, where talus_port_may_block says no, it flushes, gives nothing back, and
 * lets other CPUs have what is free in this CPU's spans: what an idle loop does for them. Context:
 * thread; in a kernel atomic, too. Cost: O(blocks in those caches + free runs), and the system
 * calls. R16. */
TALUS_API size_t talus_heap_trim(talus_heap *heap);

/* Gives back the blocks of which no page is in use, if they were free for `unused_ms` (0: now): the
 * provider's, to it, and those that talus_heap_expand added, to on_removed. What low_water asks for
 * stays, and a kernel's first block. Caches are flushed as by talus_heap_trim. Returns the bytes.
 * Context: thread. Cost: O(blocks in those caches), O(free runs) under the pool's lock for each
 * block that goes, and the system calls. R16. */
TALUS_API size_t talus_heap_contract(talus_heap *heap, uint32_t unused_ms);

/* For a system that is short of memory: gives back up to `pages` pages of TALUS_PAGE_SIZE now:
 * whole blocks as talus_heap_contract, then purges. Returns how many. It calls unmap, purge and
 * on_removed, and so may block and must not be called with a lock held that one of these takes, or
 * from within them. From within the provider's map it may be called: while the heap expands the
 * caches are left alone. In a kernel, where talus_port_may_block says no, it flushes and gives
 * nothing back.
 * Context: thread. Cost: as talus_heap_contract. R16. */
TALUS_API size_t talus_heap_shrink(talus_heap *heap, size_t pages);

/* Marks the block with `address` in one of its pages, the provider's or one that talus_heap_expand
 * added, "not to be used": from now on no run of pages is taken from it, and as its pages become
 * free they wait. When none is in use the block leaves the heap: it is unmapped, or handed to
 * on_removed, by the next call that may call the provider. Blocks that lie free in a running
 * thread's cache may be handed out until that cache is flushed, which it is each decay time
 * (docs/design.md, "The page pool"). Caches are flushed as by talus_heap_trim. With `drain` false
 * the mark is taken off. Returns false with errno EINVAL (no block of the heap has that address; it
 * holds data of the heap's own, as a kernel's first block does, and a line says so) or ENOMEM (no
 * descriptors for its pages). Context: thread. Cost: O(blocks in those caches), O(free runs +
 * blocks of the provider) under the pool's lock. R17. */
TALUS_API bool talus_heap_drain(talus_heap *heap, const void *address, bool drain);

/* Totals of one heap, in bytes unless said otherwise. While other threads run, each figure is right
 * for some moment of the call, and figures of caches lag by what their owners did since their last
 * slow exit. R40. */
typedef struct talus_heap_stats_t {
    size_t   allocated; /* given out: in the program's hands or in a cache's lists */
    size_t   mapped;    /* pages held from the provider */
    size_t   mapped_peak;
    size_t   limit;             /* 0: none */
    size_t   free_pages;        /* pages in no use at all, purged or not */
    size_t   dirty_pages;       /* of these, bytes not yet given back to the system */
    size_t   largest_free_run;  /* R6: against free_pages this tells why a large request fails */
    size_t   metadata;          /* descriptors, caches and the heap itself; outside `mapped` */
    size_t   large;             /* bytes in blocks that have a run to themselves */
    uint32_t spans;             /* runs cut into blocks, number */
    uint32_t caches;            /* number, idle ones included */
    uint32_t caches_idle;       /* number */
    uint64_t provider_maps;     /* calls that succeeded, number */
    uint64_t provider_unmaps;   /* calls, number */
    uint64_t provider_failures; /* growths that the provider refused, number */
    uint64_t purges;            /* runs purged, number */
    uint64_t limit_hits;        /* growths refused by the limit, number */
    uint64_t remote_batches;    /* batches of foreign blocks received, number */
    uint64_t adoptions;         /* caches taken over from threads that ended, number */
} talus_heap_stats_t;

/* Fills `stats`; with zeroes when `heap` is not alive. Context: thread. Cost: O(caches + free
 * runs of the highest bin in use), under each of the heap's two locks in turn. R6, R40. */
TALUS_API void talus_heap_stats(talus_heap *heap, talus_heap_stats_t *stats);

#ifdef __cplusplus
}
#endif

#endif
