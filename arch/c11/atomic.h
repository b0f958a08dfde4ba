/* c11/atomic.h: the operations of arch/atomic.h in terms of <stdatomic.h>, for every CPU that has
 * no header of its own. */
#ifndef TL_ARCH_C11_ATOMIC_H
#define TL_ARCH_C11_ATOMIC_H

#include <stdatomic.h>

#include "arch/spurious.h"

#define TL_ARCH_NAME "c11"
#define TL_ATOMIC_INIT(v) \
    {                     \
        (v)               \
    }

typedef struct {
    _Atomic(uintptr_t) value;
} tl_atomic_word;

typedef struct {
    _Atomic(uint32_t) value;
} tl_atomic_u32;

TL_STATIC_ASSERT(ATOMIC_POINTER_LOCK_FREE == 2, "words must be lock-free");
TL_STATIC_ASSERT(ATOMIC_INT_LOCK_FREE == 2, "32 bits must be lock-free");
TL_STATIC_ASSERT(sizeof(tl_atomic_word) == sizeof(uintptr_t), "no hidden lock");
TL_STATIC_ASSERT(sizeof(tl_atomic_u32) == sizeof(uint32_t), "no hidden lock");

/* The types by width, which is empty or 32, for the macros below. */
typedef tl_atomic_word tl_c11_box;
typedef tl_atomic_u32  tl_c11_box32;
typedef uintptr_t      tl_c11_value;
typedef uint32_t       tl_c11_value32;

/* gcc before 14 makes two mistakes in a compare-exchange on RISC-V; the loads, stores, swaps and
 * adds are right.
 * Order: release and acq_rel are not ordered behind what came before (no fence, no .rl), unless
 * success and failure both say seq_cst.
 * 32 bits on 64-bit CPUs: it compares the whole register with what lr.w has sign-extended (gcc's
 * bug 114130). So that register is sign-extended here, where gcc cannot see it, or it would leave
 * it out. */
#if defined(__riscv) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 14
#define TL_C11_CAS_RELEASE        memory_order_seq_cst
#define TL_C11_CAS_RELEASE_FAILED memory_order_seq_cst
#define TL_C11_CAS_ACQ_REL        memory_order_seq_cst
#define TL_C11_CAS_ACQ_REL_FAILED memory_order_seq_cst
static TL_ALWAYS_INLINE uint32_t tl_c11_expected32(uint32_t v)
{
    intptr_t extended = (int32_t)v;
    __asm__("" : "+r"(extended));
    return (uint32_t)extended;
}
#else
#define TL_C11_CAS_RELEASE        memory_order_release
#define TL_C11_CAS_RELEASE_FAILED memory_order_relaxed
#define TL_C11_CAS_ACQ_REL        memory_order_acq_rel
#define TL_C11_CAS_ACQ_REL_FAILED memory_order_acquire
#define tl_c11_expected32(v)      (v)
#endif
#define tl_c11_expected(v) (v)

/* gcc on MIPS lets a failed compare-exchange jump past the sync that orders it. */
#if defined(__mips__) && !defined(__clang__)
#define TL_C11_FAILED(failure) atomic_thread_fence(failure)
#else
#define TL_C11_FAILED(failure) ((void)0)
#endif

#define TL_C11_READ_MODIFY_WRITE(width, order)                                                  \
    static TL_ALWAYS_INLINE tl_c11_value##width tl_swap##width##_##order(tl_c11_box##width  *a, \
                                                                         tl_c11_value##width v) \
    {                                                                                           \
        return atomic_exchange_explicit(&a->value, v, memory_order_##order);                    \
    }                                                                                           \
    static TL_ALWAYS_INLINE tl_c11_value##width tl_add##width##_##order(tl_c11_box##width  *a,  \
                                                                        tl_c11_value##width v)  \
    {                                                                                           \
        return atomic_fetch_add_explicit(&a->value, v, memory_order_##order);                   \
    }

#define TL_C11_CAS(width, name, strength, order, success, failure, fails)                   \
    static TL_ALWAYS_INLINE bool name##width##_##order(                                     \
        tl_c11_box##width *a, tl_c11_value##width *expected, tl_c11_value##width desired)   \
    {                                                                                       \
        tl_c11_value##width found = tl_c11_expected##width(*expected);                      \
        bool                won = false;                                                    \
        if (fails)                                                                          \
            found = atomic_load_explicit(&a->value, failure);                               \
        else                                                                                \
            won = atomic_compare_exchange_##strength##_explicit(&a->value, &found, desired, \
                                                                success, failure);          \
        if (!won)                                                                           \
            TL_C11_FAILED(failure);                                                         \
        *expected = found; /* after a success this is what was expected */                  \
        return won;                                                                         \
    }

#define TL_C11_BOTH_CAS(width, order, success, failure)               \
    TL_C11_CAS(width, tl_cas, strong, order, success, failure, false) \
    TL_C11_CAS(width, tl_cas_weak, weak, order, success, failure, tl_spurious_strikes())

#define TL_C11_LOAD(width, order)                                         \
    static TL_ALWAYS_INLINE tl_c11_value##width tl_load##width##_##order( \
        const tl_c11_box##width *a)                                       \
    {                                                                     \
        return atomic_load_explicit(&a->value, memory_order_##order);     \
    }

#define TL_C11_STORE(width, order)                                                \
    static TL_ALWAYS_INLINE void tl_store##width##_##order(tl_c11_box##width  *a, \
                                                           tl_c11_value##width v) \
    {                                                                             \
        atomic_store_explicit(&a->value, v, memory_order_##order);                \
    }

#define TL_C11_ALL(width)                                                          \
    TL_C11_LOAD(width, relaxed)                                                    \
    TL_C11_LOAD(width, acquire)                                                    \
    TL_C11_STORE(width, relaxed)                                                   \
    TL_C11_STORE(width, release)                                                   \
    TL_C11_READ_MODIFY_WRITE(width, relaxed)                                       \
    TL_C11_READ_MODIFY_WRITE(width, acquire)                                       \
    TL_C11_READ_MODIFY_WRITE(width, release)                                       \
    TL_C11_READ_MODIFY_WRITE(width, acq_rel)                                       \
    TL_C11_BOTH_CAS(width, relaxed, memory_order_relaxed, memory_order_relaxed)    \
    TL_C11_BOTH_CAS(width, acquire, memory_order_acquire, memory_order_acquire)    \
    TL_C11_BOTH_CAS(width, release, TL_C11_CAS_RELEASE, TL_C11_CAS_RELEASE_FAILED) \
    TL_C11_BOTH_CAS(width, acq_rel, TL_C11_CAS_ACQ_REL, TL_C11_CAS_ACQ_REL_FAILED)

TL_C11_ALL()
TL_C11_ALL(32)

#undef TL_C11_ALL
#undef TL_C11_LOAD
#undef TL_C11_STORE
#undef TL_C11_BOTH_CAS
#undef TL_C11_CAS
#undef TL_C11_READ_MODIFY_WRITE

#endif
