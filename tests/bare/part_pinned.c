/* part_pinned.c: data of each CPU, changed by plain loads and stores inside pinned parts: no
 * other thread of the CPU gets in between, although interrupts do. */
#include "arch/atomic.h"
#include "arch/port/bare/machine.h"
#include "arch/port/bare/sched.h"
#include "sync/counter.h"
#include "tests/bare/parts.h"

/* Of its CPU: whoever is pinned there. */
static struct {
    TL_CACHE_LINE
    uint32_t      changes;
    tl_atomic_u32 user; /* thread + 1 that is inside, 0: nobody; atomic, so that it is read anew */
} local[MACHINE_CPUS_MAX];

static struct tl_counter wanted_changes;

/* Where CPUs are concurrent, a busy host may leave one without an interrupt for long: a thread goes
 * on until one found its CPU pinned, but not for ever. */
enum { LONGER_MOST = 64 };

static bool goes_on(uint32_t done)
{
    if (done < run.iterations)
        return true;
    return run.threads_per_cpu > 1 && run.bug != BUG_UNPINNED &&
           done / LONGER_MOST < run.iterations && bare_counts(machine_cpu()).deferred == 0;
}

static void work(unsigned thread, struct st_rng *rng)
{
    uint32_t i;

    for (i = 0; goes_on(i); i++) {
        unsigned cpu;
        uint32_t before, switches, other;

        linger(st_rng_below(rng, 8));
        pin();
        cpu = machine_cpu();
        switches = bare_switches();
        before = local[cpu].changes;
        other = tl_load32_relaxed(&local[cpu].user);
        if (other != 0)
            finding("thread %u is pinned beside thread %u", thread, other - 1);
        tl_store32_relaxed(&local[cpu].user, thread + 1);
        if (st_rng_one_in(rng, 4)) {
            pin(); /* nested: still pinned behind the inner unpin */
            linger(4);
            unpin();
        }
        linger(st_rng_below(rng, 32));
        other = tl_load32_relaxed(&local[cpu].user);
        if (other != thread + 1)
            finding("thread %u is pinned, and another was there", thread);
        if (bare_switches() != switches || machine_cpu() != cpu)
            finding("a switch in a pinned part of thread %u", thread);
        tl_store32_relaxed(&local[cpu].user, 0);
        local[cpu].changes = before + 1;
        unpin();
    }
    tl_counter_add_shared(&wanted_changes, i);
    count_operations(i);
}

static void judge(void)
{
    uintptr_t changes = 0;

    for (unsigned cpu = 0; cpu < run.cpus; cpu++)
        changes += local[cpu].changes;
    expect_equal("changes in pinned parts", changes, tl_counter_read(&wanted_changes));
}

const struct part part_pinned = { "pinned", NULL, work, NULL, judge };
