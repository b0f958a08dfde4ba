/* realloc.c: a block stays where it is when its class still suits, or when the pages behind it are
 * free; its pages move when the provider can move them, but in a kernel; else it is copied. See
 * realloc.h. */
#include "core/realloc.h"
#include "arch/port.h"
#include "core/large.h"
#include "core/pagemap.h"
#include "core/remote.h"
#include "core/report.h"

/* A smaller block is worth a copy only when it frees at least half of the old one; below a grain
 * there is none smaller. */
static bool stays(size_t usable, size_t size)
{
    return size <= usable && (size >= usable / 2 || usable == TL_GRAIN);
}

static void *misuse(talus_misuse what, const void *block, const char *message)
{
    tl_misuse_report(what, block, message);
    return tl_port_fail(TL_ERROR_INVALID);
}

static void *copy(struct tl_heap *heap, void *block, size_t usable, size_t size)
{
    void *fresh = NULL;
    if (!TL_KERNEL && size > usable && size > TL_CLASS_MAX)
        fresh = tl_large_alloc_to_grow(heap, size);
    if (fresh == NULL)
        fresh = heap == &tl_default_heap ? talus_malloc(size)
                                         : tl_heap_alloc_slow(heap, size, 0, false);
    if (fresh == NULL) /* a smaller size never fails: the block can stay */
        return size <= usable ? block : NULL;
    if (TL_MUTANT_realloc_freed_first)
        talus_free(block);
    memcpy(fresh, block, usable < size ? usable : size);
    if (!TL_MUTANT_realloc_freed_first)
        talus_free(block);
    return fresh;
}

void *tl_realloc(struct tl_heap *heap, void *block, size_t size)
{
    struct tl_span   *span = tl_span_at((uintptr_t)block);
    enum tl_span_kind kind = tl_span_kind(span);
    size_t            usable = span->block_size;
    bool              large = kind == TL_SPAN_LARGE && span->start == (uintptr_t)block;
    if (kind != TL_SPAN_CUT && !large)
        return misuse(tl_misuse_of(block), block, "realloc of a pointer that is no block");
    if (heap != NULL && tl_span_heap(span) != heap)
        return misuse(TALUS_MISUSE_WRONG_HEAP, block, "realloc of a block of another heap");
    if (size > TL_REQUEST_MAX)
        return tl_port_fail(TL_ERROR_MEMORY);
    if (large) {
        usable = tl_span_bytes(span);
        if (size > TL_CLASS_MAX && tl_large_resize(span, size))
            return block;
    }
    size += size == 0;
    if (stays(usable, size))
        return block;
    if (!TL_KERNEL && large && size > usable) { /* a kernel's provider moves nothing */
        void *moved = tl_large_move(span, size);
        if (moved != NULL)
            return moved;
    }
    return copy(tl_span_heap(span), block, usable, size);
}
