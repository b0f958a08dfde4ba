/* main.c: an image's main: reads the command line, runs a suite or all, prints what happened, ends.
 */
#include <stdarg.h>

#include "arch/port/bare/console.h"
#include "arch/port/bare/machine.h"
#include "arch/port/bare/options.h"
#include "arch/port/bare/sched.h"
#include "sync/counter.h"
#include "tests/bare/any_mutant.h"
#include "tests/bare/parts.h"
#include "tests/bare/stress.h"

struct run run; /* CPU 0, before the first job */

static struct tl_counter findings;
static struct tl_counter shown; /* of the running part's findings; zeroed between jobs */
static struct tl_counter operations;

/* Suites of parts; behind their names those of stress/, and all. */
static const struct suite *const suites[] = { &machine_suite, &heap_suite, &latency_suite };

enum { FIRST_OF_STRESS = sizeof suites / sizeof suites[0], SUITES_MAX = 32, FINDINGS_SHOWN = 10 };

void finding(const char *format, ...)
{
    va_list arguments;

    tl_counter_add_shared(&findings, 1);
    if (tl_counter_add_shared(&shown, 1) >= FINDINGS_SHOWN)
        return;
    va_start(arguments, format);
    bare_print_line("wrong: ", format, arguments);
    va_end(arguments);
}

void expect_equal(const char *what, uintptr_t got, uintptr_t wanted)
{
    if (got != wanted)
        finding("%s: %lu instead of %lu", what, (unsigned long)got, (unsigned long)wanted);
}

void count_operations(uint32_t done)
{
    tl_counter_add_shared(&operations, done);
}

void pin(void)
{
    if (run.bug != BUG_UNPINNED)
        bare_pin();
}

void unpin(void)
{
    if (run.bug != BUG_UNPINNED)
        bare_unpin();
}

void linger(unsigned turns)
{
    static tl_atomic_word nothing; /* a load of an atomic is not optimised away */

    while (turns-- > 0 && tl_load_relaxed(&nothing) == 0)
        continue; /* and no tl_cpu_relax: it would hand the CPU over just when the seed did not */
}

static const struct part *running; /* CPU 0, between jobs */

static void work(unsigned thread)
{
    struct st_rng rng = { st_mix(((uint64_t)run.seed << 32) + thread) };

    running->work(thread, &rng);
}

static void run_part(const struct part *part)
{
    struct bare_job job = { .work = work,
                            .interrupt = part->interrupt,
                            .cpus = run.cpus,
                            .threads_per_cpu = run.threads_per_cpu,
                            .period_ns = run.period_ns,
                            .seed = run.seed,
                            .switches_pinned = run.bug == BUG_SWITCHED };
    uintptr_t       before = tl_counter_read(&operations);
    uint32_t        start;

    running = part;
    tl_store_relaxed(&shown.n, 0);
    if (part->prepare != NULL)
        part->prepare();
    start = machine_ticks();
    bare_run(&job);
    start = machine_ticks() - start;
    part->judge();
    bare_print("%s: %lu operations, %u ticks\n", part->name,
               (unsigned long)(tl_counter_read(&operations) - before), start);
}

/* Prints what the timers did, and demands that there was something to find. */
static void report_interrupts(void)
{
    struct bare_counts all = { 0 };

    for (unsigned cpu = 0; cpu < run.cpus; cpu++) {
        struct bare_counts one = bare_counts(cpu);

        bare_print("cpu %u: %u interrupts, %u of them inside an operation; %u preemptions; "
                   "%u deferred by a pinned thread, %u switches at its unpin\n",
                   cpu, one.interrupts, one.watched, one.preemptions, one.deferred, one.late);
        all.interrupts += one.interrupts;
        all.watched += one.watched;
        all.preemptions += one.preemptions;
        all.deferred += one.deferred;
        all.late += one.late;
        if (one.interrupts == 0)
            finding("no interrupt on cpu %u", cpu);
    }
    bare_print("all: %u interrupts, %u inside an operation; %u preemptions; %u deferred, %u late; "
               "%lu operations\n",
               all.interrupts, all.watched, all.preemptions, all.deferred, all.late,
               (unsigned long)tl_counter_read(&operations));
    if (all.preemptions == 0 && run.threads_per_cpu > 1)
        finding("no thread was preempted");
    if (all.deferred == 0 && run.threads_per_cpu > 1 && run.bug != BUG_UNPINNED)
        finding("no interrupt found its cpu pinned");
    if (all.watched < bare_option_number("inside", 0))
        finding("%u interrupts inside an operation, %u wanted", all.watched,
                bare_option_number("inside", 0));
}

