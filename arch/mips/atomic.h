/* mips/atomic.h: the operations of arch/atomic.h for MIPS releases 2 to 6, 32 and 64 bits (o32,
 * n32, n64), both byte orders.
 *
 * 1 One macro    Every read-modify-write is TL_MIPS_LL_SC: LL, what makes the new value of the old
 *                one, SC, and back to the LL if the SC failed. Words of 64 bits use LLD and SCD.
 *                Loads and stores are the compiler's, which sets `sync` as below.
 * 2 Order        As `sync`, to be seen in the disassembly: release before the LL, acquire after the
 *                SC, relaxed none. LL and SC themselves order nothing. It is the full sync (stype
 *                0): acquire needs no more than 0x11 and release than 0x12, but a CPU before
 *                release 6 need not know them (then they act as 0), and no machine here can show
 *                that the weaker one is enough, or what it saves. A failed exchange acquires too:
 *                its branch leads in front of the sync.
 * 3 In between   No memory access and no instruction that may trap: registers alone, three
 *                instructions at most. The manual (MD00086, SC) lets an SC fail after a load, a
 *                store or a prefetch, or if the sequence leaves 2048 bytes.
 * 4 Progress     So an SC fails for two reasons. Somebody else stored to the line: with an SC of
 *                his, then he has made progress, and a loop that fails without end means others
 *                that succeed without end (lock-free); a failing SC stores nothing, so that no two
 *                can keep each other from it. Or an exception came: the LL has touched the page
 *                just before, and the next interrupt is thousands of times farther off than the
 *                loop is long, so the second turn passes. Plain stores to the same line count like
 *                exchanges: what strangers write often lies on lines of its own (TL_CACHE_LINE).
 * 5 32 bits      LL sign-extends, and ADDU and SC need operands that are sign-extended, on n64 for
 *                uint32_t too. Each 32-bit operand goes in as a sign-extended register.
 * 6 ABA          Nothing here or above rests on an SC that fails because the word changed and
 *                changed back: QEMU's compares values, and then it succeeds.
 * 7 Not here     CPUs that need more than the architecture asks for. Debian's assembler for mipsel
 *                and mips64el sets a sync before every LL, which Loongson 3 needs; it can be told
 *                not to: -Wa,-mno-fix-loongson3-llsc. MIPS16 code has no LL. */
#ifndef TL_ARCH_MIPS_ATOMIC_H
#define TL_ARCH_MIPS_ATOMIC_H

#include "arch/spurious.h"

#define TL_ARCH_NAME "mips"
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

/* By width, which is empty or 32: the types, the instructions, and an operand as a register holds
 * it. */
typedef tl_atomic_word tl_mips_box;
typedef tl_atomic_u32  tl_mips_box32;
typedef uintptr_t      tl_mips_value;
typedef uint32_t       tl_mips_value32;

#define TL_MIPS_REGISTER(v)   (v)
#define TL_MIPS_REGISTER32(v) ((intptr_t)(int32_t)(v))
#define TL_MIPS_LL32          "ll"
#define TL_MIPS_SC32          "sc"
#define TL_MIPS_ADD32         "addu"
#if __SIZEOF_POINTER__ == 8
#define TL_MIPS_LL  "lld"
#define TL_MIPS_SC  "scd"
#define TL_MIPS_ADD "daddu"
#else
#define TL_MIPS_LL  TL_MIPS_LL32
#define TL_MIPS_SC  TL_MIPS_SC32
#define TL_MIPS_ADD TL_MIPS_ADD32
#endif

/* By order: what stands before the LL and after the SC, and what the compiler may not move
 * across. */
#define TL_MIPS_SYNC            "sync\n\t"
#define TL_MIPS_BEFORE_relaxed  ""
#define TL_MIPS_BEFORE_acquire  ""
#define TL_MIPS_BEFORE_release  TL_MIPS_SYNC
#define TL_MIPS_BEFORE_acq_rel  TL_MIPS_SYNC
#define TL_MIPS_AFTER_relaxed   ""
#define TL_MIPS_AFTER_release   ""
#define TL_MIPS_AFTER_acq_rel   TL_MIPS_SYNC
#define TL_MIPS_CLOBBER_relaxed /* nothing */
#define TL_MIPS_CLOBBER_acquire "memory"
#define TL_MIPS_CLOBBER_release "memory"
#define TL_MIPS_CLOBBER_acq_rel "memory"
#if TL_MUTANT_mips_sync_dropped
#define TL_MIPS_AFTER_acquire ""
#else
#define TL_MIPS_AFTER_acquire TL_MIPS_SYNC
#endif

/* Back to the LL, or on after one attempt. Release 6 has branches without a delay slot, but they
 * forbid that a branch follows, which this header cannot know. */
#if TL_MUTANT_mips_no_retry
#define TL_MIPS_RETRY ""
#else
#define TL_MIPS_RETRY "beqz %[next], 1b\n\tnop\n\t"
#endif
#define TL_MIPS_ONCE ""

#if TL_MUTANT_mips_store_inside
#define TL_MIPS_INSIDE "sw %[next], -4($sp)\n\t"
#else
#define TL_MIPS_INSIDE ""
#endif

/* The SC. With TL_SPURIOUS it is passed over [due] times, as if it had failed. */
#if TL_SPURIOUS
#define TL_MIPS_STORE(sc)             \
    "blez %[due], 3f\n\t"             \
    "addiu %[due], %[due], -1\n\t"    \
    "b 4f\n\t"                        \
    "move %[next], $0\n"              \
    "3:\t" sc " %[next], %[memory]\n" \
    "4:\t"
