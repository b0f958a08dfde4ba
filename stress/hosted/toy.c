/* toy.c: an allocator that is broken on purpose, so that the oracle can be seen to bark.
 * 1 Lists       Cells of two sizes, each on a list whose pop loads the head and stores the next
 *               one, without a compare-exchange: two threads can take the same cell. All is atomic
 *               and relaxed, so the list itself is no data race; the double hand-out is.
 * 2 The rest    Larger requests, and those behind the last cell, are pages of their own.
 * 3 Libraries   tests/toy_malloc builds shared libraries out of this file, for --target, with other
 *               names (TOY_PREFIX) and faults (TOY_FAULT): right (a lock around the lists: the twin
 *               that must pass), crash (an access to nowhere, some time), exit (it ends the
 *               process), stop (it stops the process), loop (for ever, under the lock), hang (the
 *               same, but only where the first thread frees: no worker runs then), load_hang (for
 *               ever, as it is loaded), load_exit (it ends who loads it). */
#include "stress/hosted/targets.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef TOY_PREFIX
#define TOY_PREFIX toy_
#define TOY_CALLS  toy_calls
#define TOY_API    static /* but for libraries */
#else
#define TOY_API
#endif
#define TOY(name)           TOY_JOIN(TOY_PREFIX, name)
#define TOY_JOIN(a, b)      TOY_JOIN_MORE(a, b)
#define TOY_JOIN_MORE(a, b) a##b
#define TOY_RACE            0
#define TOY_RIGHT           1
#define TOY_CRASH           2
#define TOY_EXIT            3
#define TOY_STOP            4
#define TOY_LOOP            5
#define TOY_HANG            6
#define TOY_LOAD_HANG       7
#define TOY_LOAD_EXIT       8
#ifndef TOY_FAULT
#define TOY_FAULT TOY_RACE
#endif

#define PAGE_BYTES  ((size_t)4096)
#define SMALL_BYTES ((size_t)256)
#define SMALL_CELLS 65536u
#define LARGE_BYTES PAGE_BYTES
#define LARGE_CELLS 8192u
#define YIELD_MASK  0xfffu
#define END_AT_CALL 1000u /* soon, also where a busy machine makes few */
#define YIELDS      16u   /* before who waits sleeps */

struct list {
    const size_t            bytes; /* of a cell */
    const uint32_t          cells;
    unsigned char *const    arena;
    _Atomic uint32_t *const next_of; /* cell number + 1; 0: none; written by who frees it */
    _Atomic uint32_t        head;    /* the same */
    _Atomic uint32_t        unused;  /* cells that nobody had yet: from this number on */
};

static _Alignas(4096) unsigned char small_arena[SMALL_CELLS * SMALL_BYTES];
static _Alignas(4096) unsigned char large_arena[LARGE_CELLS * LARGE_BYTES];
static _Atomic uint32_t small_next[SMALL_CELLS], large_next[LARGE_CELLS];

static struct list lists[] = {
    { SMALL_BYTES, SMALL_CELLS, small_arena, small_next, 0, 0 },
    { LARGE_BYTES, LARGE_CELLS, large_arena, large_next, 0, 0 },
};
#define LISTS (sizeof(lists) / sizeof(lists[0]))

#ifdef TOY_STATIC_TLS_BYTES
/* As jemalloc: thread-local memory for which there is room at the start of a program only. */
static _Thread_local
    __attribute__((tls_model("initial-exec"))) volatile char static_tls[TOY_STATIC_TLS_BYTES];
#endif

static volatile char *volatile nowhere = (volatile char *)64;
static _Atomic uint32_t calls_made;
static _Atomic uint32_t locked;

#if TOY_FAULT == TOY_LOAD_HANG || TOY_FAULT == TOY_LOAD_EXIT
__attribute__((constructor)) static void start(void)
{
    while (TOY_FAULT == TOY_LOAD_HANG)
        pause();
    _exit(0);
}
#endif

/* Sleeps when it waits long: a real-time thread that spins keeps the CPU from who holds the lock.
 * */
static void enter(void)
{
    int saved_errno = errno;

    for (unsigned tries = 0;
         TOY_FAULT != TOY_RACE && atomic_exchange_explicit(&locked, 1, memory_order_acquire) != 0;
         tries++) {
        if (tries < YIELDS)
            sched_yield();
        else
            usleep(1);
    }
    errno = saved_errno;
}

static void leave(void)
{
    if (TOY_FAULT != TOY_RACE)
        atomic_store_explicit(&locked, 0, memory_order_release);
}

