/* cpu_paths.c: calls of malloc and free, each from a driver of its own, for tools/cpu-paths to
 * count.
 *
 * 1 Method    The tool lets an emulator log every instruction. While a driver_... runs, what is
 *             executed outside of it is what it calls; so drivers call nothing but what is counted,
 *             and what must be prepared is prepared by others. Inlined functions are called in a
 *             function of their own, and so counted with its return.
 * 2 Use       Linked to one of the libraries. Without arguments; prints where `allocate` begins, by
 *             which the tool finds out where a shared library lies. Exit status 1 when memory is
 *             short. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <talus/talus.h>

#ifdef PATHS_INLINE
#include <talus/inline.h>
#endif
#ifdef PATHS_EMBEDDED
#define MALLOC talus_malloc
#define FREE   talus_free
#else
#define MALLOC malloc
#define FREE   free
#endif

#define DRIVER __attribute__((noinline, noclone)) static

enum {
    SMALL_MAX = 1024,
    SMALL = 32,
    MEDIUM = 8192,
    LARGE = 1 << 20,
    WARM_BLOCKS = 16,
    CALLS = 8,
    REMOTE_CALLS = 512
};

typedef void *allocate(size_t size);
typedef void  release(void *block);

/* Read anew for each driver, so that the compiler knows nothing of what is called. */
static allocate *volatile chosen_allocate;
static release *volatile chosen_release;

static void *blocks[REMOTE_CALLS];

/* The empty statement keeps the last call from becoming a jump, and drivers apart that are alike.
 * */
#define END(name) __asm__ volatile("/* " #name " */" ::: "memory")

/* They touch no global: position-independent code of i386 would call to find it. */
#define MALLOC_DRIVER(name, count)                                     \
    DRIVER void driver_##name(allocate *get, size_t size, void **kept) \
    {                                                                  \
        for (int i = 0; i < (count); i++)                              \
            kept[i] = get(size);                                       \
        END(name);                                                     \
    }

#define FREE_DRIVER(name, count)                          \
    DRIVER void driver_##name(release *give, void **kept) \
    {                                                     \
        for (int i = 0; i < (count); i++)                 \
            give(kept[i]);                                \
        END(name);                                        \
    }

MALLOC_DRIVER(malloc, CALLS)
FREE_DRIVER(free, CALLS)
MALLOC_DRIVER(malloc_medium, CALLS)
FREE_DRIVER(free_remote, REMOTE_CALLS)

/* What is not fast: the check must find its atomics and calls. */
MALLOC_DRIVER(large, 1)

#ifdef PATHS_INLINE
MALLOC_DRIVER(inline_malloc, CALLS)
MALLOC_DRIVER(inline_constant, CALLS)
FREE_DRIVER(inline_free, CALLS)

DRIVER void *inlined_malloc(size_t size)
{
    return talus_malloc_inline(size);
}

DRIVER void *inlined_malloc_constant(size_t size)
{
    (void)size;
    return talus_malloc_inline(SMALL);
}

DRIVER void inlined_free(void *block)
{
    talus_free_inline(block);
}
#endif

/* Lists with blocks, and free blocks of the same size beside them. */
static void warm(size_t size)
{
    static void *kept[WARM_BLOCKS];

    for (int i = 0; i < WARM_BLOCKS; i++) {
        kept[i] = chosen_allocate(size);
        if (kept[i] == NULL)
            exit(1);
    }
    for (int i = 0; i < WARM_BLOCKS; i++)
        chosen_release(kept[i]);
}

/* The other thread: its blocks are freed by the first one while it stands still. */
static pthread_barrier_t meeting;

static void *other_thread(void *unused)
{
    (void)unused;
    for (int i = 0; i < REMOTE_CALLS; i++)
        blocks[i] = chosen_allocate(SMALL);
    pthread_barrier_wait(&meeting);
    pthread_barrier_wait(&meeting);
    return NULL;
}

static void remote(void)
{
    pthread_t thread;

    pthread_barrier_init(&meeting, NULL, 2);
    if (pthread_create(&thread, NULL, other_thread, NULL) != 0)
        exit(1);
    pthread_barrier_wait(&meeting);
    driver_free_remote(chosen_release, blocks);
    pthread_barrier_wait(&meeting);
    pthread_join(thread, NULL);
}

int main(void)
{
    chosen_allocate = MALLOC;
    chosen_release = FREE;
    driver_large(chosen_allocate, LARGE, blocks);
    chosen_release(blocks[0]);
    for (size_t size = 1; size <= SMALL_MAX; size = talus_good_size(size) + 1) {
        warm(size);
        driver_malloc(chosen_allocate, size, blocks);
        driver_free(chosen_release, blocks);
    }
    warm(MEDIUM);
    driver_malloc_medium(chosen_allocate, MEDIUM, blocks);
    for (int i = 0; i < CALLS; i++)
        chosen_release(blocks[i]);
#ifdef PATHS_INLINE
    for (size_t size = 1; size <= SMALL_MAX; size = talus_good_size(size) + 1) {
        warm(size);
        driver_inline_malloc(inlined_malloc, size, blocks);
        driver_inline_free(inlined_free, blocks);
    }
    warm(SMALL);
    driver_inline_constant(inlined_malloc_constant, SMALL, blocks);
    driver_inline_free(inlined_free, blocks);
#endif
    remote();
    printf("%#lx\n", (unsigned long)(uintptr_t)chosen_allocate);
    return 0;
}
