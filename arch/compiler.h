/* compiler.h: what the rest of talus may ask of the compiler. Works in C11 and, for the models, in
 * C++.
 *
 * TL_DEBUG (0 or 1) switches TL_ASSERT on; TL_PREEMPT_HOOK makes TL_PREEMPT_POINT call
 * tl_preempt_point(). */
#ifndef TL_ARCH_COMPILER_H
#define TL_ARCH_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef TL_DEBUG
#define TL_DEBUG 0
#endif

/* 1: part of a kernel: caches are per CPU, entered by pinning; there are no processes. 0: a library
 * of a process: caches are per thread. */
#ifndef TL_KERNEL
#define TL_KERNEL 0
#endif

/* 1: for one CPU and regions of a few KiB (R52). A kernel's. */
#ifdef TALUS_SMALL
#define TL_SMALL 1
#else
#define TL_SMALL 0
#endif

#ifdef __cplusplus
#define TL_EXTERN_C                       extern "C"
#define TL_STATIC_ASSERT(condition, text) static_assert(condition, text)
#define TL_NORETURN                       [[noreturn]]
#define TL_ALIGNED(bytes)                 alignas(bytes)
#else
#define TL_EXTERN_C                       extern
#define TL_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#define TL_NORETURN                       _Noreturn
#define TL_ALIGNED(bytes)                 _Alignas(bytes)
#endif

#define TL_LIKELY(x)     __builtin_expect(!!(x), 1)
#define TL_UNLIKELY(x)   __builtin_expect(!!(x), 0)
#define TL_NOINLINE      __attribute__((noinline))
#define TL_ALWAYS_INLINE inline __attribute__((always_inline))
#define TL_COLD          __attribute__((cold, noinline))
/* On no path that is fast or of middling speed. In a kernel, whose text is scarce, such a function
 * is compiled for size. */
#if TL_KERNEL
#define TL_SLOW __attribute__((cold))
#else
#define TL_SLOW
#endif
/* Inlined into each caller in a process; in a kernel one copy. */
#if TL_KERNEL
#define TL_INLINE_HOSTED TL_NOINLINE
#else
#define TL_INLINE_HOSTED TL_ALWAYS_INLINE
#endif
#define TL_HIDDEN __attribute__((visibility("hidden")))
#define TL_UNUSED __attribute__((unused))
/* Defined for others, also in a library that is compiled as a whole (tools/cmake/talus.cmake). */
#ifdef __clang__
#define TL_FOR_OTHERS
#else
#define TL_FOR_OTHERS __attribute__((externally_visible))
#endif

/* Bytes that two CPUs should not write together; where there is one, what anything is aligned to.
 * TL_CACHE_LINE stands before a field and starts a new line with it. */
#define TL_LINE_SIZE  (TL_SMALL ? 8 : 64)
#define TL_CACHE_LINE TL_ALIGNED(TL_LINE_SIZE)

/* Whether this build runs under ThreadSanitizer; such a build sees no inline assembly and no
 * stand-alone fence. */
#if defined(__SANITIZE_THREAD__)
#define TL_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TL_TSAN 1
#endif
#endif
#ifndef TL_TSAN
#define TL_TSAN 0
#endif

/* Writes one line to stderr and aborts. Context: any. */
TL_EXTERN_C TL_NORETURN void tl_assert_failed(const char *file, int line, const char *text);

#if TL_DEBUG
#define TL_ASSERT(x) (TL_LIKELY(x) ? (void)0 : tl_assert_failed(__FILE__, __LINE__, #x))
#else
#define TL_ASSERT(x) ((void)sizeof(!(x))) /* checked by the compiler, never evaluated */
#endif

/* A place where a test may take the CPU away. Release builds hold nothing here. */
#ifdef TL_PREEMPT_HOOK
TL_EXTERN_C void tl_preempt_point(const char *name);
#define TL_PREEMPT_POINT(name) tl_preempt_point(#name)
#else
#define TL_PREEMPT_POINT(name) ((void)0)
#endif

/* Bit counting on size_t; none of them takes 0. */
static TL_ALWAYS_INLINE unsigned tl_clz(size_t x)
{
    return (unsigned)(sizeof(size_t) == sizeof(unsigned) ? __builtin_clz((unsigned)x)
                                                         : __builtin_clzll((unsigned long long)x));
}

static TL_ALWAYS_INLINE unsigned tl_ctz(size_t x)
{
    return (unsigned)(sizeof(size_t) == sizeof(unsigned) ? __builtin_ctz((unsigned)x)
                                                         : __builtin_ctzll((unsigned long long)x));
}

static TL_ALWAYS_INLINE unsigned tl_log2_floor(size_t x)
{
    /* exclusive or, for the difference: x86 counts from this end, and the two cancel out */
    return (unsigned)(8 * sizeof(size_t) - 1) ^ tl_clz(x);
}

/* Exponent of the smallest power of two that is not below x. */
static TL_ALWAYS_INLINE unsigned tl_log2_ceil(size_t x)
{
    return x == 1 ? 0u : tl_log2_floor(x - 1) + 1u;
}

#endif
