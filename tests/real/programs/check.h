/* check.h: for small programs that test the drop-in library from inside a process of their own.
 * A program exits 0 when all checks held; else it names the first that did not, and exits 1. The
 * same source runs preloaded (REAL_PRELOAD), linked to the shared library, and linked to the
 * archive (REAL_STATIC); in each it first shows that talus serves its malloc. */
#ifndef TL_TESTS_REAL_CHECK_H
#define TL_TESTS_REAL_CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CHECK(condition)                                  \
    do {                                                  \
        if (!(condition))                                 \
            check_failed(__FILE__, __LINE__, #condition); \
    } while (0)

static void check_failed(const char *file, int line, const char *condition)
{
    char text[512];
    int  length = snprintf(text, sizeof text, "%s:%d: not so: %s (errno %d, process %d)\n", file,
                           line, condition, errno, (int)getpid());
    if (write(2, text, (size_t)length) != length)
        _exit(2);
    _exit(1);
}

/* The same pointer, of which the compiler knows nothing any more. */
static inline void *opaque(void *pointer)
{
    __asm__ volatile("" : "+r"(pointer) : : "memory");
    return pointer;
}

typedef size_t (*usable_size_function)(const void *);

#ifdef REAL_STATIC
size_t talus_usable_size(const void *block);

static inline usable_size_function talus_usable_size_found(void)
{
    return talus_usable_size;
}
#else
static inline usable_size_function talus_usable_size_found(void)
{
    usable_size_function found;
    *(void **)&found = dlsym(RTLD_DEFAULT, "talus_usable_size");
    return found;
}
#endif

/* Whether `block` is live and talus gave it out. */
static inline bool is_talus_block(const void *block)
{
    usable_size_function usable = talus_usable_size_found();
    return usable != NULL && usable(block) > 0;
}

static inline void check_talus_in_force(void)
{
    CHECK(talus_usable_size_found() != NULL);
    char *block = (char *)opaque(malloc(100));
    CHECK(block != NULL);
    CHECK(is_talus_block(block));
    CHECK(talus_usable_size_found()(block) >= 100);
    free(block);
    char *copy = strdup("made by libc"); /* libc's own calls come here too */
    CHECK(is_talus_block(copy));
    free(copy);
}

/* A small generator, so that each thread has its own sizes. */
static inline uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

#ifdef __cplusplus
}
#endif

#endif
