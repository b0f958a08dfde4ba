/* layout.h: what the inlined fast paths (inline.h) know of the inside of the heap.
 *
 * 1 Purpose   A program that includes inline.h and the core compile the same functions; here is
 *             what both must agree on. The names with tl_ and TL_ are the heap's own: a program
 *             uses the functions of inline.h.
 * 2 Two sides The core (TL_LAYOUT_OF_CORE) brings its full structures and its atomic operations; a
 *             program gets the beginnings of the structures, and the compiler's operations.
 *             Assertions in inline.h, compiled on both sides, hold both to one layout.
 * 3 Mismatch  The name of the one variable that every fast path reads ends in the version, the
 *             layout's number and the page size. A program compiled against another header than
 *             its library was does not link, and neither does one that is linked to the shared
 *             library, which hides that name. */
#ifndef TALUS_LAYOUT_H
#define TALUS_LAYOUT_H

#include <talus/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raise it with every change here or in inline.h that a program already compiled would miss. */
#define TL_LAYOUT 2

/* The end of the name: "_0_1_0_layout_1_page_14". */
#define TL_LAYOUT_TEXT_OF(x) #x
#define TL_LAYOUT_TEXT(x)    TL_LAYOUT_TEXT_OF(x)
#define TL_LAYOUT_MINOR      "_" TL_LAYOUT_TEXT(TALUS_VERSION_MINOR)
#define TL_LAYOUT_PATCH      "_" TL_LAYOUT_TEXT(TALUS_VERSION_PATCH)
#define TL_LAYOUT_VERSION    "_" TL_LAYOUT_TEXT(TALUS_VERSION_MAJOR) TL_LAYOUT_MINOR TL_LAYOUT_PATCH
#define TL_LAYOUT_NUMBER     "_layout_" TL_LAYOUT_TEXT(TL_LAYOUT)
#define TL_LAYOUT_PAGE       "_page_" TL_LAYOUT_TEXT(TALUS_PAGE_SHIFT)
#define TL_LAYOUT_END        TL_LAYOUT_VERSION TL_LAYOUT_NUMBER TL_LAYOUT_PAGE
#define TL_LAYOUT_NAME(name) __asm__(TL_LAYOUT_TEXT(__USER_LABEL_PREFIX__) name TL_LAYOUT_END)

#define TL_LAYOUT_INLINE static inline __attribute__((always_inline))
#define TL_LAYOUT_HIDDEN __attribute__((visibility("hidden")))
/* Also where the library is compiled as a whole. */
#if defined(__clang__)
#define TL_LAYOUT_HIDDEN_DATA TL_LAYOUT_HIDDEN
#else
#define TL_LAYOUT_HIDDEN_DATA __attribute__((visibility("hidden"), externally_visible))
#endif

/* Code for an executable finds the thread's pointer at a constant distance. */
#if !defined(__PIC__) || defined(__PIE__)
#define TL_LAYOUT_THREAD __attribute__((tls_model("local-exec")))
#else
#define TL_LAYOUT_THREAD
#endif

/* Size classes: eight to each doubling, so that at most 1/9 of a block above 8 grains is padding.
 * In small memory two: each class in use holds free blocks. */
#define TL_GRAIN       ((size_t)TALUS_ALIGN_MIN)
#define TL_GRAIN_SHIFT (TALUS_ALIGN_MIN == 16 ? 4 : 3)
#ifdef TALUS_SMALL
#define TL_CLASS_STEPS_SHIFT 1
#define TL_CLASS_MAX_SHIFT   8
#else
#define TL_CLASS_STEPS_SHIFT 3
#define TL_CLASS_MAX_SHIFT   16
#endif
#define TL_CLASS_STEPS (1u << TL_CLASS_STEPS_SHIFT)
/* the largest class; above it a block has its own run */
#define TL_CLASS_MAX ((size_t)1 << TL_CLASS_MAX_SHIFT)
#define TL_CLASS_COUNT_OF(grain_shift) \
    (TL_CLASS_STEPS + TL_CLASS_STEPS * (TL_CLASS_MAX_SHIFT - (grain_shift)-TL_CLASS_STEPS_SHIFT))
#define TL_CLASS_COUNT TL_CLASS_COUNT_OF(TL_GRAIN_SHIFT)
/* the bound on any CPU, for array sizes */
#define TL_CLASS_COUNT_MAX TL_CLASS_COUNT_OF(3)
/* bytes; classes up to here come from a table, but in small memory, which has none to spare */
#ifdef TALUS_SMALL
#define TL_SMALL_MAX TL_CLASS_MAX
#else
#define TL_SMALL_MAX ((size_t)1024)
#endif

/* The class for `size` bytes, 8 * TL_GRAIN < size <= TL_CLASS_MAX; seven instructions. The shifted
 * number's top bit is an 8, which stands for the eight classes before the first doubling; or, in
 * small memory, a 2 for the two. */
