/* heaps.h: the model behind the target `heaps`: up to four heaps, and what each must have given
 * out.
 *
 * 1 Heaps     Slot 0 is the default heap, which is always there; the others come and go. Each has a
 *             faulty provider (fail/faulty_provider.h) over the system's pages.
 * 2 Blocks    All blocks of all heaps are in one reference (lib/reference.h): no two may overlap,
 *             whichever heaps they are of. The reference's `owner` of a block is its heap's slot,
 *             plus SLOTS times the number of its object cache, from 1, if it is an object.
 * 3 Actors    A call is made by one of three threads, while the others wait: blocks become
 *             foreign, caches are left and adopted, in an order that the input alone decides.
 * 4 Refusals  A request may fail only where the limit, the provider or the size are a reason, with
 *             ENOMEM.
 * 5 Books     What a heap says of itself is what its provider and its owner gave it. */
#ifndef TALUS_TESTS_FUZZ_HEAPS_H
#define TALUS_TESTS_FUZZ_HEAPS_H

#include <talus/heap.h>
#include <talus/object.h>
#include <talus/reserve.h>

#include "fail/faulty_provider.h"
#include "fuzz/fuzz.h"
#include "lib/reference.h"

#define SLOTS          4u /* heaps, the default one included */
#define RESERVES       2u /* of each heap */
#define OBJECT_CACHES  2u /* of each heap */
#define REGIONS        4u /* what heaps can be expanded by */
#define REGION_PAGES   24u
#define LIVE_BYTES_MAX ((size_t)8 * 1024 * 1024)

struct model_reserve {
    talus_reserve *reserve; /* NULL: none */
    size_t         size, align, count;
};

struct model_cache {
    talus_object_cache *cache; /* NULL: none */
    size_t              size;
    size_t              constructed, destructed;
    size_t              taken;           /* objects with the program */
    unsigned            construct_fails; /* 0: never; else the n-th time from now */
};

struct model_heap {
    talus_heap            *heap; /* NULL: none */
    bool                   is_default;
    struct faulty_provider faulty; /* none where is_default */
    talus_fixed_region     fixed;  /* what the provider is over, where `start` is set */
    size_t                 limit;
    size_t                 limit_least;  /* bytes from the provider that no limit takes back */
    size_t                 given;        /* bytes of regions */
    size_t                 given_before; /* the same, before the call */
    bool                   shrinks_in_map;
    bool                   frees_when_exhausted;
    bool                   uses_heap_when_removed;
    bool                   keeps_regions; /* no on_removed */
    struct model_reserve   reserves[RESERVES];
    struct model_cache     caches[OBJECT_CACHES];
};

struct model_region {
    unsigned char *start;
    size_t         bytes;
    unsigned       slot;   /* whose it is; 0: nobody's, the default heap gets none */
    bool           drains; /* no page of it may be given out that is not */
};

struct model {
    struct fuzz_bytes   input;
    unsigned            actor;  /* who makes the next call */
    bool                leaves; /* and the thread that made the last one ends */
    struct reference    reference;
    const void         *resized; /* the block that a call works on; NULL: none */
    struct model_heap   heaps[SLOTS];
    struct model_region regions[REGIONS];
};

extern struct model model;

static inline unsigned heaps_slot_of(const struct reference_block *block)
{
    return block->owner % SLOTS;
}

static inline bool heaps_is_object(const struct reference_block *block)
{
    return block->owner >= SLOTS;
}

/* heaps.c: one call by the actor. */
void heaps_call(void *nothing);

/* heaps_life.c: heaps that come and go, their limits, regions, providers, books. */
void heaps_open(void);
void heaps_close(void);
void heaps_create(void);
void heaps_destroy(unsigned slot);
void heaps_expand(void);
void heaps_contract(void);
void heaps_shrink(void);
void heaps_drain(void);
void heaps_trim(void);
void heaps_set_limit(void);
void heaps_fail(void);
void heaps_check_grown(const unsigned char *from, const unsigned char *to);
void heaps_check_books(unsigned slot);
void heaps_check_limits(void);

/* heaps_blocks.c: blocks. */
void heaps_alloc(void);
void heaps_calloc(void);
void heaps_realloc(void);
void heaps_free(void);
void heaps_fill(void);
void heaps_thin(void);
void heaps_impossible(void);

/* A size and an alignment from the input. */
size_t heaps_size(void);
size_t heaps_align(void);

/* A heap from the input that is there. */
unsigned heaps_slot(void);

/* So many bytes more are more than an input may have. */
bool heaps_is_too_much(size_t bytes);

/* A call by `slot` returned NULL, with the failures of its provider counted before it. */
uint64_t heaps_failures(unsigned slot);
void     heaps_check_refusal(unsigned slot, size_t size, uint64_t failures_before);

/* A block came from `owner`. */
void heaps_add(unsigned owner, void *block, size_t size, size_t align, bool zeroed);

/* Frees block number `index` by a call that `how` chooses. */
void heaps_release(size_t index, unsigned how);

/* heaps_stores.c: reserves and object caches. */
void heaps_reserve_create(void);
void heaps_reserve_take(void);
void heaps_reserve_put(void);
void heaps_reserve_refill(void);
void heaps_reserve_destroy(void);
void heaps_cache_create(void);
void heaps_cache_alloc(void);
void heaps_cache_free(void);
void heaps_cache_shrink(void);
void heaps_cache_destroy(void);
void heaps_stores_close(unsigned slot);

/* actors.c: runs `body` in actor number `actor`, and waits for it. Actor 0 is the caller. */
#define ACTORS 3u
void actors_run(unsigned actor, void (*body)(void *context), void *context);

bool actors_is_alive(unsigned actor);

/* Ends the thread behind the actor; the next run starts another one. */
void actors_end(unsigned actor);

#endif