static void *pop(struct list *list)
{
    uint32_t cell = atomic_load_explicit(&list->head, memory_order_relaxed);
    uint32_t call = atomic_fetch_add_explicit(&calls_made, 1, memory_order_relaxed);

#ifdef TOY_STATIC_TLS_BYTES
    static_tls[call % TOY_STATIC_TLS_BYTES] = 1;
#endif
    if (cell == 0) {
        cell = atomic_fetch_add_explicit(&list->unused, 1, memory_order_relaxed);
        if (cell < list->cells)
            return list->arena + cell * list->bytes;
        atomic_store_explicit(&list->unused, list->cells, memory_order_relaxed);
        return NULL;
    }
    uint32_t next = atomic_load_explicit(&list->next_of[cell - 1], memory_order_relaxed);
    if ((call & YIELD_MASK) == 0)
        sched_yield();
    if (TOY_FAULT == TOY_CRASH && call > END_AT_CALL)
        *nowhere = 0;
    if (TOY_FAULT == TOY_EXIT && call > END_AT_CALL)
        _exit(0);
    if (TOY_FAULT == TOY_STOP && call > END_AT_CALL)
        raise(SIGSTOP);
    while (TOY_FAULT == TOY_LOOP && call > END_AT_CALL)
        continue;
    atomic_store_explicit(&list->head, next, memory_order_relaxed);
    return list->arena + (cell - 1) * list->bytes;
}

static void push(struct list *list, void *block)
{
    uint32_t cell = (uint32_t)((size_t)((unsigned char *)block - list->arena) / list->bytes);

    while (TOY_FAULT == TOY_HANG && gettid() == getpid() &&
           atomic_load_explicit(&calls_made, memory_order_relaxed) > END_AT_CALL)
        continue;
    atomic_store_explicit(&list->next_of[cell],
                          atomic_load_explicit(&list->head, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(&list->head, cell + 1, memory_order_relaxed);
}

/* NULL: the block is pages of its own. */
static struct list *list_of(const void *block)
{
    for (size_t i = 0; i < LISTS; i++)
        if ((uintptr_t)block - (uintptr_t)lists[i].arena < lists[i].cells * lists[i].bytes)
            return &lists[i];
    return NULL;
}

/* Pages with a page before them, which holds where the mapping begins and its size. */
static void *map_pages(size_t align, size_t size)
{
    size_t         bytes = size + align + 2 * PAGE_BYTES;
    unsigned char *start;

    if (bytes < size)
        return NULL;
    start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    uintptr_t block = ((uintptr_t)start + PAGE_BYTES + align - 1) / align * align;
    size_t   *header = (size_t *)(block - 4 * sizeof(size_t));
    header[0] = (size_t)(block - (uintptr_t)start);
    header[1] = bytes;
    header[2] = size;
    return (void *)block;
}

static const size_t *header_of(const void *block)
{
    return (const size_t *)((uintptr_t)block - 4 * sizeof(size_t));
}

TOY_API void *TOY(malloc)(size_t size);
TOY_API void *TOY(aligned_alloc)(size_t align, size_t size);
TOY_API void *TOY(calloc)(size_t count, size_t size);
TOY_API void *TOY(realloc)(void *block, size_t size);
TOY_API void  TOY(free)(void *block);

TOY_API void *TOY(aligned_alloc)(size_t align, size_t size)
{
    void *block = NULL;

    for (size_t i = 0; i < LISTS && block == NULL; i++)
        if (size <= lists[i].bytes && align <= lists[i].bytes) {
            enter();
            block = pop(&lists[i]);
            leave();
        }
    if (block == NULL)
        block = map_pages(align < PAGE_BYTES ? PAGE_BYTES : align, size);
    if (block == NULL)
        errno = ENOMEM;
    return block;
}

TOY_API void *TOY(malloc)(size_t size)
{
    return TOY(aligned_alloc)(1, size);
}

TOY_API void TOY(free)(void *block)
{
    struct list *list = list_of(block);

    if (block == NULL)
        return;
    if (list == NULL) {
        const size_t *header = header_of(block);
        munmap((unsigned char *)block - header[0], header[1]);
        return;
    }
    enter();
    push(list, block);
    leave();
}

TOY_API void *TOY(calloc)(size_t count, size_t size)
{
    void *block = size != 0 && count > SIZE_MAX / size ? NULL : TOY(malloc)(count * size);

    return block == NULL ? NULL : memset(block, 0, count * size);
}

TOY_API void *TOY(realloc)(void *block, size_t size)
{
    struct list *list = block != NULL ? list_of(block) : NULL;
    size_t       held = list != NULL ? list->bytes : block != NULL ? header_of(block)[2] : 0;

    if (size <= held)
        return block;
    void *larger = TOY(malloc)(size);
    if (larger != NULL && block != NULL) {
        memcpy(larger, block, held);
        TOY(free)(block);
    }
    return larger;
}

#ifdef TOY_CALLS
const struct st_calls TOY_CALLS = {
    .malloc = TOY(malloc),
    .free = TOY(free),
    .calloc = TOY(calloc),
    .realloc = TOY(realloc),
    .aligned_alloc = TOY(aligned_alloc),
};
#endif
