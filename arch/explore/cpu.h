/* explore/cpu.h: who spins stands still until somebody else writes to the word that he looked at
 * last: a thread that waits for another costs no schedules. */
#ifndef TL_ARCH_EXPLORE_CPU_H
#define TL_ARCH_EXPLORE_CPU_H

TL_EXTERN_C void tl_explore_spin(void);

static inline void tl_cpu_relax(void)
{
    tl_explore_spin();
}

static inline uint64_t tl_cpu_cycles(void)
{
    return 0;
}

#endif
