/* x86/atomic.h: the operations of arch/atomic.h for x86-64.
 *
 * Loads and stores are the compiler's: any aligned mov is acquire or release here, and the compiler
 * may then still fold them into other instructions. Read-modify-write is assembly: every locked
 * instruction is a full barrier for the CPU, so the orders differ only in what the compiler may
 * move across: a relaxed one names its operand alone, the others clobber memory.
 * The compare-exchange hands its answer over in the zero flag, so that a branch on it needs no
 * further instruction. */
#ifndef TL_ARCH_X86_ATOMIC_H
#define TL_ARCH_X86_ATOMIC_H

#define TL_ARCH_NAME "x86"
#define TL_ATOMIC_INIT(v) \
    {                     \
        (v)               \
    }

typedef struct {
    uintptr_t value;
} tl_atomic_word;

typedef struct {
    uint32_t value;
} tl_atomic_u32;

/* The types by width, which is empty or 32, for the macros below. */
typedef tl_atomic_word tl_x86_box;
typedef tl_atomic_u32  tl_x86_box32;
typedef uintptr_t      tl_x86_value;
typedef uint32_t       tl_x86_value32;

#define TL_X86_LOAD(width, order, builtin_order)                          \
    static TL_ALWAYS_INLINE tl_x86_value##width tl_load##width##_##order( \
        const tl_x86_box##width *a)                                       \
    {                                                                     \
        return __atomic_load_n(&a->value, builtin_order);                 \
    }

#define TL_X86_STORE(width, order, builtin_order)                                 \
    static TL_ALWAYS_INLINE void tl_store##width##_##order(tl_x86_box##width  *a, \
                                                           tl_x86_value##width v) \
    {                                                                             \
        __atomic_store_n(&a->value, v, builtin_order);                            \
    }

/* `suffix` is the instruction's operand size; what follows it is the clobber list. */
#define TL_X86_READ_MODIFY_WRITE(width, order, suffix, ...)                                     \
    static TL_ALWAYS_INLINE tl_x86_value##width tl_swap##width##_##order(tl_x86_box##width  *a, \
                                                                         tl_x86_value##width v) \
    {                                                                                           \
        __asm__ volatile("xchg" suffix " %[v], %[m]"                                            \
                         : [v] "+r"(v), [m] "+m"(a->value)                                      \
                         :                                                                      \
                         : __VA_ARGS__);                                                        \
        return v;                                                                               \
    }                                                                                           \
    static TL_ALWAYS_INLINE tl_x86_value##width tl_add##width##_##order(tl_x86_box##width  *a,  \
                                                                        tl_x86_value##width v)  \
    {                                                                                           \
        __asm__ volatile("lock xadd" suffix " %[v], %[m]"                                       \
                         : [v] "+r"(v), [m] "+m"(a->value)                                      \
                         :                                                                      \
                         : __VA_ARGS__);                                                        \
        return v;                                                                               \
    }                                                                                           \
    static TL_ALWAYS_INLINE bool tl_cas##width##_##order(                                       \
        tl_x86_box##width *a, tl_x86_value##width *expected, tl_x86_value##width desired)       \
    {                                                                                           \
        tl_x86_value##width found = *expected;                                                  \
        bool                won;                                                                \
        __asm__ volatile("lock cmpxchg" suffix " %[desired], %[m]"                              \
                         : "=@ccz"(won), [m] "+m"(a->value), "+a"(found)                        \
                         : [desired] "r"(desired)                                               \
                         : __VA_ARGS__);                                                        \
        *expected = found; /* after a success this is what was expected */                      \
        return won;                                                                             \
    }

#define TL_X86_ALL(width, suffix)                                    \
    TL_X86_LOAD(width, relaxed, __ATOMIC_RELAXED)                    \
    TL_X86_LOAD(width, acquire, __ATOMIC_ACQUIRE)                    \
    TL_X86_STORE(width, relaxed, __ATOMIC_RELAXED)                   \
    TL_X86_STORE(width, release, __ATOMIC_RELEASE)                   \
    TL_X86_READ_MODIFY_WRITE(width, relaxed, suffix, "cc")           \
    TL_X86_READ_MODIFY_WRITE(width, acquire, suffix, "cc", "memory") \
    TL_X86_READ_MODIFY_WRITE(width, release, suffix, "cc", "memory") \
    TL_X86_READ_MODIFY_WRITE(width, acq_rel, suffix, "cc", "memory")

/* One instruction where the compiler, which never folds an atomic load into a compare, makes two:
 * free compares owners. */
#define TL_HAVE_EQUALS 1
static TL_ALWAYS_INLINE bool tl_equals_relaxed(const tl_atomic_word *a, uintptr_t v)
{
    bool equal;
    __asm__ volatile("cmpq %[v], %[m]" : "=@ccz"(equal) : [m] "m"(a->value), [v] "r"(v));
    return equal;
}

TL_X86_ALL(, "q")
TL_X86_ALL(32, "l")

#undef TL_X86_ALL
#undef TL_X86_LOAD
#undef TL_X86_STORE
#undef TL_X86_READ_MODIFY_WRITE

#endif
