/* api.c: the default heap's public functions, and the slow ways behind the fast paths. See talus.h.
 * */
#include "arch/port.h"
#include "core/fast.h"
#include "core/heap.h"
#include "core/large.h"
#include "core/realloc.h"
#include "core/report.h"

/* Apart, so that a large block's way has no registers to save. */
static TL_NOINLINE void *malloc_of_class(size_t size, struct tl_cache *cache)
{
    void *block = tl_cache_alloc(cache, tl_class_of_size(size), size > TL_BORROW_ABOVE);
    if (TL_KERNEL) /* pinned here: who called grows the heap */
        return block;
    return TL_LIKELY(block != NULL) ? block : tl_heap_alloc_again(cache->heap, size, 0, false);
}

void *tl_malloc_slow(size_t size, struct tl_cache *cache)
{
    /* a kernel's caller is pinned here: without the pin it does what is due first */
    if (TL_KERNEL && TL_UNLIKELY(tl_pool_is_due(&tl_default_heap.pool, TL_DUE_ANY)))
        return NULL;
    if (TL_LIKELY(cache->heap == &tl_default_heap)) {
        tl_cache_piece_begin(cache);
        if (TL_UNLIKELY(size > TL_CLASS_MAX)) {
            struct tl_span *kept = tl_large_take_kept(cache, size);
            if (kept != NULL)
                return (void *)kept->start;
        } else {
            return malloc_of_class(size + (size == 0), cache);
        }
    }
    return TL_KERNEL ? NULL : tl_heap_alloc_slow(&tl_default_heap, size, 0, false);
}

/* The head of the class of `size`, or NULL. */
static TL_ALWAYS_INLINE struct tl_block *pop_medium(struct tl_cache *cache, size_t size)
{
    unsigned         class_id = tl_class_of_medium(size);
    struct tl_block *block = cache->head[class_id];
    if (TL_LIKELY(block != NULL))
        cache->head[class_id] = tl_get(&block->next);
    return block;
}

void *tl_malloc_medium(size_t size, struct tl_cache *cache)
{
    struct tl_block *block;
    if (TL_LIKELY(size <= TL_CLASS_MAX) && TL_LIKELY((block = pop_medium(cache, size)) != NULL))
        return block;
    return tl_malloc_slow(size, cache);
}

TL_NOINLINE void tl_free_slow_exit(struct tl_block *block, struct tl_span *span,
                                   struct tl_cache *cache)
{
    tl_cache_freed_last(cache, span, block);
}

#if TL_KERNEL

static inline unsigned enter_cpu(void)
{
    unsigned cpu = tl_port_pin();
    if (TL_MUTANT_fast_unpinned)
        tl_port_unpin();
    return cpu;
}

static inline void leave_cpu(void)
{
    if (!TL_MUTANT_fast_unpinned)
        tl_port_unpin();
}

/* What needs the pool to grow is done again without a pin. */
void *talus_malloc(size_t size)
{
    unsigned cpu = enter_cpu();
    void    *block = tl_malloc_from(tl_default_heap.cpu[cpu], size);
    leave_cpu();
    if (TL_LIKELY(block != NULL))
        return block;
    return tl_heap_alloc_slow(&tl_default_heap, size, 0, false);
}

void talus_free(void *block)
{
    if (TL_UNLIKELY(block == NULL))
        return;
    struct tl_span *span = tl_page_span((uintptr_t)block);
    unsigned        cpu = enter_cpu();
    tl_free_from(tl_default_heap.cpu[cpu], span, block);
    leave_cpu();
}

#else

void tl_free_ran_out(struct tl_block *block, struct tl_span *span)
{
    tl_free_slow_exit(block, span, tl_self);
}

void tl_free_not_own(void *block, struct tl_span *span)
{
    tl_free_other(block, span, tl_self);
}

void *talus_malloc(size_t size)
{
    return tl_malloc_fast(size);
}

void talus_free(void *block)
{
    tl_free_fast(block);
}

#endif

