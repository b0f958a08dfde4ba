/* stress.c: the stress suites in an image: each is one job, in which timers interrupt each CPU at a
 * high rate, take it from one thread for the next, and use memory themselves, whatever the suite is
 * about. Behind it the heap's books must say that all is free, and the counts that there was
 * something to withstand. */
#include "tests/bare/stress.h"

#include <talus/port.h>

#include "arch/port/bare/console.h"
#include "arch/port/bare/machine.h"
#include "arch/port/bare/options.h"
#include "arch/port/bare/sched.h"
#include "stress/kernel/shadow.h"
#include "stress/lib/handlers.h"
#include "stress/lib/oracle.h"
#include "stress/lib/run.h"
#include "stress/lib/target.h"
#include "tests/bare/host.h"
#include "tests/bare/port.h"
#include "tests/bare/suite.h"

static _Atomic uint32_t shadow[ST_SHADOW_WORDS(PORT_MEMORY_BYTES)];

enum { RUNS_MAX = 5 };

static const struct st_suite *suite; /* these three: of the run */
static struct st_run          stress;
static struct st_counts       total;

static void run_in_a_thread(void)
{
    st_run_suite(suite, &stress, &total);
}

/* What the heap and the scheduler count, of all CPUs. */
struct books {
    struct bare_counts cpus;
    talus_heap_stats_t heap;
    uintptr_t          maps, unmaps;
    uint32_t           cpus_gone;
};

static struct books read_books(void)
{
    struct books books = { .maps = port_maps(),
                           .unmaps = port_unmaps(),
                           .cpus_gone = host_cpus_gone() };

    for (unsigned cpu = 0; cpu < run.cpus; cpu++) {
        struct bare_counts one = bare_counts(cpu);

        books.cpus.interrupts += one.interrupts;
        books.cpus.watched += one.watched;
        books.cpus.preemptions += one.preemptions;
        books.cpus.deferred += one.deferred;
        books.cpus.late += one.late;
    }
    talus_heap_stats(talus_heap_default(), &books.heap);
    return books;
}

static bool lacks; /* CPU 0: some kind of pressure, in the last run */
static bool tells; /* the same: a finding when it did */

static void demand(const char *what, uintptr_t number, uintptr_t least)
{
    lacks = lacks || number < least;
    if (tells && number < least)
        finding("%s: no pressure: %lu %s, %lu wanted", suite->name, (unsigned long)number, what,
                (unsigned long)least);
}

static void judge_pressure(const struct books *before, const struct books *after)
{
    struct st_handler_counts handlers = st_handlers_counts();
    uint32_t                 watched = after->cpus.watched - before->cpus.watched;

    lacks = false;
    demand("interrupts inside the heap", watched, bare_option_number("inside", 1));
    demand("preemptions", after->cpus.preemptions - before->cpus.preemptions, 1);
    demand("deferred switches", after->cpus.deferred - before->cpus.deferred, 1);
    demand("switches at an unpin", after->cpus.late - before->cpus.late, 1);
    demand("handlers inside the heap", handlers.inside, ST_INSIDE_LEAST);
    demand("takes from a reserve", handlers.taken, 1);
    demand("takes that found it empty", handlers.missed, 1);
    demand("refills", handlers.refills, 1);
    demand("puts", handlers.put, 1);
    demand("blocks of threads freed by interrupts", handlers.of_workers, 1);
    demand("maps", after->maps - before->maps, 1);
    demand("unmaps", after->unmaps - before->unmaps, 1);
    if (run.cpus > 1)
        demand("batches from other cpus",
               (uintptr_t)(after->heap.remote_batches - before->heap.remote_batches), 1);
    if (suite->children && run.cpus > 1)
        demand("cpus that went", after->cpus_gone - before->cpus_gone, 1);
}

static void print(const struct books *before, const struct books *after)
{
    struct st_handler_counts handlers = st_handlers_counts();

    bare_print("%s: %llu operations, %llu blocks, %llu remote frees, %llu refused, %llu threads, "
               "%u cpus went; %u preemptions, %u deferred switches, %u of them at an unpin; "
               "%u interrupts, %u inside the heap; reserve: %lu takes, %lu misses, %lu refills; "
               "%lu blocks of threads freed by interrupts; 0 overlaps\n",
               suite->name, (unsigned long long)st_count_read(&total.operations),
               (unsigned long long)st_count_read(&total.blocks),
               (unsigned long long)st_count_read(&total.remote),
               (unsigned long long)st_count_read(&total.refused),
               (unsigned long long)st_count_read(&total.threads),
               after->cpus_gone - before->cpus_gone,
               after->cpus.preemptions - before->cpus.preemptions,
               after->cpus.deferred - before->cpus.deferred, after->cpus.late - before->cpus.late,
               after->cpus.interrupts - before->cpus.interrupts,
               after->cpus.watched - before->cpus.watched, (unsigned long)handlers.taken,
               (unsigned long)handlers.missed, (unsigned long)handlers.refills,
               (unsigned long)handlers.of_workers);
}

void stress_start(void)
{
    if (!port_start())
        bare_panic("the heap does not start");
    st_shadow_place(port_memory, sizeof port_memory, shadow);
}

static void run_once(bool plugged)
{
    struct books before = read_books(), after;

    host_run(run_in_a_thread, run.cpus, run.threads_per_cpu, plugged);
    for (unsigned cpu = 0; cpu < run.cpus; cpu++)
        talus_kernel_cpu_gone(cpu);
    talus_heap_trim(talus_heap_default());
    after = read_books();
    print(&before, &after);
    expect_equal("bytes that are still allocated", after.heap.allocated, 0);
    expect_equal("free bytes of all that is mapped", after.heap.free_pages, after.heap.mapped);
    expect_equal("granules outside of the oracle's shadow", st_oracle_untracked(), 0);
    judge_pressure(&before, &after);
}

/* Where each CPU runs when the host lets it, a run may lack some kind of pressure by chance: then
 * there are more of them, and the last must have it all. Under --icount nothing is by chance. */
void stress_run(const struct st_suite *next)
{
    bool     plugged = next->children && run.cpus > 1;
    bool     by_chance = bare_option_number("icount", UINT32_MAX) == UINT32_MAX;
    unsigned workers = run.threads;

    if (workers > ST_TEAM_MAX || run.threads_per_cpu >= BARE_THREADS_PER_CPU_MAX)
        bare_end(BARE_BAD_WORD, "command line", "%s: at most %u threads, %u of each cpu",
                 next->name, ST_TEAM_MAX, (unsigned)BARE_THREADS_PER_CPU_MAX - 1);
    if (next->children)
        workers = plugged ? (run.cpus - run.cpus / 2) * run.threads_per_cpu : workers / 2;
    if (workers == 0) {
        bare_print("%s: skipped: no seat for a thread beside one worker\n", next->name);
        return;
    }
    suite = next;
    stress = (struct st_run){ .target = &st_target_talus,
                              .seed = run.seed,
                              .threads = workers,
                              .amount = run.iterations,
                              .memory = sizeof port_memory / 4,
                              .handlers = &st_handlers,
                              .host_judges = by_chance };
    for (unsigned last = by_chance ? RUNS_MAX : 1, n = 1; n == 1 || (lacks && n <= last); n++) {
        tells = n == last;
        run_once(plugged);
        stress.seed++;
    }
}
