/* new.c: C++'s operator new and operator delete, defined from C by their mangled names.
 * 1 Purpose     libstdc++'s forms call malloc and free: right, but two calls where one does. These
 *               are the fast path.
 * 2 Failure     As the standard asks: call the new-handler and try again, until there is none; then
 *               throw std::bad_alloc. libstdc++ throws it for us, through this C code, which is
 *               compiled with -fexceptions.
 * 3 Nothrow     `new (std::nothrow)` is not here. A new-handler may throw, and the nothrow forms
 *               must catch that, which C cannot. The forms of libstdc++ and libc++ do, and take
 *               their memory from the plain forms, so from here.
 * 4 Binding     The shared library looks up what it needs of the C++ library when memory is out:
 *               the latter may have come later, by dlopen, and be visible to the caller alone.
 *               In the archive the references are strong, or a static link would not take them out
 *               of libstdc++.a; this object is linked only where the program refers to one of its
 *               names.
 * 5 Contexts    thread */
#include <stdint.h>
#include <stdlib.h>

#include "arch/compiler.h"
#include "arch/port.h"
#include "core/fast.h"
#include "core/malloc/internal.h"
#include "core/report.h"
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

#define GET_NEW_HANDLER "_ZSt15get_new_handlerv"   /* std::get_new_handler() */
#define THROW_BAD_ALLOC "_ZSt17__throw_bad_allocv" /* std::__throw_bad_alloc() */

typedef void (*new_handler)(void);

/* What operator new asks of the C++ library. */
struct cxx_library {
    new_handler (*get_new_handler)(void);
    void (*throw_bad_alloc)(void);
};

#ifdef TL_MALLOC_STATIC

new_handler cxx_get_new_handler(void) __asm__(GET_NEW_HANDLER);
void        cxx_throw_bad_alloc(void) __asm__(THROW_BAD_ALLOC);

static struct cxx_library cxx_library_of(void *caller)
{
    (void)caller;
    return (struct cxx_library){ cxx_get_new_handler, cxx_throw_bad_alloc };
}

#else

static struct cxx_library cxx_library_of(void *caller)
{
    struct cxx_library library;
    *(void **)&library.get_new_handler = tl_port_symbol(caller, GET_NEW_HANDLER);
    *(void **)&library.throw_bad_alloc = tl_port_symbol(caller, THROW_BAD_ALLOC);
    return library;
}

#endif

static _Noreturn void throw_bad_alloc(const struct cxx_library *library)
{
    if (library->throw_bad_alloc != NULL)
        library->throw_bad_alloc();
    tl_report_panic(
        "operator new is out of memory, and no C++ library is there to throw bad_alloc");
    __builtin_unreachable();
}

/* The first try failed: whoever set a new-handler may free something, throw, or end the program. */
static TL_NOINLINE TL_COLD void *new_after_failure(size_t size, size_t align, void *caller)
{
    struct cxx_library library = cxx_library_of(caller);
    for (;;) {
        new_handler handler = library.get_new_handler != NULL ? library.get_new_handler() : NULL;
        if (handler == NULL)
            throw_bad_alloc(&library);
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
    return new_after_failure(size, 0, __builtin_return_address(0));
}

/* An alignment that is no power of two can never succeed, so no handler is asked. */
void *cxx_new_aligned(size_t size, size_t align)
{
    if (TL_UNLIKELY(align == 0 || (align & (align - 1)) != 0)) {
        struct cxx_library library = cxx_library_of(__builtin_return_address(0));
        throw_bad_alloc(&library);
    }
    void *block = tl_memalign(align, size);
    if (TL_LIKELY(block != NULL))
        return block;
    return new_after_failure(size, align, __builtin_return_address(0));
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
