/* part_pinned.c: data of each CPU, changed by plain loads and stores inside pinned parts: no
 * other thread of the CPU gets in between, although interrupts do. */
#include "arch/atomic.h"
#include "arch/port/bare/machine.h"
#include "arch/port/bare/sched.h"
#include "tests/bare/parts.h"

/* Of its CPU: whoever is pinned there. */
static struct {
    TL_CACHE_LINE
    uint32_t      changes;
    tl_atomic_u32 user; /* thread + 1 that is inside, 0: nobody; atomic, so that it is read anew */
} local[MACHINE_CPUS_MAX];

static void work(unsigned thread, struct st_rng *rng)
{
    for (uint32_t i = 0; i < run.iterations; i++) {
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
    count_operations(run.iterations);
}

static void judge(void)
{
    uintptr_t changes = 0;

    for (unsigned cpu = 0; cpu < run.cpus; cpu++)
        changes += local[cpu].changes;
    expect_equal("changes in pinned parts", changes, (uintptr_t)run.iterations * run.threads);
}

const struct part part_pinned = { "pinned", NULL, work, NULL, judge };
