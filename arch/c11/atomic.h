/* c11/atomic.h: the operations of arch/atomic.h in terms of <stdatomic.h>, for every CPU that has
 * no header of its own. */
#ifndef TL_ARCH_C11_ATOMIC_H
#define TL_ARCH_C11_ATOMIC_H

#include <stdatomic.h>

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

#define TL_C11_CAS(width, order, order_failed)                                              \
    static TL_ALWAYS_INLINE bool tl_cas##width##_##order(                                   \
        tl_c11_box##width *a, tl_c11_value##width *expected, tl_c11_value##width desired)   \
    {                                                                                       \
        tl_c11_value##width found = *expected;                                              \
        bool                won;                                                            \
        won = atomic_compare_exchange_strong_explicit(                                      \
            &a->value, &found, desired, memory_order_##order, memory_order_##order_failed); \
        *expected = found; /* after a success this is what was expected */                  \
        return won;                                                                         \
    }

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

#define TL_C11_ALL(width)                    \
    TL_C11_LOAD(width, relaxed)              \
    TL_C11_LOAD(width, acquire)              \
    TL_C11_STORE(width, relaxed)             \
    TL_C11_STORE(width, release)             \
    TL_C11_READ_MODIFY_WRITE(width, relaxed) \
    TL_C11_READ_MODIFY_WRITE(width, acquire) \
    TL_C11_READ_MODIFY_WRITE(width, release) \
    TL_C11_READ_MODIFY_WRITE(width, acq_rel) \
    TL_C11_CAS(width, relaxed, relaxed)      \
    TL_C11_CAS(width, acquire, acquire)      \
    TL_C11_CAS(width, release, relaxed)      \
    TL_C11_CAS(width, acq_rel, acquire)

TL_C11_ALL()
TL_C11_ALL(32)

#undef TL_C11_ALL
#undef TL_C11_LOAD
#undef TL_C11_STORE
#undef TL_C11_CAS
#undef TL_C11_READ_MODIFY_WRITE

#endif
