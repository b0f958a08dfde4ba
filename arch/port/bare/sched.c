/* sched.c: the scheduler (theory: sched.h). What a CPU's timer shares with the code that it
 * interrupts is written by that CPU alone, with interrupts off or as the comment says. */
#include "arch/port/bare/sched.h"

#include "arch/port/bare/console.h"
#include "arch/port/bare/machine.h"

/* At the low end of each stack: whoever grows over it is found at the next switch. */
#define STACK_MARK ((uintptr_t)0x57ac4e4d)

struct thread {
    uintptr_t saved; /* its CPU: where it goes on */
    bool      done;  /* its CPU */
};

/* All fields are of this CPU: its threads, and its timer's handler. */
struct cpu {
    TL_CACHE_LINE
    tl_atomic_word     pins;       /* > 0: no switch; also written with interrupts on */
    tl_atomic_word     switch_due; /* 1: the timer fired while pinned; also so */
    unsigned           running;    /* index of the thread that has the CPU; IDLE, OUTSIDE */
    unsigned           live;       /* threads that have not returned */
    uint32_t           starts;     /* switches that threads asked for, as they begin and end too */
    uint32_t           random;
    struct bare_switch last_switch;
    tl_atomic_word     dozing; /* AWAKE, ASLEEP or WOKEN, in bare_doze */
    uintptr_t          idle;   /* where bare_run, or the loop of the other CPUs, goes on */
    struct bare_counts counts;
    struct thread      threads[BARE_THREADS_PER_CPU_MAX];
};

/* No thread has the CPU: in a job, and between two. */
enum { IDLE = BARE_THREADS_PER_CPU_MAX, OUTSIDE };

enum { AWAKE, ASLEEP, WOKEN };

/* How often the other CPUs look for the next job: asleep in between, not to take the time of those
 * who work where all share one host thread. */
enum { LOOK_NS = 20000 };

static struct cpu cpus[MACHINE_CPUS_MAX];
static TL_ALIGNED(16) char stacks[MACHINE_CPUS_MAX][BARE_THREADS_PER_CPU_MAX]
                                 [BARE_STACK_BYTES]; /* their thread */

static const struct bare_job *job;          /* CPU 0 writes it, job_number hands it over */
static tl_atomic_word         job_number;   /* atomic: jobs begun; CPU 0 writes */
static tl_atomic_word         cpus_at_work; /* atomic: CPUs whose threads run; all write */

/* Between two accesses that the handler on this CPU must see in that order. */
static TL_ALWAYS_INLINE void same_cpu_fence(void)
{
    __asm__ volatile("" : : : "memory");
}

static struct cpu *this_cpu(void)
{
    return &cpus[machine_cpu()];
}

static uint32_t next_random(struct cpu *cpu)
{
    cpu->random ^= cpu->random << 13;
    cpu->random ^= cpu->random >> 17;
    cpu->random ^= cpu->random << 5;
    return cpu->random;
}

/* Half the period to one and a half of it. */
static void arm_timer(struct cpu *cpu)
{
    uint64_t part = (uint64_t)next_random(cpu) * job->period_ns;

    machine_timer_after(job->period_ns / 2 + (uint32_t)(part >> 32));
}

static uintptr_t *stack_mark(struct cpu *cpu, unsigned index)
{
    return (uintptr_t *)stacks[cpu - cpus][index];
}

/* Gives the CPU to the live thread behind the running one, or to the idle context when there is
 * none, and counts that in *counter; does nothing when the running one is the only one. Interrupts
 * are off. */
static void switch_thread(struct cpu *cpu, uint32_t *counter)
{
    uint32_t   began = machine_ticks();
    unsigned   old = cpu->running;
    unsigned   next = old;
    uintptr_t *from = old == IDLE ? &cpu->idle : &cpu->threads[old].saved;

    if (old != IDLE && *stack_mark(cpu, old) != STACK_MARK)
        bare_panic("thread %u of this cpu overran its stack", old);
    if (cpu->live == 0) {
        next = IDLE;
    } else {
        do
            next = next >= job->threads_per_cpu - 1 ? 0 : next + 1;
        while (cpu->threads[next].done);
    }
    tl_store_relaxed(&cpu->switch_due, 0);
    if (next == old)
        return;
    cpu->running = next;
    ++*counter;
    cpu->last_switch.began = began;
    machine_switch(from, next == IDLE ? cpu->idle : cpu->threads[next].saved);
    cpu->last_switch.ended = machine_ticks();
}

static unsigned thread_number(const struct cpu *cpu)
{
    return cpu->running >= IDLE ? (unsigned)BARE_NO_THREAD
                                : (unsigned)(cpu - cpus) * job->threads_per_cpu + cpu->running;
}

/* Where every thread begins, with interrupts off. */
static void thread_main(void)
{
    struct cpu *cpu = this_cpu();

    cpu->last_switch.ended = machine_ticks();
    machine_interrupts_on();
    job->work(thread_number(cpu));
    machine_interrupts_off();
    if (tl_load_relaxed(&cpu->pins) != 0)
        bare_panic("thread %u returned pinned", thread_number(cpu));
    cpu->threads[cpu->running].done = true;
    cpu->live--;
    switch_thread(cpu, &cpu->starts);
    bare_panic("a thread that had returned got the cpu again");
}

