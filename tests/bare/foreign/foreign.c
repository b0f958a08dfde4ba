/* foreign.c: libtalus-stress.a in a kernel that is not ours, on a heap that is not talus: nothing
 * but the four functions that stress/README.md asks for, so that all the rest is the library's own
 * (stress/kernel/defaults.c). No libtalus-kernel.a is linked.
 *
 * 1 Heap    Blocks of a power of two, on a list for each; what no list has is cut off one range.
 *           `bug=carve`: whoever cuts does so outside of the lock, in two steps.
 * 2 Kernel  Threads of a job wait for work. A failed run stands still, since the library's default
 *           has no way to end: the watchdog ends the machine. */
#include <stdatomic.h>

#include "arch/port/bare/console.h"
#include "arch/port/bare/machine.h"
#include "arch/port/bare/options.h"
#include "arch/port/bare/sched.h"
#include "stress/kernel/shadow.h"
#include "stress/lib/run.h"
#include "stress/lib/target.h"

extern const struct st_suite st_suite_fastpath, st_suite_remote, st_suite_churn, st_suite_mixed;

enum { CPUS = 4, THREADS_PER_CPU = 4, PERIOD_NS = 50000, WORKERS = 8 };
enum { SMALLEST_SHIFT = 4, SHIFTS = 22, MEMORY_BYTES = 16 << 20 };
enum { WATCHDOG_INTERRUPTS = 20000 }; /* of CPU 0 during a suite, which takes some thousand */

/* ---- the heap ---- */

struct cell {
    struct cell *next;
    unsigned     shift; /* constant: its size; the block lies behind this */
};
enum { HEADER = 16 };

static _Alignas(4096) char memory[MEMORY_BYTES];
static atomic_flag  busy = ATOMIC_FLAG_INIT;
static struct cell *lists[SHIFTS];  /* busy */
static char        *rest = memory;  /* busy, unless it is spoilt */
static bool         carves_outside; /* constant */

static void enter(void)
{
    while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
        continue;
}

static void leave(void)
{
    atomic_flag_clear_explicit(&busy, memory_order_release);
}

static struct cell *carve(unsigned shift)
{
    char *volatile *from = &rest; /* two steps for the compiler, too */
    struct cell    *cell = (struct cell *)*from;

    if ((size_t)(memory + MEMORY_BYTES - (char *)cell) < (size_t)1 << shift)
        return NULL;
    *from = (char *)cell + ((size_t)1 << shift);
    cell->shift = shift;
    return cell;
}

static void *toy_alloc(void *context, size_t bytes)
{
    unsigned     shift = SMALLEST_SHIFT + 1;
    struct cell *cell;

    (void)context;
    while (((size_t)1 << shift) - HEADER < bytes)
        if (++shift == SHIFTS)
            return NULL;
    enter();
    cell = lists[shift];
    if (cell != NULL)
        lists[shift] = cell->next;
    else if (!carves_outside)
        cell = carve(shift);
    leave();
    if (cell == NULL && carves_outside)
        cell = carve(shift);
    return cell == NULL ? NULL : (char *)cell + HEADER;
}

static void toy_release(void *context, void *block)
{
    struct cell *cell = (struct cell *)((char *)block - HEADER);

    (void)context;
    enter();
    cell->next = lists[cell->shift];
    lists[cell->shift] = cell;
    leave();
}

static struct st_target toy = { .name = "toy", .alloc = toy_alloc, .release = toy_release };

/* ---- the kernel ---- */

static struct st_thread *_Atomic seats[CPUS * THREADS_PER_CPU]; /* atomic: NULL: free */
static _Atomic bool              over;                          /* atomic: the suite has ended */
static unsigned                  interrupts;                    /* CPU 0's handler */

void st_host_start(struct st_thread *thread)
{
    for (unsigned seat = 1;; seat = seat + 1 < CPUS * THREADS_PER_CPU ? seat + 1 : 1) {
        struct st_thread *nobody = NULL;

        if (atomic_compare_exchange_strong_explicit(&seats[seat], &nobody, thread,
                                                    memory_order_release, memory_order_relaxed))
            return;
    }
}

void st_host_write(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        machine_putc(text[i]);
}

static const struct st_suite *suite;

static void run_suite(void)
{
    struct st_run    run = { .target = &toy,
                             .seed = bare_option_number("seed", 1),
                             .threads = WORKERS,
                             .amount = suite->children ? 50 : 200,
                             .memory = MEMORY_BYTES / 8 };
    struct st_counts total;

    st_run_suite(suite, &run, &total);
    bare_print("%s: %u interrupts; %llu blocks, 0 overlaps\n", suite->name, interrupts,
               (unsigned long long)st_count_read(&total.blocks));
    if (st_count_read(&total.blocks) == 0)
        bare_end(BARE_FAILED, "foreign", "%s: no block was asked for", suite->name);
    atomic_store_explicit(&over, true, memory_order_release);
}

static void work(unsigned number)
{
    if (number == 0)
        run_suite();
    while (!atomic_load_explicit(&over, memory_order_acquire)) {
        struct st_thread *thread = atomic_load_explicit(&seats[number], memory_order_acquire);

        if (thread == NULL) {
            bare_yield();
            continue;
        }
        thread->main(thread->argument);
        atomic_store_explicit(&seats[number], NULL, memory_order_relaxed);
        atomic_store_explicit(&thread->ended, 1, memory_order_release);
    }
}

static void watch(unsigned thread, uintptr_t pc)
{
    (void)thread;
    (void)pc;
    if (machine_cpu() == 0 && ++interrupts == WATCHDOG_INTERRUPTS)
        machine_exit(BARE_FAILED);
}

void bare_main(void)
{
    static _Atomic uint32_t             shadow[ST_SHADOW_WORDS(MEMORY_BYTES)];
    static const struct st_suite *const suites[] = { &st_suite_fastpath, &st_suite_remote,
                                                     &st_suite_churn, &st_suite_mixed };
    static const char *const            keys[] = { "bug", "seed", "cpus", "icount" };
    static const char *const            bugs[] = { "none", "carve" };
    const struct bare_job               job = { .work = work,
                                                .interrupt = watch,
                                                .cpus = CPUS,
                                                .threads_per_cpu = THREADS_PER_CPU,
                                                .period_ns = PERIOD_NS,
                                                .seed = bare_option_number("seed", 1) };

    bare_options_check(keys, sizeof keys / sizeof keys[0]);
    carves_outside = bare_option_choice("bug", bugs, sizeof bugs / sizeof bugs[0], 0) == 1;
    bare_cpus_start(CPUS);
    st_shadow_place(memory, sizeof memory, shadow);
    for (unsigned i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        suite = suites[i];
        interrupts = 0;
        atomic_store_explicit(&over, false, memory_order_relaxed);
        bare_run(&job);
    }
    bare_print("foreign: all suites passed\n");
    machine_exit(BARE_PASSED);
}
