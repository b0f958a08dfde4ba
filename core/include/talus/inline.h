/* inline.h: malloc and free of the default heap, compiled into the caller: for programs that link
 * libtalus.a or libtalus-malloc.a.
 *
 * 1 Purpose   A call, a return and the way to the thread's cache cost about as much as the rest.
 *             Where the size is a constant, so is its class.
 * 2 One text  tl_malloc_fast and tl_free_fast are the fast paths of the libraries, too: core/fast.h
 *             puts the core's structures before them. Annotated machine code: docs/performance.md.
 * 3 Linking   Only to a library of the same version, and not to the shared one (layout.h). Code
 *             that becomes part of a shared object works, a few instructions longer.
 * 4 Contexts  As talus_malloc and talus_free, with which they mix in any way. */
#ifndef TALUS_INLINE_H
#define TALUS_INLINE_H

#include <talus/layout.h>

#ifdef __cplusplus
extern "C" {
#define TL_LAYOUT_ASSERT(condition) static_assert(condition, "changed: raise TL_LAYOUT (layout.h)")
#else
#define TL_LAYOUT_ASSERT(condition) _Static_assert(condition, "changed: raise TL_LAYOUT (layout.h)")
#endif

#define TALUS_INLINE TL_LAYOUT_INLINE

#ifndef TALUS_SMALL /* which no program inlines */
TL_LAYOUT_ASSERT(TL_CLASS_COUNT_MAX == 88 && TL_SMALL_MAX == 1024);
TL_LAYOUT_ASSERT(offsetof(struct tl_block, next) == 0);
#if !defined(TL_KERNEL) || !TL_KERNEL
TL_LAYOUT_ASSERT(offsetof(struct tl_cache, head) == 0);
#endif
TL_LAYOUT_ASSERT(offsetof(struct tl_span, owner) == 0);
TL_LAYOUT_ASSERT(offsetof(struct tl_span, own.local) == 64);
TL_LAYOUT_ASSERT(offsetof(struct tl_span, own.until_slow) == 64 + sizeof(void *));
#endif

#ifndef TL_LAYOUT_OF_CORE

#define TL_LAYOUT_POINT(name) ((void)0)

TL_LAYOUT_INLINE bool tl_span_is_own(const struct tl_span *span, const struct tl_cache *cache)
{
    return tl_equals_relaxed(&span->owner, (uintptr_t)cache);
}

TL_LAYOUT_INLINE void tl_free_last(struct tl_block *block, struct tl_span *span,
                                   struct tl_cache *cache)
{
    (void)cache;
    tl_free_ran_out(block, span);
}

TL_LAYOUT_INLINE void tl_free_elsewhere(void *block, struct tl_span *span, struct tl_cache *cache)
{
    (void)cache;
    tl_free_not_own(block, span);
}

#endif

/* malloc, up to TL_SMALL_MAX: the thread's cache, the class, the list's head: pop. */
TL_LAYOUT_INLINE void *tl_malloc_from(struct tl_cache *cache, size_t size)
{
    unsigned class_id;
    if (__builtin_constant_p(size) && size - 1 < TL_CLASS_MAX)
        class_id = tl_class_of_size(size);
    else if (__builtin_expect(size <= TL_SMALL_MAX, 1))
        class_id = tl_class_of_small(size);
    else
        return tl_malloc_medium(size, cache);
    struct tl_block *block = cache->head[class_id];
    if (__builtin_expect(block == NULL, 0))
        return tl_malloc_slow(size, cache);
    TL_LAYOUT_POINT(malloc_pop);
    cache->head[class_id] = block->next;
    return block;
}

/* The second half of free: owner compare, push, count. `cache` is the thread's, `span` what the
 * page map has for `block`. */
TL_LAYOUT_INLINE void tl_free_from(struct tl_cache *cache, struct tl_span *span, void *block)
{
    if (__builtin_expect(!tl_span_is_own(span, cache), 0)) {
        tl_free_elsewhere(block, span, cache);
        return;
    }
    struct tl_block *freed = (struct tl_block *)block;
    freed->next = span->own.local;
    TL_LAYOUT_POINT(free_push);
    span->own.local = freed;
    if (__builtin_expect(--span->own.until_slow == 0, 0))
        tl_free_last(freed, span, cache);
}

#if !defined(TL_KERNEL) || !TL_KERNEL

TL_LAYOUT_INLINE void *tl_malloc_fast(size_t size)
{
    return tl_malloc_from(tl_self, size);
}

TL_LAYOUT_INLINE void tl_free_fast(void *block)
{
    struct tl_cache *cache = tl_self;
    tl_free_from(cache, tl_page_span((uintptr_t)block), block);
}

/* talus_malloc, inlined. Context: thread. Cost: 10 instructions up to 1024 bytes when the cache has
 * a block, in a program at a fixed address 9; 6 for a constant size up to 64 KiB. R2, R24. */
TALUS_INLINE void *talus_malloc_inline(size_t size)
    __attribute__((alloc_size(1), warn_unused_result));

/* talus_free, inlined. Context: thread. Cost: 14 instructions for a block of the caller's own
 * cache. R5, R24. */
TALUS_INLINE void talus_free_inline(void *block);

TL_LAYOUT_INLINE void *talus_malloc_inline(size_t size)
{
    return tl_malloc_fast(size);
}

TL_LAYOUT_INLINE void talus_free_inline(void *block)
{
    tl_free_fast(block);
}

#endif

#ifdef __cplusplus
}
#endif

#endif
