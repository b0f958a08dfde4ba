/* c11/atomic.h: the operations of arch/atomic.h in terms of <stdatomic.h>, for every CPU that has no header of its own. */
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

/* `width` is empty or 32. */
#define TL_C11_READ_MODIFY_WRITE(width, box, word, order)                     \
    static TL_ALWAYS_INLINE word tl_swap##width##_##order(box *a, word v)     \
    {                                                                         \
        return atomic_exchange_explicit(&a->value, v, memory_order_##order);  \
    }                                                                         \
    static TL_ALWAYS_INLINE word tl_add##width##_##order(box *a, word v)      \
    {                                                                         \
        return atomic_fetch_add_explicit(&a->value, v, memory_order_##order); \
    }

#define TL_C11_CAS(width, box, word, order, order_failed)                                      \
    static TL_ALWAYS_INLINE bool tl_cas##width##_##order(box *a, word *expected, word desired) \
    {                                                                                          \
        return atomic_compare_exchange_strong_explicit(                                        \
            &a->value, expected, desired, memory_order_##order, memory_order_##order_failed);  \
    }

#define TL_C11_LOAD(width, box, word, order)                            \
    static TL_ALWAYS_INLINE word tl_load##width##_##order(const box *a) \
    {                                                                   \
        return atomic_load_explicit(&a->value, memory_order_##order);   \
    }

#define TL_C11_STORE(width, box, word, order)                              \
    static TL_ALWAYS_INLINE void tl_store##width##_##order(box *a, word v) \
    {                                                                      \
        atomic_store_explicit(&a->value, v, memory_order_##order);         \
    }

#define TL_C11_ALL(width, box, word)                    \
    TL_C11_LOAD(width, box, word, relaxed)              \
    TL_C11_LOAD(width, box, word, acquire)              \
    TL_C11_STORE(width, box, word, relaxed)             \
    TL_C11_STORE(width, box, word, release)             \
    TL_C11_READ_MODIFY_WRITE(width, box, word, relaxed) \
    TL_C11_READ_MODIFY_WRITE(width, box, word, acquire) \
    TL_C11_READ_MODIFY_WRITE(width, box, word, release) \
    TL_C11_READ_MODIFY_WRITE(width, box, word, acq_rel) \
    TL_C11_CAS(width, box, word, relaxed, relaxed)      \
    TL_C11_CAS(width, box, word, acquire, acquire)      \
    TL_C11_CAS(width, box, word, release, relaxed)      \
    TL_C11_CAS(width, box, word, acq_rel, acquire)

TL_C11_ALL(, tl_atomic_word, uintptr_t)
TL_C11_ALL(32, tl_atomic_u32, uint32_t)

#undef TL_C11_ALL
#undef TL_C11_LOAD
#undef TL_C11_STORE
#undef TL_C11_CAS
#undef TL_C11_READ_MODIFY_WRITE

#endif