TL_LAYOUT_INLINE unsigned tl_class_of_medium(size_t size)
{
    unsigned long last = size - 1; /* the last byte's offset, so that exact sizes do not round up */
    /* exclusive or, for the difference: x86 counts from this end, and the two cancel out */
    unsigned log = (unsigned)(8 * sizeof last - 1) ^ (unsigned)__builtin_clzl(last);
    return (log - TL_GRAIN_SHIFT - TL_CLASS_STEPS_SHIFT) * TL_CLASS_STEPS +
           (unsigned)(last >> (log - TL_CLASS_STEPS_SHIFT));
}

/* The class for `size` bytes, 1 <= size <= TL_CLASS_MAX; no instruction when it is a constant. */
TL_LAYOUT_INLINE unsigned tl_class_of_size(size_t size)
{
    if (size <= TL_CLASS_STEPS * TL_GRAIN)
        return (unsigned)((size - 1) >> TL_GRAIN_SHIFT);
    return tl_class_of_medium(size);
}

#ifndef TL_LAYOUT_OF_CORE

typedef struct {
    uintptr_t value;
} tl_atomic_word;

typedef struct {
    uint32_t value;
} tl_atomic_u32;

TL_LAYOUT_INLINE uint32_t tl_load32_relaxed(const tl_atomic_u32 *a)
{
    return __atomic_load_n(&a->value, __ATOMIC_RELAXED);
}

TL_LAYOUT_INLINE bool tl_equals_relaxed(const tl_atomic_word *a, uintptr_t v)
{
    return __atomic_load_n(&a->value, __ATOMIC_RELAXED) == v;
}

/* The core, compiled apart, reads the same memory as its full structures, and so does the program
 * as whatever it keeps in its blocks. */
#define TL_LAYOUT_BEGINNING __attribute__((may_alias))

struct TL_LAYOUT_BEGINNING tl_block {
    struct tl_block *next;
};

struct TL_LAYOUT_BEGINNING tl_cache {
    struct tl_block *head[TL_CLASS_COUNT_MAX];
};

struct TL_LAYOUT_BEGINNING tl_span {
    tl_atomic_word owner;
    char           first_line[64 - sizeof(uintptr_t)];
    struct {
        struct tl_block *local;
        uint32_t         until_slow;
    } own;
};

#else

struct tl_block;
struct tl_cache;
struct tl_span;

#endif

/* The thread's cache of the default heap, or a stand-in (core/thread.h). */
extern TL_LAYOUT_HIDDEN TL_LAYOUT_THREAD __thread struct tl_cache *tl_self
    TL_LAYOUT_NAME("tl_self");

/* Class of each size up to TL_SMALL_MAX (core/sizeclass.h). Zeroes before the first cache exists.
 * */
#ifdef TALUS_SMALL
TL_LAYOUT_INLINE unsigned tl_class_of_small(size_t size)
{
    return tl_class_of_size(size + (size == 0));
}
#else
extern TL_LAYOUT_HIDDEN uint8_t tl_small_class[TL_SMALL_MAX + 1];

TL_LAYOUT_INLINE unsigned tl_class_of_small(size_t size)
{
    return tl_small_class[size];
}
#endif

/* The page map (core/pagemap.h). Constant after tl_page_map_init; before it, every address has the
 * index -1 and the zero descriptor. */
extern TL_LAYOUT_HIDDEN_DATA uintptr_t tl_page_fold;
extern TL_LAYOUT_HIDDEN_DATA char     *tl_page_base;

TL_LAYOUT_INLINE tl_atomic_u32 *tl_page_entry(uintptr_t address)
{
    intptr_t index = (intptr_t)((address >> TALUS_PAGE_SHIFT) | tl_page_fold);
    return (tl_atomic_u32 *)(void *)tl_page_base + index;
}

/* The descriptor of the run that `address` lies in; the zero descriptor when it is not ours, or not
 * the first page of a large or the last of a free run. Never NULL. Context: any. */
TL_LAYOUT_INLINE struct tl_span *tl_page_span(uintptr_t address)
{
    int32_t offset = (int32_t)tl_load32_relaxed(tl_page_entry(address));
    return (struct tl_span *)(void *)(tl_page_base + (intptr_t)offset * 8);
}

/* What the fast paths are not (core/api.c); `cache` is what tl_self says. malloc when the list is
 * empty or the size is not small; NULL with errno ENOMEM. */
TL_LAYOUT_HIDDEN void *tl_malloc_medium(size_t size, struct tl_cache *cache);
TL_LAYOUT_HIDDEN void *tl_malloc_slow(size_t size, struct tl_cache *cache);

/* free when the span's count ran out with the push of `block`. */
TL_LAYOUT_HIDDEN void tl_free_slow_exit(struct tl_block *block, struct tl_span *span,
                                        struct tl_cache *cache);

/* The two ways out of a free in a program. They find the cache themselves: there it is needed for
 * one comparison, which takes it from memory. */
TL_LAYOUT_HIDDEN void tl_free_ran_out(struct tl_block *block, struct tl_span *span);
TL_LAYOUT_HIDDEN void tl_free_not_own(void *block, struct tl_span *span);

#ifdef __cplusplus
}
#endif

#endif