/* The part of this CPU in a job. Returns with its threads done and its timer running. */
static void run_threads(void)
{
    struct cpu *cpu = this_cpu();
    unsigned    index = (unsigned)(cpu - cpus);

    cpu->random = (job->seed + 1) * 2654435761u + index * 40503u;
    if (cpu->random == 0) /* where xorshift would stay */
        cpu->random = 1;
    cpu->live = job->threads_per_cpu;
    cpu->running = IDLE;
    for (unsigned i = 0; i < job->threads_per_cpu; i++) {
        cpu->threads[i].done = false;
        cpu->threads[i].saved =
            machine_stack_prepare(stacks[index][i] + BARE_STACK_BYTES, thread_main);
        *stack_mark(cpu, i) = STACK_MARK;
    }
    arm_timer(cpu);
    switch_thread(cpu, &cpu->starts);
    machine_interrupts_on();
}

/* The other CPUs live here. */
static void cpu_main(void)
{
    uintptr_t seen = 0;

    for (;;) {
        uintptr_t number;

        this_cpu()->running = OUTSIDE;
        machine_timer_after(LOOK_NS);
        machine_interrupts_on();
        while ((number = tl_load_acquire(&job_number)) == seen) /* pairs with bare_run */
            machine_wait();
        machine_interrupts_off();
        seen = number;
        if (machine_cpu() >= job->cpus)
            continue;
        run_threads();
        machine_interrupts_off();
        machine_timer_stop();
        tl_add_release(&cpus_at_work, (uintptr_t)-1); /* pairs with bare_run */
    }
}

void bare_cpus_start(unsigned count)
{
    unsigned up;

    this_cpu()->running = OUTSIDE;
    if (count == 0 || count > MACHINE_CPUS_MAX)
        bare_end(BARE_BAD_WORD, "command line", "cpus=%u: 1 to %u", count,
                 (unsigned)MACHINE_CPUS_MAX);
    up = machine_start_cpus(count, cpu_main);
    if (up != count)
        bare_end(BARE_NO_CPUS, "boot", "%u of %u cpus came up", up, count);
}

void bare_run(const struct bare_job *next)
{
    if (next->threads_per_cpu == 0 || next->threads_per_cpu > BARE_THREADS_PER_CPU_MAX)
        bare_panic("%u threads per cpu; 1 to %u", next->threads_per_cpu,
                   (unsigned)BARE_THREADS_PER_CPU_MAX);
    job = next;
    tl_store_relaxed(&cpus_at_work, next->cpus - 1);
    tl_add_release(&job_number, 1); /* pairs with cpu_main */
    run_threads();
    while (tl_load_acquire(&cpus_at_work) != 0) /* pairs with cpu_main */
        machine_wait();
    machine_interrupts_off();
    machine_timer_stop();
    this_cpu()->running = OUTSIDE;
}

struct bare_counts bare_counts(unsigned cpu)
{
    return cpus[cpu].counts;
}

struct bare_switch bare_last_switch(void)
{
    return this_cpu()->last_switch;
}

uint32_t bare_switches(void)
{
    const struct cpu *cpu = this_cpu();

    return cpu->counts.preemptions + cpu->counts.late + cpu->starts;
}

void bare_doze(uint32_t ns)
{
    struct cpu *cpu = this_cpu();

    tl_store_relaxed(&cpu->dozing, ASLEEP);
    machine_timer_after(ns);
    machine_interrupts_on();
    while (tl_load_relaxed(&cpu->dozing) == ASLEEP)
        machine_wait();
    machine_interrupts_off();
    tl_store_relaxed(&cpu->dozing, AWAKE);
}

void bare_timer_interrupt(uintptr_t pc)
{
    struct cpu *cpu = this_cpu();

    if (cpu->running == OUTSIDE || tl_load_relaxed(&cpu->dozing) != AWAKE) {
        if (cpu->running != OUTSIDE)
            tl_store_relaxed(&cpu->dozing, WOKEN);
        machine_timer_after(LOOK_NS); /* again: it may have come in front of the sleep */
        return;
    }
    cpu->counts.interrupts++;
    if (pc >= (uintptr_t)bare_watched_begin && pc < (uintptr_t)bare_watched_end)
        cpu->counts.watched++;
    if (job->interrupt != NULL)
        job->interrupt(thread_number(cpu), pc);
    arm_timer(cpu);
    if (cpu->running == IDLE) /* bare_run looks by itself */
        return;
    if (tl_load_relaxed(&cpu->pins) != 0 && !job->switches_pinned) {
        cpu->counts.deferred++;
        tl_store_relaxed(&cpu->switch_due, 1);
        return;
    }
    switch_thread(cpu, &cpu->counts.preemptions);
}

unsigned bare_thread(void)
{
    return thread_number(this_cpu());
}

void bare_yield(void)
{
    struct cpu *cpu = this_cpu();

    if (tl_load_relaxed(&cpu->pins) != 0)
        return;
    machine_interrupts_off();
    switch_thread(cpu, &cpu->starts);
    machine_interrupts_on();
}

void bare_pin(void)
{
    struct cpu *cpu = this_cpu();

    tl_store_relaxed(&cpu->pins, tl_load_relaxed(&cpu->pins) + 1);
    same_cpu_fence();
}

void bare_unpin(void)
{
    struct cpu *cpu = this_cpu();
    uintptr_t   pins = tl_load_relaxed(&cpu->pins) - 1;

    same_cpu_fence();
    tl_store_relaxed(&cpu->pins, pins);
    same_cpu_fence(); /* from here on the timer switches by itself */
    if (pins != 0 || tl_load_relaxed(&cpu->switch_due) == 0)
        return;
    machine_interrupts_off();
    if (tl_load_relaxed(&cpu->switch_due) != 0) /* or the timer switched in between */
        switch_thread(cpu, &cpu->counts.late);
    machine_interrupts_on();
}
