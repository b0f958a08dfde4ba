/* malloc.c: the C names of the drop-in library, preloaded or linked in front of libc.
 * 1 Purpose     Programs that know nothing of talus call malloc and free; these names are the fast
 *               path itself, not a call to it (core/fast.h is inlined here).
 * 2 Behaviour   What the C standard and POSIX leave open is decided as glibc 2.36 decides it, since
 *               programs were tested on that: realloc(p, 0) frees p and returns NULL; malloc(0) is
 *               a block of its own; memalign and aligned_alloc take any alignment, rounded up to a
 *               power of two, and any size.
 * 3 One file    A static program takes whole objects out of libtalus-malloc.a. Every name that
 *               libc.a itself calls (malloc, calloc, realloc, free, and what is defined beside them
 *               in its malloc.o) must come with the first of them, or libc's malloc.o would be
 *               linked too, and the linker would find each name twice.
 * 4 Locks       none of their own
 * 5 Contexts    thread; never interrupt: no name of malloc's family is safe in a signal handler */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include "arch/compiler.h"
#include "arch/port.h"
#include "core/fast.h"
#include "core/malloc/internal.h"
#include "talus/talus.h"

/* Names that no header, or not every libc's, declares. */
TALUS_API void  cfree(void *block);
TALUS_API void  free_sized(void *block, size_t size);
TALUS_API void  free_aligned_sized(void *block, size_t align, size_t size);
TALUS_API void *pvalloc(size_t size);

TALUS_API void *malloc(size_t size)
{
    return tl_malloc_fast(size);
}

TALUS_API void free(void *block)
{
    tl_free_fast(block);
}

TALUS_API void *calloc(size_t count, size_t size)
{
    return talus_calloc(count, size);
}

/* Size 0 frees the block, as in glibc: talus_realloc would keep it. */
TALUS_API void *realloc(void *block, size_t size)
{
    if (TL_UNLIKELY(size == 0) && block != NULL) {
        tl_free_fast(block);
        return NULL;
    }
    return talus_realloc(block, size);
}

TALUS_API void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(block, bytes);
}

TALUS_API void cfree(void *block)
{
    tl_free_fast(block);
}

TALUS_API void free_sized(void *block, size_t size)
{
    talus_free_sized(block, size);
}

TALUS_API void free_aligned_sized(void *block, size_t align, size_t size)
{
    talus_free_aligned_sized(block, align, size);
}

void *tl_memalign(size_t align, size_t size)
{
    if (align <= TALUS_ALIGN_MIN)
        return tl_malloc_fast(size);
    if (align > SIZE_MAX / 2 + 1) {
        errno = EINVAL;
        return NULL;
    }
    size_t rounded = align;
    if ((align & (align - 1)) != 0) {
        rounded = 2 * TALUS_ALIGN_MIN;
        while (rounded < align)
            rounded <<= 1;
    }
    if (rounded >
        TALUS_ALIGN_MAX) { /* a right alignment for POSIX, one that no heap here can give */
        errno = ENOMEM;
        return NULL;
    }
    return talus_aligned_alloc(rounded, size);
}

TALUS_API void *memalign(size_t align, size_t size)
{
    return tl_aligned_fast(align, size, tl_memalign);
}

TALUS_API void *aligned_alloc(size_t align, size_t size)
{
    return tl_aligned_fast(align, size, tl_memalign);
}

/* Returns the error and keeps errno; *block is written on success only. */
TALUS_API int posix_memalign(void **block, size_t align, size_t size)
{
    if (align < sizeof(void *) || (align & (align - 1)) != 0)
        return EINVAL;
    int   kept = errno;
    void *got = tl_memalign(align, size);
    errno = kept;
    if (got == NULL)
        return ENOMEM;
    *block = got;
    return 0;
}

TALUS_API void *valloc(size_t size)
{
    return tl_memalign(tl_port_page_size(), size);
}

TALUS_API void *pvalloc(size_t size)
{
    size_t page = tl_port_page_size();
    if (size > SIZE_MAX - (page - 1)) {
        errno = ENOMEM;
        return NULL;
    }
    return tl_memalign(page, (size + page - 1) & ~(page - 1));
}

TALUS_API size_t malloc_usable_size(void *block)
{
    return talus_usable_size(block);
}

#if defined(__GLIBC__)
/* Names that glibc exports for itself and that some programs call. They must lead to this heap too:
 * a block from one family is freed by the other. */
#if __has_attribute(copy) /* gcc: the libc header's promises hold for both names */
#define SAME_AS(name) __attribute__((visibility("default"), alias(#name), copy(name)))
#else
#define SAME_AS(name) __attribute__((visibility("default"), alias(#name)))
#endif

void *__libc_malloc(size_t size) SAME_AS(malloc);
void  __libc_free(void *block) SAME_AS(free);
void *__libc_calloc(size_t count, size_t size) SAME_AS(calloc);
void *__libc_realloc(void *block, size_t size) SAME_AS(realloc);
void *__libc_reallocarray(void *block, size_t count, size_t size) SAME_AS(reallocarray);
void *__libc_memalign(size_t align, size_t size) SAME_AS(memalign);
void *__libc_valloc(size_t size) SAME_AS(valloc);
void *__libc_pvalloc(size_t size) SAME_AS(pvalloc);
int   __posix_memalign(void **block, size_t align, size_t size) SAME_AS(posix_memalign);
#endif
