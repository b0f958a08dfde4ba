/* model/cpu.h: a spinning thread lets another one run; otherwise relacy would report that it never
 * ends. */
#ifndef TL_ARCH_MODEL_CPU_H
#define TL_ARCH_MODEL_CPU_H

#include <relacy/relacy.hpp>

static inline void tl_cpu_relax(void)
{
    rl::yield(1, RL_INFO);
}

static inline uint64_t tl_cpu_cycles(void)
{
    return 0;
}

#endif
