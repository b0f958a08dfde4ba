/* sched.h: a minimal preemptive scheduler: some threads on each CPU, taken in turn, until all have
 * returned.
 *
 * 1 Purpose     Takes the CPU away from code under test anywhere but in its pinned parts, as a
 *               kernel would.
 * 2 Threads     On static stacks; each stays on its CPU. Numbered through: those of CPU 0 first.
 * 3 Pinning     A count per CPU. Interrupts stay on while it is not 0; the timer then leaves a mark
 *               instead of switching, and the unpin that ends the pinned part switches.
 * 4 Invariants  While a CPU is pinned its running thread stays the same. A thread that the timer
 *               took the CPU from was not pinned. bare_pin and bare_unpin need no atomic operation:
 *               who interrupts one half way either leaves the count as it was, or runs to the
 *               end of its own pinned part first.
 * 5 Timer       One shot at a time, at a random distance around the period, from the seed: no
 *               phase of the code under test stays out of reach.
 * 6 Contexts    As each function says. A handler must not pin, print or wait. */
#ifndef TL_BARE_SCHED_H
#define TL_BARE_SCHED_H

#include "arch/compiler.h"

enum { BARE_THREADS_PER_CPU_MAX = 8, BARE_STACK_BYTES = 8192 };

struct bare_job {
    void (*work)(unsigned thread); /* each thread calls it once; interrupts are on */
    /* The timer calls it first, if it is not NULL: `thread` had the CPU, or nobody
     * (BARE_NO_THREAD), and would have gone on at `pc`. */
    void (*interrupt)(unsigned thread, uintptr_t pc);
    unsigned cpus;
    unsigned threads_per_cpu;
    uint32_t period_ns; /* mean distance of a CPU's timer interrupts */
    uint32_t seed;
    bool     switches_pinned; /* a bug to be found: the timer switches in pinned parts, too */
};

enum { BARE_NO_THREAD = UINT16_MAX };

/* What happened on one CPU, in all jobs so far. */
struct bare_counts {
    uint32_t interrupts;  /* timer interrupts */
    uint32_t watched;     /* those that fell into watched code (machine.h) */
    uint32_t preemptions; /* switches by a timer interrupt */
    uint32_t deferred;    /* timer interrupts that found their CPU pinned */
    uint32_t late;        /* switches by an unpin, for such a one */
};

/* Starts the other CPUs; they wait for jobs. Ends the image with BARE_NO_CPUS if one is missing.
 * Context: CPU 0, once. */
void bare_cpus_start(unsigned cpus);

/* Runs a job on CPUs 0 to job->cpus - 1 and returns when all its threads have returned and every
 * timer is stopped. Context: CPU 0, outside of any job. */
void bare_run(const struct bare_job *job);

/* Counts of CPU `cpu`. Context: CPU 0, outside of any job. */
struct bare_counts bare_counts(unsigned cpu);

/* From here to bare_unpin no other thread runs on this CPU. Nests. Context: thread. */
void bare_pin(void);
void bare_unpin(void);

/* Sleeps for `ns`, with interrupts on; no thread of this CPU runs meanwhile. Context: a handler, as
 * the last thing that it does. */
void bare_doze(uint32_t ns);

/* The last switch of threads on this CPU, in ticks: it masks interrupts. Context: any. */
struct bare_switch {
    uint32_t began, ended;
};
struct bare_switch bare_last_switch(void);

/* The thread that has this CPU, or BARE_NO_THREAD. Context: any, in a handler: who was interrupted.
 */
unsigned bare_thread(void);

/* Lets the next thread of this CPU run; does nothing while the CPU is pinned. Context: thread, with
 * interrupts on. */
void bare_yield(void);

/* Switches of threads on this CPU so far. Context: thread, pinned, or it may be out of date. */
uint32_t bare_switches(void);

#endif