static const char *suite_names[SUITES_MAX];

/* Returns how many there are, the last one for all others. */
static unsigned list_suites(void)
{
    unsigned count = 0;

    for (; count < FIRST_OF_STRESS; count++)
        suite_names[count] = suites[count]->name;
    for (; st_suite_list(count - FIRST_OF_STRESS) != NULL; count++)
        suite_names[count] = st_suite_list(count - FIRST_OF_STRESS)->name;
    suite_names[count] = "all";
    return count + 1;
}

static void read_options(void)
{
    static const char *const keys[] = { "suite", "seed",  "us",     "cpus",   "threads", "iters",
                                        "bug",   "fault", "inside", "icount", "mutant" };
    static const char *const bugs[] = { "none",      "unpinned", "torn",
                                        "unretried", "masked",   "masked-switch",
                                        "awake",     "keeping",  "switched" };
    uint32_t                 us;

    bare_options_check(keys, sizeof keys / sizeof keys[0] - (!ANY_MUTANT));
    any_mutant_choose();
    us = bare_option_number("us", 100);
    run.cpus = bare_option_number("cpus", 4);
    run.threads_per_cpu = bare_option_number("threads", 4);
    run.threads = run.cpus * run.threads_per_cpu;
    run.iterations = bare_option_number("iters", 1000);
    run.seed = bare_option_number("seed", 1);
    run.bug = (enum bug)bare_option_choice("bug", bugs, sizeof bugs / sizeof bugs[0], BUG_NONE);
    if (us < 1 || us > 100000 || run.cpus < 1 || run.cpus > MACHINE_CPUS_MAX ||
        run.threads_per_cpu < 1 || run.threads_per_cpu > BARE_THREADS_PER_CPU_MAX ||
        run.iterations > 1000000)
        bare_end(BARE_BAD_WORD, "command line",
                 "bounds are: us 1 to 100000, cpus 1 to %u, threads 1 to %u, iters to 1000000",
                 (unsigned)MACHINE_CPUS_MAX, (unsigned)BARE_THREADS_PER_CPU_MAX);
    run.period_ns = us * 1000;
}

/* Up to the first one with a finding: those behind it stand on it, and might not come to an end. */
static void run_parts(const struct suite *suite)
{
    const struct part *const *part = suite->parts;

    for (; *part != NULL && tl_counter_read(&findings) == 0; part++)
        run_part(*part);
    report_interrupts();
    bare_print("misaligned accesses: %s\n", machine_traps_misaligned()
                                                ? "0, the first would have ended this run"
                                                : "unknown, this cpu lets them pass");
}

void bare_main(void)
{
    unsigned count = list_suites();
    unsigned suite = bare_option_choice("suite", suite_names, count, 0);
    bool     all = suite == count - 1;

    read_options();
    bare_print("talus on %s, atomics of arch/%s: suite %s, %u cpus, %u threads each, "
               "seed %u, an interrupt each %u us\n",
               machine_name(), TL_ARCH_NAME, suite_names[suite], run.cpus, run.threads_per_cpu,
               run.seed, run.period_ns / 1000);
    bare_cpus_start(run.cpus);
    if (fault_is_asked())
        run_part(&part_fault);
    if (suite < FIRST_OF_STRESS || all)
        run_parts(suites[all ? 0 : suite]);
    if (suite >= FIRST_OF_STRESS)
        stress_start();
    for (unsigned i = FIRST_OF_STRESS; i < count - 1; i++)
        if (suite == i || all)
            stress_run(st_suite_list(i - FIRST_OF_STRESS));
    any_mutant_report();
    bare_print("%s: %lu findings\n", suite_names[suite], (unsigned long)tl_counter_read(&findings));
    machine_exit(tl_counter_read(&findings) == 0 ? BARE_PASSED : BARE_FAILED);
}
