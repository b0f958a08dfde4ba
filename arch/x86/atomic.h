/* x86/atomic.h: the operations of arch/atomic.h for x86-64 and i386: those of c11/, but for four.
 *
 * gcc 12 makes of C11's operations what one would write by hand, seen with `gcc -O2` and objdump:
 *
 *   swap          mov %rsi,%rax; xchg %rax,(%rdi)
 *   add           lock xadd; lock add, one register less, where nobody wants the old value
 *   cas, failed   lock cmpxchg; jne: branches by the flag that cmpxchg sets
 *   loads, stores mov; folded into other instructions where the order allows
 *
 * Assembly in their place made the same instructions, `lock xadd` for `lock add`, and one more
 * where the answer is returned (sete; mov; mov instead of mov; sete). Every locked instruction is a
 * full barrier to the CPU: the orders differ only in what the compiler may move across. */
#ifndef TL_ARCH_X86_ATOMIC_H
#define TL_ARCH_X86_ATOMIC_H

#include "arch/c11/atomic.h"

#undef TL_ARCH_NAME
#define TL_ARCH_NAME "x86"

/* `cmp %rsi,(%rax)` where the compiler, which never folds an atomic load into a compare, makes `mov
 * (%rax),%rax; cmp %rax,%rsi` and needs a register: free compares owners. */
#define TL_HAVE_EQUALS 1
static TL_ALWAYS_INLINE bool tl_equals_relaxed(const tl_atomic_word *a, uintptr_t v)
{
    bool equal;
    __asm__ volatile("cmp %[v], %[m]" : "=@ccz"(equal) : [m] "m"(a->value), [v] "r"(v));
    return equal;
}

/* `add %rsi,(%rax)`, likewise: what the compiler makes of a load and a store is `mov (%rax),%rcx;
 * add %rsi,%rcx; mov %rcx,(%rax)`. */
#define TL_HAVE_ADD_ALONE 1
static TL_ALWAYS_INLINE void tl_add_alone_relaxed(tl_atomic_word *a, uintptr_t v)
{
    __asm__ volatile("add%z[m] %[v], %[m]" : [m] "+m"(a->value) : [v] "er"(v) : "cc");
}

/* The same of plain fields, for their one writer. */
#define TL_X86_POKE(operation, field, n)  \
    __asm__(operation "%z[m] %[by], %[m]" \
            : [m] "+m"(*(field))          \
            : [by] "er"((__typeof__(*(field)))(n)))
#define tl_poke_add(field, n) TL_X86_POKE("add", field, n)
#define tl_poke_sub(field, n) TL_X86_POKE("sub", field, n)

#endif
