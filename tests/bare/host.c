/* host.c: threads for the stress suites out of the fixed ones of a job.
 * 1 Seats       Each thread of the job but one, which runs main, is a seat: it waits for a thread
 *               to be started, runs it, and waits again.
 * 2 CPUs        A team takes seats of all CPUs in turn. Where CPUs are plugged, it takes those of
 *               the first half. A child gets one of the second half: such a CPU comes with its
 *               first child, and when its last one is joined the joiner tells the heap that the
 *               CPU is gone. Meanwhile nothing starts there.
 *               Where a suite asks for it, a CPU without work trims a heap before it sleeps, where
 *               it may not block: the idle loop of docs/porting.md.
 * 3 Handlers    The timer of each CPU runs what the suites have handlers do. It counts its rounds,
 *               so that a thread can wait for one that was under way: it ends before the next.
 * 4 Failures    are reported from any context: the reporter turns its interrupts off and writes
 *               without the console's lock, which what it interrupted may hold.
 * 5 Locks       seats_lock: who sits where, and the CPUs' states; a few instructions each. */
#include "tests/bare/host.h"

#include <talus/heap.h>
#include <talus/port.h>

#include "arch/port/bare/console.h"
#include "arch/port/bare/machine.h"
#include "arch/port/bare/sched.h"
#include "stress/lib/handlers.h"
#include "sync/lock.h"
#include "tests/bare/port.h"
#include "tests/bare/suite.h"

enum { SEATS = MACHINE_CPUS_MAX * BARE_THREADS_PER_CPU_MAX };

struct seat {
    struct st_thread *thread; /* seats_lock; NULL: free */
    tl_atomic_u32     due;    /* atomic: 1: thread is to be run; hands it over */
    struct st_worker *worker; /* the seat, and its CPU's handler: whom the thread is */
};

static struct tl_lock seats_lock = TL_LOCK_INIT;
static struct seat    seats[SEATS];              /* by the number of the job's thread */
static unsigned       threads[MACHINE_CPUS_MAX]; /* seats_lock: started, and not joined yet; main */
static bool           leaving[MACHINE_CPUS_MAX]; /* seats_lock: it is being told to the heap */
static unsigned       cpu_after;                 /* seats_lock: where to look first */
static uint32_t       cpus_gone;                 /* seats_lock */
static talus_heap    *idle_heap;                 /* the asker; idle_trims hands it over */
static tl_atomic_u32  idle_trims[MACHINE_CPUS_MAX]; /* atomic: that are due; an asker, the CPU */

static void (*main_function)(void); /* these four: constant during a job */
static unsigned cpus, seats_per_cpu;
static unsigned first_plugged; /* CPUs from here on come and go; cpus: none does */

static tl_atomic_u32  over;                     /* atomic: 1: main has returned */
static tl_atomic_word rounds[MACHINE_CPUS_MAX]; /* atomic: the timer's, which have ended */
static tl_atomic_u32  failing;                  /* atomic: 1: a report is being written */

static unsigned cpu_of(unsigned seat)
{
    return seat / seats_per_cpu;
}

/* ---- threads ---- */

/* The first free seat of the CPU, or SEATS. */
static unsigned free_seat_locked(unsigned cpu)
{
    for (unsigned i = 0; i < seats_per_cpu && !leaving[cpu]; i++)
        if (seats[cpu * seats_per_cpu + i].thread == NULL)
            return cpu * seats_per_cpu + i;
    return SEATS;
}

/* A seat on one of the CPUs [low, high), which are taken in turn; SEATS: all are taken. */
static unsigned take_seat_locked(unsigned low, unsigned high, struct st_thread *thread)
{
    for (unsigned n = 0; n < high - low; n++) {
        unsigned cpu, seat;

        cpu_after++;
        cpu = low + cpu_after % (high - low);
        seat = free_seat_locked(cpu);
        if (seat == SEATS)
            continue;
        seats[seat].thread = thread;
        threads[cpu]++;
        return seat;
    }
    return SEATS;
}

void st_host_start(struct st_thread *thread)
{
    bool     plugged = thread->child && first_plugged < cpus;
    unsigned seat;

    for (;;) {
        tl_lock_acquire(&seats_lock);
        seat =
            take_seat_locked(plugged ? first_plugged : 0, plugged ? cpus : first_plugged, thread);
        tl_lock_release(&seats_lock);
        if (seat != SEATS)
            break;
        bare_yield(); /* children end by themselves; teams fit */
    }
    thread->host = cpu_of(seat);
    tl_store32_release(&seats[seat].due, 1); /* pairs with sit */
}

void st_host_join(struct st_thread *thread)
{
    unsigned cpu = (unsigned)thread->host;
    bool     gone;

    /* acquire: pairs with sit */
    while (atomic_load_explicit(&thread->ended, memory_order_acquire) == 0)
        bare_yield();
    tl_lock_acquire(&seats_lock);
    gone = --threads[cpu] == 0 && cpu >= first_plugged;
    leaving[cpu] = gone;
    tl_lock_release(&seats_lock);
    if (!gone)
        return;
    talus_kernel_cpu_gone(cpu);
    tl_lock_acquire(&seats_lock);
    leaving[cpu] = false;
    cpus_gone++;
    tl_lock_release(&seats_lock);
}

