/* c11/cpu.h: a CPU of which nothing is known. */
#ifndef TL_ARCH_C11_CPU_H
#define TL_ARCH_C11_CPU_H

static TL_ALWAYS_INLINE void tl_cpu_relax(void)
{
}

static TL_ALWAYS_INLINE uint64_t tl_cpu_cycles(void)
{
    return 0;
}

#endif
