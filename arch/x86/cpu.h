/* x86/cpu.h: pause and the time stamp counter, for 64 and 32 bits. */
#ifndef TL_ARCH_X86_CPU_H
#define TL_ARCH_X86_CPU_H

static TL_ALWAYS_INLINE void tl_cpu_relax(void)
{
    __builtin_ia32_pause();
}

static TL_ALWAYS_INLINE uint64_t tl_cpu_cycles(void)
{
    return __builtin_ia32_rdtsc();
}

#if defined(__x86_64__)
#define TL_ADDRESS_BITS 47u
#endif

#endif