/* Nobody else has the CPU before it is done, so nobody else counts. */
static void idle(void)
{
    tl_atomic_u32 *trims = &idle_trims[machine_cpu()];
    uint32_t       due;

    port_atomic_begin();
    due = tl_load32_acquire(trims); /* pairs with st_host_idle */
    if (due != 0) {
        if (run.bug != BUG_KEEPING)
            (void)talus_heap_trim(idle_heap);
        tl_store32_release(trims, due - 1); /* the same */
    }
    port_atomic_end();
    machine_wait(); /* what is missed now is seen after it */
}

/* Looks for something to do once; sleeps to the next interrupt where the CPU has nothing at all. */
static void sit(struct seat *seat)
{
    if (tl_load32_acquire(&seat->due) != 0) { /* pairs with st_host_start */
        struct st_thread *thread = seat->thread;

        tl_store32_relaxed(&seat->due, 0);
        thread->main(thread->argument);
        tl_lock_acquire(&seats_lock);
        seat->thread = NULL;
        tl_lock_release(&seats_lock);
        /* release: what the thread did comes first */
        atomic_store_explicit(&thread->ended, 1, memory_order_release);
    } else if (*(volatile unsigned *)&threads[machine_cpu()] == 0) {
        idle();
    } else {
        bare_yield();
    }
}

static void work(unsigned number)
{
    if (number == 0) {
        main_function();
        tl_store32_release(&over, 1);
        return;
    }
    while (tl_load32_acquire(&over) == 0)
        sit(&seats[number]);
}

void st_host_yield(void)
{
    bare_yield();
}

void st_host_sleep(void)
{
    uint64_t now = talus_port_now_ms();

    while (talus_port_now_ms() == now) {
        machine_wait();
        bare_yield();
    }
}

void st_host_enter(struct st_worker *worker)
{
    seats[bare_thread()].worker = worker;
}

void st_host_leave(struct st_worker *worker)
{
    (void)worker;
    seats[bare_thread()].worker = NULL;
}

struct st_worker *st_host_self(void)
{
    unsigned thread = bare_thread();

    return thread == BARE_NO_THREAD ? NULL : seats[thread].worker;
}

/* ---- the heap's CPUs ---- */

void st_host_idle(talus_heap *heap)
{
    idle_heap = heap;
    for (unsigned round = 0; round < 2; round++) {
        (void)talus_heap_trim(heap);
        for (unsigned cpu = 0; cpu < cpus; cpu++)
            if (threads[cpu] == 0)
                tl_store32_release(&idle_trims[cpu], 1); /* pairs with idle */
        for (unsigned cpu = 0; cpu < cpus; cpu++)
            while (tl_load32_acquire(&idle_trims[cpu]) != 0) /* the same */
                bare_yield();
    }
    (void)talus_heap_trim(heap);
}

/* Each may come again. */
void st_host_flush(void)
{
    for (unsigned cpu = 0; cpu < cpus; cpu++)
        talus_kernel_cpu_gone(cpu);
}

uint32_t host_cpus_gone(void)
{
    return cpus_gone;
}

/* ---- handlers ---- */

/* A CPU that is gone runs no handlers either. */
static void interrupt(unsigned thread, uintptr_t pc)
{
    unsigned cpu = machine_cpu();

    (void)pc;
    if (cpu == 0)
        port_tick();
    if (cpu < first_plugged || threads[cpu] != 0)
        st_handlers_run(thread == BARE_NO_THREAD ? NULL : seats[thread].worker);
    tl_add_release(&rounds[cpu], 1); /* pairs with st_host_handlers_quiet */
}

void st_host_handlers_quiet(void)
{
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        uintptr_t before = tl_load_acquire(&rounds[cpu]); /* both pair with interrupt */
        while (tl_load_acquire(&rounds[cpu]) == before)
            bare_yield();
    }
}

/* ---- reports ---- */

void st_host_write(const char *text, size_t bytes)
{
    if (tl_load32_relaxed(&failing) == 0) {
        bare_print_text(text, bytes);
        return;
    }
    for (size_t i = 0; i < bytes; i++)
        machine_putc(text[i]);
}

void st_host_failing(bool first)
{
    machine_interrupts_off();
    if (!first)
        machine_park();
    tl_store32_relaxed(&failing, 1);
}

void st_host_failed(void)
{
    machine_exit(BARE_FAILED);
}

/* ---- the job ---- */

void host_run(void (*main)(void), unsigned with_cpus, unsigned threads_per_cpu, bool plugged)
{
    struct bare_job         job = { .work = work,
                                    .interrupt = interrupt,
                                    .cpus = with_cpus,
                                    .threads_per_cpu = threads_per_cpu + 1,
                                    .period_ns = run.period_ns,
                                    .seed = run.seed };
    static struct st_thread main_thread; /* never started */

    main_function = main;
    cpus = with_cpus;
    seats_per_cpu = job.threads_per_cpu;
    first_plugged = plugged ? cpus - cpus / 2 : cpus;
    seats[0].thread = &main_thread;
    threads[0] = 1;
    tl_store32_relaxed(&over, 0);
    bare_run(&job);
}
