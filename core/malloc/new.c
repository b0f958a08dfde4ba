/* new.c: C++'s operator new and operator delete, defined from C by their mangled names.
 * 1 Purpose     libstdc++'s forms call malloc and free: right, but two calls where one does. These
 *               are the fast path.
 * 2 Failure     As the standard asks: call the new-handler and try again, until there is none; then
 *               throw std::bad_alloc. libstdc++ throws it for us, through this C code, which is
 *               compiled with -fexceptions.
 * 3 Nothrow     `new (std::nothrow)` is not here. A new-handler may throw, and the nothrow forms
 *               must catch that, which C cannot. The forms of libstdc++ and libc++ do, and take
 *               their memory from the plain forms, so from here.
 * 4 Binding     In the shared library the references into the C++ library are weak, for programs
 *               without one: they never come here. In the archive they are strong, or a static link
 *               would not take them out of libstdc++.a; this object is linked only where the
 *               program refers to one of its names.
 * 5 Contexts    thread */
#include <stdint.h>
#include <stdlib.h>

#include "arch/compiler.h"
#include "arch/port.h"
#include "core/fast.h"
#include "core/malloc/internal.h"
#include "talus/talus.h"

/* size_t in a mangled name: unsigned long, or unsigned int where pointers have 32 bits. */
#if UINTPTR_MAX > 0xffffffffu
#define SIZE "m"
#else
#define SIZE "j"
#endif
#define ALIGN   "St11align_val_t"
#define NOTHROW "RKSt9nothrow_t"

/* The C++ function behind the C name that follows. */
#define CXX(mangled)                 __asm__(mangled) __attribute__((visibility("default")))
#define CXX_SAME_AS(mangled, target) CXX(mangled) __attribute__((alias(target)))

#ifdef TL_MALLOC_STATIC
#define FROM_CXX_LIBRARY
#else
#define FROM_CXX_LIBRARY __attribute__((weak))
#endif

typedef void (*new_handler)(void);

/* std::get_new_handler() and std::__throw_bad_alloc() */
new_handler    cxx_get_new_handler(void) __asm__("_ZSt15get_new_handlerv") FROM_CXX_LIBRARY;
_Noreturn void cxx_throw_bad_alloc(void) __asm__("_ZSt17__throw_bad_allocv") FROM_CXX_LIBRARY;

static _Noreturn void throw_bad_alloc(void)
{
#ifndef TL_MALLOC_STATIC
    if (cxx_throw_bad_alloc == NULL) {
        static const char text[] = "talus: operator new is out of memory, and no C++ library is "
                                   "loaded to throw std::bad_alloc\n";
        tl_port_write_error(text, sizeof text - 1);
        tl_port_abort();
    }
#endif
    cxx_throw_bad_alloc();
}

static new_handler current_handler(void)
{
#ifndef TL_MALLOC_STATIC
    if (cxx_get_new_handler == NULL)
        return NULL;
#endif
    return cxx_get_new_handler();
}

/* The first try failed: whoever set a new-handler may free something, throw, or end the program. */
static TL_NOINLINE TL_COLD void *new_after_failure(size_t size, size_t align)
{
    for (;;) {
        new_handler handler = current_handler();
        if (handler == NULL)
            throw_bad_alloc();
        handler();
        void *block = tl_memalign(align, size);
        if (block != NULL)
            return block;
    }
}

void *cxx_new(size_t size) CXX("_Znw" SIZE);
void *cxx_new_array(size_t size) CXX_SAME_AS("_Zna" SIZE, "_Znw" SIZE);
void *cxx_new_aligned(size_t size, size_t align) CXX("_Znw" SIZE ALIGN);
void *cxx_new_array_aligned(size_t size, size_t align)
    CXX_SAME_AS("_Zna" SIZE ALIGN, "_Znw" SIZE ALIGN);

void *cxx_new(size_t size)
{
    void *block = tl_malloc_fast(size);
    if (TL_LIKELY(block != NULL))
        return block;
    return new_after_failure(size, 0);
}

/* An alignment that is no power of two can never succeed, so no handler is asked. */
void *cxx_new_aligned(size_t size, size_t align)
{
    if (align == 0 || (align & (align - 1)) != 0)
        throw_bad_alloc();
    void *block = tl_memalign(align, size);
    if (TL_LIKELY(block != NULL))
        return block;
    return new_after_failure(size, align);
}

/* The size that delete is told is that of the static type: without a virtual destructor it may be a
 * base's, and programs that do so work on every other heap. So it is not checked. */
void cxx_delete(void *block) CXX("_ZdlPv");
void cxx_delete_sized(void *block, size_t size) CXX("_ZdlPv" SIZE);
void cxx_delete_nothrow(void *block, const void *nothrow) CXX("_ZdlPv" NOTHROW);
void cxx_delete_aligned(void *block, size_t align) CXX("_ZdlPv" ALIGN);
void cxx_delete_sized_aligned(void *block, size_t size, size_t align) CXX("_ZdlPv" SIZE ALIGN);
void cxx_delete_aligned_nothrow(void *block, size_t align, const void *nothrow)
    CXX("_ZdlPv" ALIGN NOTHROW);

void cxx_delete_array(void *block) CXX_SAME_AS("_ZdaPv", "_ZdlPv");
void cxx_delete_array_sized(void *block, size_t size) CXX_SAME_AS("_ZdaPv" SIZE, "_ZdlPv" SIZE);
void cxx_delete_array_nothrow(void *block, const void *nothrow)
    CXX_SAME_AS("_ZdaPv" NOTHROW, "_ZdlPv" NOTHROW);
void cxx_delete_array_aligned(void *block, size_t align)
    CXX_SAME_AS("_ZdaPv" ALIGN, "_ZdlPv" ALIGN);
void cxx_delete_array_sized_aligned(void *block, size_t size, size_t align)
    CXX_SAME_AS("_ZdaPv" SIZE ALIGN, "_ZdlPv" SIZE ALIGN);
void cxx_delete_array_aligned_nothrow(void *block, size_t align, const void *nothrow)
    CXX_SAME_AS("_ZdaPv" ALIGN NOTHROW, "_ZdlPv" ALIGN NOTHROW);

void cxx_delete(void *block)
{
    tl_free_fast(block);
}

void cxx_delete_sized(void *block, size_t size)
{
    (void)size;
    tl_free_fast(block);
}

void cxx_delete_nothrow(void *block, const void *nothrow)
{
    (void)nothrow;
    tl_free_fast(block);
}

void cxx_delete_aligned(void *block, size_t align)
{
    (void)align;
    tl_free_fast(block);
}

void cxx_delete_sized_aligned(void *block, size_t size, size_t align)
{
    (void)size;
    (void)align;
    tl_free_fast(block);
}

void cxx_delete_aligned_nothrow(void *block, size_t align, const void *nothrow)
{
    (void)align;
    (void)nothrow;
    tl_free_fast(block);
}
