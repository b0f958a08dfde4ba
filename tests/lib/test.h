/* test.h: what every test of talus includes: cmocka in the order it needs, and a few helpers.
 *
 * Values that the compiler must not see through (a size that can never be had, a pointer that is
 * not a block) go through opaque_size and opaque_pointer: otherwise it warns about, or optimises,
 * what the test does on purpose. */
#ifndef TALUS_TESTS_TEST_H
#define TALUS_TESTS_TEST_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define TEST_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define TEST_SANITIZED 1
#endif
#ifndef TEST_SANITIZED
#define TEST_SANITIZED 0
#endif

#ifdef TALUS_EMULATOR
#define TEST_EMULATED 1
#else
#define TEST_EMULATED 0
#endif

/* Repetitions of a loop: fewer where a sanitizer or an emulator makes each one ten times dearer. */
#define TEST_ROUNDS_PER (TEST_SANITIZED ? 10 : TEST_EMULATED ? 4 : 1)
#define TEST_ROUNDS(n)  (((n) + TEST_ROUNDS_PER - 1) / TEST_ROUNDS_PER)

#define KIB ((size_t)1024)
#define MIB ((size_t)1024 * 1024)

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static inline size_t opaque_size(size_t n)
{
    volatile size_t hidden = n;
    return hidden;
}

static inline void *opaque_pointer(const void *p)
{
    const void *volatile hidden = p;
    return (void *)(uintptr_t)hidden;
}

static inline bool is_aligned(const void *p, size_t align)
{
    return ((uintptr_t)p & (align - 1)) == 0;
}

static inline bool is_zero(const void *p, size_t bytes)
{
    const unsigned char *at = p;
    return bytes == 0 || (at[0] == 0 && memcmp(at, at + 1, bytes - 1) == 0);
}

#endif
