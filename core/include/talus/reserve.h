/* reserve.h: memory for interrupt handlers and signal handlers (R31 to R35).
 *
 * A handler may have interrupted the heap itself, so it may neither take a lock nor touch what a
 * thread is in the midst of changing. A reserve is a number of blocks of one size, allocated ahead
 * by a thread. Handlers take them and put them back with atomic operations alone: no lock, no
 * system call, no change of errno, nothing that the interrupted code could hold. Whatever they hold
 * that is not the reserve's goes back by talus_free_from_interrupt.
 *
 * Context "any" below: thread, atomic, interrupt, NMI; hosted: threads and signal handlers, nested
 * ones included; any number of them at once. Counts and marks are in blocks, sizes in bytes. */
#ifndef TALUS_RESERVE_H
#define TALUS_RESERVE_H

#include <talus/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct talus_reserve talus_reserve;

/* The most blocks of one reserve. */
#define TALUS_RESERVE_COUNT_MAX ((size_t)65536)

/* What an unexpected shortage comes to. Zero-initialise, set what matters. */
typedef struct talus_reserve_policy {
    const char *name; /* for messages; kept by pointer. Default "reserve" */
    /* false: a take from an empty reserve returns NULL. true: it writes a line with the name on
     * standard error and ends the process; in a kernel: the port's panic */
    bool  panic;
    void *notify_context; /* handed to `notify` */
} talus_reserve_policy;

/* Called when a take leaves fewer than `low_mark` blocks, or finds none: once, and again only after
 * the next refill. It runs in the context of that take, so it may do no more than a handler may:
 * set a flag, post a semaphore, write to a pipe, so that a thread calls talus_reserve_refill soon.
 * It may take and put, too. Without one the next slow exit of any thread in the heap refills. */
typedef void (*talus_reserve_notify)(void *context, talus_reserve *reserve);

/* Creates a reserve of `count` blocks of `size` bytes (0 counts as 1) aligned to `align` (as in
 * talus_heap_alloc), allocated from `heap`, and fills it. `low_mark`: with fewer blocks left a
 * refill is asked for; 0: once a take found none. `policy` is copied; NULL: all defaults. `notify`
 * may be NULL. The reserve ends with its heap at the latest. Returns NULL with errno EINVAL (no
 * heap, count 0 or above TALUS_RESERVE_COUNT_MAX, low_mark above count, alignment) or ENOMEM.
 * Context: thread. Cost: `count` allocations and one lock. R33. */
TALUS_API talus_reserve *talus_reserve_create(talus_heap *heap, size_t size, size_t align,
                                              size_t count, size_t low_mark,
                                              const talus_reserve_policy *policy,
                                              talus_reserve_notify        notify);

/* Takes a block; its contents are undefined. The caller puts it back, or frees it: in a handler by
 * talus_free_from_interrupt, in a thread by any free. Returns NULL, or panics, by the policy when
 * it found every slot empty. errno is kept. Context: any. Cost: one look at each slot until a full
 * one is found, one atomic exchange and one atomic addition; two more operations while below the
 * mark. No retry: what another one takes first is passed over. R31, R32, R33, R34. */
TALUS_API void *talus_reserve_take(talus_reserve *reserve);

/* Puts a block back; NULL is ignored. Any block of the reserve's heap will do that is as large and
 * as aligned; others are misuse, reported, and stay with the caller. Finding no empty slot it frees
 * the block as talus_free_from_interrupt does. A block that is put twice is not noticed. errno is
 * kept. Context: any. Cost: as talus_reserve_take: one look at each slot until an empty one is
 * found, one atomic compare-exchange, two additions. R31, R32, R33. */
TALUS_API void talus_reserve_put(talus_reserve *reserve, void *block);

/* Fills every slot; handlers may take again before it returns. Returns false with errno ENOMEM when
 * the heap had no more, and then as many as it had are filled; with EINVAL for a reserve that is
 * not alive. Context: thread. Cost: an allocation for each empty slot. R34. */
TALUS_API bool talus_reserve_refill(talus_reserve *reserve);

/* Fills until `n` blocks are there at least: ahead of an interrupt that is expected. Returns false
 * with errno ENOMEM when the heap had no more, EINVAL when `n` is above the reserve's count, or it
 * is not alive. Context: thread. Cost: none when they are there, else an allocation for each that
 * is not. R34. */
TALUS_API bool talus_reserve_prepare(talus_reserve *reserve, size_t n);

/* Numbers since the creation, each right for some moment of the call. */
typedef struct talus_reserve_stats_t {
    size_t available; /* blocks there now */
    size_t takes;     /* that got a block */
    size_t puts;      /* that brought one, kept or passed on to the heap */
    size_t misses;    /* takes that found every slot empty */
    size_t refills;   /* times that one block or more was brought by a refill */
    /* fewest blocks that a take left; with puts or refills at work at that moment up to one too few
     * for each of them */
    size_t low_water;
    /* most blocks that were wanted between two refills: as large a reserve would have sufficed */
    size_t deepest;
} talus_reserve_stats_t;

/* Fills `stats`; with zeroes when the reserve is not alive. Context: any. Cost: a few loads, and
 * one for each slot. R34. */
TALUS_API void talus_reserve_stats(const talus_reserve *reserve, talus_reserve_stats_t *stats);

/* Frees the blocks that are there, and the reserve. Blocks that were taken stay valid. No other
 * call on the reserve may run or follow, so the handlers that use it must be gone. Returns false
 * with errno EINVAL for a reserve that is not alive. Context: thread. Cost: a free for each block,
 * one lock. R33. */
TALUS_API bool talus_reserve_destroy(talus_reserve *reserve);

/* Frees `block`, of whatever heap, size and thread, from any context; NULL is ignored. The block
 * goes to the owner of its span, or, where there is none (large blocks), to the heap, which takes
 * it in at the next slow exit of a thread. Misuse is found by one lookup and told to the misuse
 * handler at once, which must then be fit for this context; the default one is. errno is kept.
 * Context: any. Cost: a lookup and one atomic compare-exchange, tried again once for each other
 * push or drain that got in between; for a large block one more. R5, R31, R32, R33. */
TALUS_API void talus_free_from_interrupt(void *block);

#ifdef __cplusplus
}
#endif

#endif