#define TL_MIPS_DUE_OPERAND [due] "+r"(due),
#else
#define TL_MIPS_STORE(sc)   sc " %[next], %[memory]\n\t"
#define TL_MIPS_DUE_OPERAND /* nothing */
#endif

#define TL_MIPS_IN(width, name, value) [name] "Jr"(TL_MIPS_REGISTER##width(value))

/* LL gives `old`; `make` makes `next` of it, or goes to 2; SC stores `next`, which then says
 * whether it did: 1 or 0. With TL_SPURIOUS up to `due_max` attempts fail. The rest are the operands
 * of `make`. */
#define TL_MIPS_LL_SC(width, order, make, retry, due_max, ...)                              \
    int       due = tl_spurious_due(due_max);                                               \
    const int drawn = due;                                                                  \
    __asm__ volatile(                                                                       \
        ".set push\n\t.set noreorder\n\t.set nomacro\n\t" TL_MIPS_BEFORE_##order            \
        "\n1:\t" TL_MIPS_LL##width                                                          \
        " %[old], %[memory]\n\t" make TL_MIPS_INSIDE TL_MIPS_STORE(TL_MIPS_SC##width) retry \
        "\n2:\t" TL_MIPS_AFTER_##order ".set pop"                                           \
        : TL_MIPS_DUE_OPERAND[old] "=&r"(old), [next] "=&r"(next), [memory] "+ZC"(a->value) \
        : __VA_ARGS__                                                                       \
        : TL_MIPS_CLOBBER_##order);                                                         \
    tl_spurious_count(drawn, due)

/* Swap and add: they return the old value. */
#define TL_MIPS_UPDATE(width, name, order, make)                                               \
    static TL_ALWAYS_INLINE tl_mips_value##width name##width##_##order(tl_mips_box##width  *a, \
                                                                       tl_mips_value##width v) \
    {                                                                                          \
        tl_mips_value##width old;                                                              \
        tl_mips_value##width next;                                                             \
        TL_MIPS_LL_SC(width, order, make, TL_MIPS_RETRY, 3, TL_MIPS_IN(width, v, v));          \
        return old;                                                                            \
    }

/* The answer for "differs" is in the branch's delay slot; both ways lead to the sync. */
#define TL_MIPS_CAS(width, name, order, retry, due_max)                                     \
    static TL_ALWAYS_INLINE bool name##width##_##order(                                     \
        tl_mips_box##width *a, tl_mips_value##width *expected, tl_mips_value##width wanted) \
    {                                                                                       \
        tl_mips_value##width old;                                                           \
        tl_mips_value##width next;                                                          \
        TL_MIPS_LL_SC(width, order,                                                         \
                      "bne %[old], %z[expected], 2f\n\t"                                    \
                      "move %[next], $0\n\t"                                                \
                      "move %[next], %z[wanted]\n\t",                                       \
                      retry, due_max, TL_MIPS_IN(width, expected, *expected),               \
                      TL_MIPS_IN(width, wanted, wanted));                                   \
        *expected = old; /* after a success this is what was expected */                    \
        return next != 0;                                                                   \
    }

#define TL_MIPS_LOAD(width, order, builtin_order)                          \
    static TL_ALWAYS_INLINE tl_mips_value##width tl_load##width##_##order( \
        const tl_mips_box##width *a)                                       \
    {                                                                      \
        return __atomic_load_n(&a->value, builtin_order);                  \
    }

#define TL_MIPS_STORE_TO(width, order, builtin_order)                              \
    static TL_ALWAYS_INLINE void tl_store##width##_##order(tl_mips_box##width  *a, \
                                                           tl_mips_value##width v) \
    {                                                                              \
        __atomic_store_n(&a->value, v, builtin_order);                             \
    }

#define TL_MIPS_ORDER(width, order)                                                        \
    TL_MIPS_UPDATE(width, tl_swap, order, "move %[next], %z[v]\n\t")                       \
    TL_MIPS_UPDATE(width, tl_add, order, TL_MIPS_ADD##width " %[next], %[old], %z[v]\n\t") \
    TL_MIPS_CAS(width, tl_cas, order, TL_MIPS_RETRY, 3)                                    \
    TL_MIPS_CAS(width, tl_cas_weak, order, TL_MIPS_ONCE, 1)

#define TL_MIPS_ALL(width)                             \
    TL_MIPS_LOAD(width, relaxed, __ATOMIC_RELAXED)     \
    TL_MIPS_LOAD(width, acquire, __ATOMIC_ACQUIRE)     \
    TL_MIPS_STORE_TO(width, relaxed, __ATOMIC_RELAXED) \
    TL_MIPS_STORE_TO(width, release, __ATOMIC_RELEASE) \
    TL_MIPS_ORDER(width, relaxed)                      \
    TL_MIPS_ORDER(width, acquire)                      \
    TL_MIPS_ORDER(width, release)                      \
    TL_MIPS_ORDER(width, acq_rel)

TL_MIPS_ALL()
TL_MIPS_ALL(32)

#undef TL_MIPS_ALL
#undef TL_MIPS_ORDER
#undef TL_MIPS_LOAD
#undef TL_MIPS_STORE_TO
#undef TL_MIPS_CAS
#undef TL_MIPS_UPDATE
#undef TL_MIPS_LL_SC

#endif
