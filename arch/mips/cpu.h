/* mips/cpu.h: no pause, no counter, and the bits of an address.
 *
 * The PAUSE of release 2 waits until the link bit that an LL has set is clear, that is until
 * somebody writes to that line; the manual (MD00086) warns that a program may wait for ever. It is
 * made for loops whose LL reads what they wait for. A bounded spin here reads with plain loads, and
 * the last LL may have been that of a failed exchange on another word, which nobody need write
 * again: the spin would last until the next interrupt. So a turn is empty, as in Linux.
 *
 * The counter that RDHWR can read has 32 bits, wraps within seconds, and need not agree between
 * CPUs. */
#ifndef TL_ARCH_MIPS_CPU_H
#define TL_ARCH_MIPS_CPU_H

static TL_ALWAYS_INLINE void tl_cpu_relax(void)
{
}

static TL_ALWAYS_INLINE uint64_t tl_cpu_cycles(void)
{
    return 0;
}

/* o32 and n32: the lower half is the user's, whatever the kernel. n64: 40 as a rule, 48 where Linux
 * was built for it (MIPS_VA_BITS_48), and then not only for those who ask. */
#if __SIZEOF_POINTER__ == 4
#define TL_ADDRESS_BITS 31u
#else
#define TL_ADDRESS_BITS 48u
#endif

#endif