/* A size or alignment that the block may not have. What is no block at all is for free to tell. */
static TL_COLD void free_suspect(void *block, size_t align, size_t size)
{
    size_t usable = talus_usable_size(block);
    bool   aligned = (align & (align - 1)) != 0 || ((uintptr_t)block & (align - 1)) == 0;
    if (usable == 0 || (size <= usable && (aligned || align == 0)))
        tl_free_fast(block);
    else
        tl_misuse_report(TALUS_MISUSE_WRONG_SIZE, block,
                         "sized free with a size or alignment that the block cannot have");
}

void talus_free_sized(void *block, size_t size)
{
#if TL_KERNEL
    talus_free_aligned_sized(block, 1, size);
#else
    struct tl_span *span = tl_span_at((uintptr_t)block);
    if (TL_UNLIKELY(size > span->block_size))
        free_suspect(block, 1, size);
    else
        tl_free_known(span, block);
#endif
}

void talus_free_aligned_sized(void *block, size_t align, size_t size)
{
#if TL_KERNEL
    free_suspect(block, align, size);
#else
    struct tl_span *span = tl_span_at((uintptr_t)block);
    if (TL_UNLIKELY(size > span->block_size || ((uintptr_t)block & (align - 1)) != 0))
        free_suspect(block, align, size);
    else
        tl_free_known(span, block);
#endif
}

void *talus_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (TL_UNLIKELY(__builtin_mul_overflow(count, size, &bytes)))
        return tl_port_fail(TL_ERROR_MEMORY);
    if (TL_LIKELY(bytes <= TL_SMALL_MAX)) {
        void *block = tl_malloc_fast(bytes);
        return block != NULL ? memset(block, 0, bytes) : NULL;
    }
    return tl_heap_alloc_slow(&tl_default_heap, bytes, 0, true);
}

static void *aligned_slow(size_t align, size_t size)
{
    if (align == 0 || (align & (align - 1)) != 0 || align > TALUS_ALIGN_MAX)
        return tl_port_fail(TL_ERROR_INVALID);
#if !TL_KERNEL
    size_t           rounded = tl_size_aligned(size, align);
    struct tl_block *block;
    if (TL_LIKELY(rounded - TL_SMALL_MAX - 1 < TL_CLASS_MAX - TL_SMALL_MAX &&
                  align <= TL_PAGE_SIZE) &&
        TL_LIKELY((block = pop_medium(tl_self, rounded)) != NULL))
        return block;
#endif
    return tl_heap_alloc_slow(&tl_default_heap, size, align, false);
}

void *talus_aligned_alloc(size_t align, size_t size)
{
    return tl_aligned_fast(align, size, aligned_slow);
}

void *talus_realloc(void *block, size_t size)
{
#if !TL_KERNEL /* a kernel's looks at the block once, in tl_realloc */
    struct tl_span *span = tl_span_at((uintptr_t)block);
    if (TL_LIKELY(tl_span_cut_heap(span) != NULL)) {
        size_t half = span->block_size / 2;
        /* half <= size <= block_size: it stays */
        if (TL_LIKELY(size - half <= span->block_size - half))
            return block;
    }
#endif
    if (block == NULL)
        return tl_malloc_fast(size);
    return tl_realloc(NULL, block, size);
}

void *talus_reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (TL_UNLIKELY(__builtin_mul_overflow(count, size, &bytes)))
        return tl_port_fail(TL_ERROR_MEMORY);
    return talus_realloc(block, bytes);
}

size_t talus_usable_size(const void *block)
{
    const struct tl_span *span = tl_span_at((uintptr_t)block);
    switch (tl_span_kind(span)) {
    case TL_SPAN_CUT:
        return tl_span_holds(span, (uintptr_t)block) ? span->block_size : 0;
    case TL_SPAN_LARGE:
        return span->start == (uintptr_t)block ? tl_span_bytes(span) : 0;
    default:
        return 0;
    }
}

TL_SLOW size_t talus_good_size(size_t size)
{
    if (size > TL_REQUEST_MAX || !tl_init())
        return 0;
    if (size > TL_CLASS_MAX)
        return (size + TL_PAGE_SIZE - 1) & ~(TL_PAGE_SIZE - 1);
    return tl_class_size(tl_class_of_size(size == 0 ? 1 : size));
}

const char *talus_version(void)
{
#define TEXT(x)                      #x
#define VERSION(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)
    return VERSION(TALUS_VERSION_MAJOR, TALUS_VERSION_MINOR, TALUS_VERSION_PATCH);
}
