/* part_attempt.c: the machine's shortest conditional store, all CPUs on one word: the sum is exact,
 * and where eret breaks a link, an attempt that an interrupt fell into never succeeds. */
#include "arch/port/bare/console.h"
#include "arch/port/bare/machine.h"
#include "sync/counter.h"
#include "tests/bare/parts.h"

static tl_atomic_word word; /* atomic: everybody adds */

/* What one thread met. */
static struct {
    TL_CACHE_LINE
    tl_atomic_word interrupted; /* 1: an interrupt fell into the attempt under way; its CPU */
    uint32_t       inside;      /* such interrupts; its CPU's handler */
    uint32_t       refused;     /* attempts that failed */
    uint32_t       broken;      /* of those, attempts that an interrupt had fallen into */
    uint32_t       survived;    /* attempts that succeeded although one had */
} seen[THREADS_MAX];

static void work(unsigned thread, struct st_rng *rng)
{
    (void)rng;
    for (uint32_t i = 0; i < 4 * run.iterations; i++) {
        bool succeeded, interrupted;

        do {
            tl_store_relaxed(&seen[thread].interrupted, 0);
            succeeded = machine_attempt(&word);
            interrupted = tl_load_relaxed(&seen[thread].interrupted) != 0;
            seen[thread].refused += !succeeded;
            seen[thread].broken += !succeeded && interrupted;
            seen[thread].survived += succeeded && interrupted;
        } while (!succeeded);
    }
    count_operations(4 * run.iterations);
}

static void interrupt(unsigned thread, uintptr_t pc)
{
    if (pc >= (uintptr_t)machine_attempt_begin && pc < (uintptr_t)machine_attempt_end) {
        tl_store_relaxed(&seen[thread].interrupted, 1);
        seen[thread].inside++;
    }
}

static void judge(void)
{
    uint32_t inside = 0, refused = 0, broken = 0, survived = 0;

    for (unsigned thread = 0; thread < run.threads; thread++) {
        inside += seen[thread].inside;
        refused += seen[thread].refused;
        broken += seen[thread].broken;
        survived += seen[thread].survived;
    }
    expect_equal("attempts that succeeded", tl_load_relaxed(&word),
                 (uintptr_t)4 * run.iterations * run.threads);
    if (machine_interrupt_breaks_attempt())
        expect_equal("attempts that an interrupt fell into, and that succeeded", survived, 0);
    if (machine_interrupt_breaks_attempt() && run.threads == 1) /* there is no other reason */
        expect_equal("attempts that were refused", refused, broken);
    bare_print("attempts: %u refused; %u interrupts between load and conditional store, after "
               "which %u attempts were refused and %u succeeded\n",
               refused, inside, broken, survived);
}

const struct part part_attempt = { "attempt", NULL, work, interrupt, judge };
