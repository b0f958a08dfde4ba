/* aarch64/cpu.h: a spin that lets go of the pipeline, and the counter of the generic timer. */
#ifndef TL_ARCH_AARCH64_CPU_H
#define TL_ARCH_AARCH64_CPU_H

/* YIELD does nothing on CPUs without hardware threads, that is on nearly all. ISB takes about as
 * long as the pause of x86, since the CPU fetches again what follows. */
static TL_ALWAYS_INLINE void tl_cpu_relax(void)
{
    __asm__ volatile("isb");
}

/* Counts alike on all CPUs; Linux lets programs read it. */
static TL_ALWAYS_INLINE uint64_t tl_cpu_cycles(void)
{
    uint64_t count;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
    return count;
}

/* Linux with 52 bits gives addresses above 48 only to those who ask. */
#define TL_ADDRESS_BITS 48u

#endif
