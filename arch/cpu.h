/* cpu.h: what talus asks of the CPU besides atomics.
 *
 * void     tl_cpu_relax(void)    one turn of a bounded spin: tells the CPU (or the model) that
 *                                someone else should run
 * uint64_t tl_cpu_cycles(void)   a counter that grows with time, unit unknown; 0 where the CPU has
 *                                none that is cheap, does not wrap, and counts alike on all CPUs
 * TL_ADDRESS_BITS                bits that the address of user memory can have, as the system maps
 *                                it unless asked for more; too many cost reserved addresses, too
 *                                few are wrong: the most that any kernel of that kind gives
 *
 * Unlike atomic.h this is chosen by CPU alone: neither function orders memory, so sanitizers need
 * not see it. */
#ifndef TL_ARCH_CPU_H
#define TL_ARCH_CPU_H

#include "arch/compiler.h"

#if defined(TL_ARCH_MODEL)
#include "arch/model/cpu.h"
#elif defined(TL_ARCH_EXPLORE)
#include "arch/explore/cpu.h"
#elif defined(__x86_64__) || defined(__i386__)
#include "arch/x86/cpu.h"
#elif defined(__mips__)
#include "arch/mips/cpu.h"
#elif defined(__aarch64__)
#include "arch/aarch64/cpu.h"
#elif defined(__riscv)
#include "arch/riscv/cpu.h"
#else
#include "arch/c11/cpu.h"
#endif

#if !defined(TL_ADDRESS_BITS)
#define TL_ADDRESS_BITS (sizeof(void *) == 8 ? 48u : 32u)
#endif

#endif
