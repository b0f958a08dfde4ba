/* talus.h: the default heap of the process, as functions that any C or C++ program may call.
 *
 * Contexts (docs/contexts.md): "thread" may block; "atomic" must not block; "interrupt" is a signal
 * handler or a hardware interrupt. Every function below may be called from any number of threads at
 * once (R30). None may be called from interrupt context (R35): thread-safe does not mean
 * signal-safe.
 *
 * Sizes are in bytes. A returned block is aligned to TALUS_ALIGN_MIN at least (R22). Blocks live
 * until they are freed (R1). "Cost" is that of the usual case; what each call may do beyond it, and
 * what blocks cost in bytes, is in docs/performance.md (R8). Functions that return nothing, or say
 * nothing of errors, cannot fail. */
#ifndef TALUS_TALUS_H
#define TALUS_TALUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TALUS_VERSION_MAJOR 0
#define TALUS_VERSION_MINOR 1
#define TALUS_VERSION_PATCH 0

#if defined(__GNUC__)
#if defined(__clang__)
#define TALUS_API __attribute__((visibility("default")))
#else
#define TALUS_API __attribute__((visibility("default"), externally_visible))
#endif
#define TALUS_ALLOCATES(...) __attribute__((malloc, alloc_size(__VA_ARGS__), warn_unused_result))
#else
#define TALUS_API
#define TALUS_ALLOCATES(...)
#endif

/* Alignment of every block, in bytes: enough for any standard type, max_align_t included. Told by
 * the sizes of the types that ask for most, since the preprocessor cannot ask for alignof; not by
 * what the compiler aligns at most, which flags for vectors raise: library and programs must agree.
 * With TALUS_SMALL (port.h) on 32 bits: 8, not enough for _Float128. */
#if UINTPTR_MAX > 0xffffffffu || \
    (!defined(TALUS_SMALL) && (__SIZEOF_LONG_DOUBLE__ >= 16 || defined(__SIZEOF_FLOAT128__)))
#define TALUS_ALIGN_MIN 16u
#else
#define TALUS_ALIGN_MIN 8u
#endif

/* The largest alignment that the aligned calls accept, in bytes. */
#define TALUS_ALIGN_MAX ((size_t)1 << (sizeof(void *) == 8 ? 30 : 24))

/* Allocates `size` bytes; 0 counts as 1. Contents are undefined.
 * Returns the block, or NULL with errno ENOMEM (limit reached, provider has no more, or size above
 * PTRDIFF_MAX). Context: thread. Cost: 12 instructions up to 1024 bytes when the cache has a block.
 * R1, R2, R24. */
TALUS_API void *talus_malloc(size_t size) TALUS_ALLOCATES(1);

/* Allocates `count` x `size` bytes, all zero. An overflowing product is refused with ENOMEM.
 * Pages that are known to be zero are not written again. Returns the block, or NULL with errno
 * ENOMEM. Context: thread. Cost: talus_malloc's and a memset; above 1024 bytes the slow path.
 * R3. */
TALUS_API void *talus_calloc(size_t count, size_t size) TALUS_ALLOCATES(1, 2);

/* Changes the size of `block` to `size` bytes and keeps the first min(old, new) bytes. It may move:
 * the old block is freed then. NULL counts as talus_malloc(size). Size 0 counts as 1: the block
 * stays allocated, shrunk. Returns the block, or NULL with errno ENOMEM, and then the old block is
 * untouched. Context: thread. Cost: a lookup when it stays; else a malloc, a copy and a free, but
 * large blocks grow or move without copying where they can. R4. */
TALUS_API void *talus_realloc(void *block, size_t size)
    __attribute__((alloc_size(2), warn_unused_result));

/* talus_realloc(block, count * size), refused with ENOMEM when the product overflows. Context:
 * thread. Cost: as talus_realloc. R4. */
TALUS_API void *talus_reallocarray(void *block, size_t count, size_t size)
    __attribute__((alloc_size(2, 3), warn_unused_result));

/* Frees `block`, from whichever heap and thread it came; NULL is ignored. errno is kept.
 * Only the exact pointer that an allocation call returned is right. What the release heap notices
 * of wrong ones, and what not, is in docs/design.md, "Misuse"; what it notices goes to the misuse
 * handler and nothing is freed. Context: thread. Cost: 16 instructions for a block of the caller's
 * own cache. R5, R30. */
TALUS_API void talus_free(void *block);

/* talus_free for a caller who knows the size that was asked for (as C23's free_sized). A size above
 * what the block can hold is noticed: WRONG_SIZE, and nothing is freed. One that is too small is
 * misuse too, and is not noticed. Context: thread. Cost: talus_free's and a comparison: the size
 * helps to find mistakes, not to find the block. R5. */
TALUS_API void talus_free_sized(void *block, size_t size);

/* The same for a block of talus_aligned_alloc(align, size) (as C23's free_aligned_sized); an
 * address that is no multiple of `align` is noticed as well. Context: thread. Cost: talus_free's
 * and two comparisons. R5. */
TALUS_API void talus_free_aligned_sized(void *block, size_t align, size_t size);

/* Allocates `size` bytes at an address that is a multiple of `align` (a power of two up to
 * TALUS_ALIGN_MAX). Returns the block, or NULL with errno EINVAL (alignment) or ENOMEM. Context:
 * thread. Cost: a few instructions more than talus_malloc up to 1024 bytes. R20, R22. */
TALUS_API void *talus_aligned_alloc(size_t align, size_t size) TALUS_ALLOCATES(2);

/* Bytes that the block can hold: at least what was asked for. 0 for NULL and for pointers that are
 * not blocks. Context: thread, atomic. Cost: one lookup. R42. */
TALUS_API size_t talus_usable_size(const void *block);

/* Bytes that an allocation of `size` bytes would be able to hold at least, without making it; 0
 * where it could never succeed. A block above 1 KiB may hold up to a quarter more. Context: thread.
 * Cost: one lookup. R42. */
TALUS_API size_t talus_good_size(size_t size);

/* What the heap noticed the program do wrong. */
typedef enum talus_misuse {
    TALUS_MISUSE_FOREIGN_POINTER,  /* not an address that any heap gave out */
    TALUS_MISUSE_DOUBLE_FREE,      /* the block is free already */
    TALUS_MISUSE_INTERIOR_POINTER, /* inside a block, not its start */
    TALUS_MISUSE_WRONG_HEAP,       /* a block of another heap instance */
    TALUS_MISUSE_WRONG_SIZE,       /* a sized free with a size that this block cannot have */
    TALUS_MISUSE_HEAP_DESTROYED,   /* a heap handle that was destroyed or never created */
    TALUS_MISUSE_CORRUPT,          /* a free block, or the heap's own books, were written to */
} talus_misuse;

/* Called with what was noticed, the pointer in question and a one-line message. It must not
 * allocate. The call that noticed returns without effect once the handler returns. Context: that of
 * the misusing call. */
typedef void (*talus_misuse_handler)(talus_misuse what, const void *pointer, const char *message);

/* Replaces the misuse handler; NULL restores the default, which follows TALUS_OPTIONS misuse=report
 * (a line on standard error, the default), misuse=abort or misuse=ignore. Returns the one before.
 * Context: thread, atomic. Cost: one atomic exchange. R45. */
TALUS_API talus_misuse_handler talus_set_misuse_handler(talus_misuse_handler handler);

/* The library's version as text, "0.1.0". Context: thread, atomic. Cost: none. R50: figures name
 * the version that they belong to. */
TALUS_API const char *talus_version(void);

#ifdef __cplusplus
}
#endif

#endif
