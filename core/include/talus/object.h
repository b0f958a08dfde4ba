/* object.h: caches of typed objects: blocks of one size that stay constructed while they are free
 * (R20, R30).
 *
 * A constructor that makes locks, lists and counters ready runs once, when an object's memory comes
 * from the heap, and not each time the object is taken: whoever frees one leaves it in the state
 * that the constructor made. The destructor runs when the memory goes back. Free objects wait in
 * magazines, small arrays beside the objects, so that not a byte of an object is written while it
 * waits. No lock is taken for that, and no callback runs with anything of talus's held.
 * Sources: Bonwick, The Slab Allocator, USENIX Summer 1994; Bonwick and Adams, Magazines and Vmem,
 * USENIX 2001.
 *
 * Free objects count against the heap's limit. To have them back when memory is short, call
 * talus_object_cache_shrink, from the heap's on_exhausted for example. */
#ifndef TALUS_OBJECT_H
#define TALUS_OBJECT_H

#include <talus/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct talus_object_cache talus_object_cache;

/* What the objects of a cache are. Zero-initialise, set what matters. Callbacks run in the context
 * of the call that needs them, with no lock held and unpinned. They may call the heap, and other
 * caches. */
typedef struct talus_object_type {
    const char *name;  /* the tag of the blocks; kept by pointer. May be NULL */
    size_t      size;  /* bytes; 0 counts as 1 */
    size_t      align; /* as in talus_heap_alloc */
    /* Makes new memory, whose contents are undefined, an object. false: it cannot, and the call
     * that wanted the object returns NULL. NULL: nothing to do */
    bool (*construct)(void *context, void *object);
    /* Undoes that, before the memory goes back to the heap. NULL: nothing to do */
    void (*destruct)(void *context, void *object);
    void *context; /* handed to both */
    /* number of magazines, of 15 free objects each (on 32 bits 30); 0: 4; at most 65536. A search
     * begins at the magazine of the caller's CPU (hosted: of its stack), so one for each CPU that
     * shares the cache is best */
    size_t magazines;
} talus_object_type;

/* Creates a cache, empty, whose objects are allocated from `heap`. `type` is copied. The cache ends
 * with its heap at the latest, and then without a destructor's call. Returns NULL with errno EINVAL
 * (no heap, no type, alignment, size, too many magazines) or ENOMEM. Context: thread,
 * in a kernel atomic. Cost: one allocation. R19. */
TALUS_API talus_object_cache *talus_object_cache_create(talus_heap              *heap,
                                                        const talus_object_type *type);

/* An object as the constructor left it, or as whoever freed it did. Returns NULL with errno ENOMEM,
 * or when the constructor failed. Context: thread, in a kernel atomic. Cost: one look at each
 * magazine, own first, until one has an object; that one is entered by one atomic compare-exchange
 * and left by one store. Nobody waits: a magazine that another thread is in is passed over. When
 * none has any: as talus_heap_alloc, and the constructor. R20, R30. */
TALUS_API void *talus_object_cache_alloc(talus_object_cache *cache);

/* Gives an object back, in its constructed state, for others to take; NULL is ignored. Misuse is
 * reported, and the pointer stays with the caller: what is no block, another heap's, one whose size
 * an object of this cache cannot have, one that is not aligned, one that lies in the magazine
 * already. Not noticed: an object of another cache of this heap with the same size class; one freed
 * twice that lies in another magazine, or was taken again. Context: thread, in a kernel atomic.
 * Cost: as talus_object_cache_alloc; where every magazine is full the destructor, and
 * talus_heap_free. R5, R30, R45. */
TALUS_API void talus_object_cache_free(talus_object_cache *cache, void *object);

/* Gives all free objects back to the heap, each by the destructor and talus_heap_free, but those in
 * magazines that others are in at that moment. Returns their number. Context: thread, in a kernel
 * atomic. Cost: that for each object, at most as many as the cache can keep. R16. */
TALUS_API size_t talus_object_cache_shrink(talus_object_cache *cache);

/* Numbers since the creation, each right for some moment of the call. */
typedef struct talus_object_stats_t {
    size_t constructed; /* objects that came from the heap */
    size_t destructed;  /* that went back to it */
    size_t kept;        /* free ones in the magazines, now */
    size_t keep;        /* the most that they hold */
} talus_object_stats_t;

/* Fills `stats`; constructed - destructed - kept objects are with the program. Context: thread,
 * atomic. Cost: one look at each magazine. R40. */
TALUS_API void talus_object_cache_stats(const talus_object_cache *cache,
                                        talus_object_stats_t     *stats);

/* Ends the cache: its free objects go back, then the cache's own memory. No other call on it may
 * run or follow. Returns false with errno EINVAL while objects are with the program: then the cache
 * lives on, empty. Context: thread, in a kernel atomic. Cost: as talus_object_cache_shrink. R19. */
TALUS_API bool talus_object_cache_destroy(talus_object_cache *cache);

#ifdef __cplusplus
}
#endif

#endif
