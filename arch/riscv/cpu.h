/* riscv/cpu.h: the pause hint and the time counter. */
#ifndef TL_ARCH_RISCV_CPU_H
#define TL_ARCH_RISCV_CPU_H

/* pause (Zihintpause), in numbers for assemblers that do not know it: it is a `fence w,0`, which
 * CPUs without the extension pass over. */
static TL_ALWAYS_INLINE void tl_cpu_relax(void)
{
    __asm__ volatile(".insn i 0x0f, 0, x0, x0, 0x010");
}

#if __riscv_xlen == 64
/* Counts alike on all CPUs. Unlike `rdcycle` Linux leaves it to programs. */
static TL_ALWAYS_INLINE uint64_t tl_cpu_cycles(void)
{
    uint64_t count;
    __asm__ volatile("rdtime %0" : "=r"(count));
    return count;
}

/* Sv39 gives 38 bits to the user, Sv48 47; with Sv57 Linux gives more only to those who ask. */
#define TL_ADDRESS_BITS 47u
#else
static TL_ALWAYS_INLINE uint64_t tl_cpu_cycles(void)
{
    return 0;
}
#endif

#endif
