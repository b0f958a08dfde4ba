/* part_add.c: tl_add, tl_cas and tl_cas_weak in every order and both widths, by threads and
 * interrupts at once:
 * sums are exact. The 32-bit cells lie side by side: a store that is wider than its cell shows. */
#include "arch/atomic.h"
#include "arch/port/bare/console.h"
#include "arch/port/bare/machine.h"
#include "tests/bare/parts.h"

enum { RELAXED, ACQUIRE, RELEASE, ACQ_REL, ORDERS };

/* The cells by width, which is empty or 32, for the macros below. */
typedef tl_atomic_word box;
typedef tl_atomic_u32  box32;
typedef uintptr_t      value;
typedef uint32_t       value32;

static box   added[ORDERS], stepped[ORDERS];     /* atomic: everybody */
static box32 added32[ORDERS], stepped32[ORDERS]; /* the same */
static box   from_interrupts;                    /* atomic: the handlers */

/* What each thread did; the interrupts of each thread's time. */
static struct {
    TL_CACHE_LINE
    value    added[ORDERS], stepped[ORDERS];
    value32  added32[ORDERS], stepped32[ORDERS];
    uint32_t interrupts;
    uint32_t spurious; /* weak exchanges that failed and found what they expected */
} done[THREADS_MAX];

/* Each operation alone in a function of watched code. A CPU that tears it in two, as the bug does,
 * must show. */
#define OPERATIONS(width, order)                                                          \
    static BARE_WATCHED value##width add##width##_##order(box##width *a, value##width v)  \
    {                                                                                     \
        value##width old;                                                                 \
                                                                                          \
        if (run.bug != BUG_TORN)                                                          \
            return tl_add##width##_##order(a, v);                                         \
        old = tl_load##width##_relaxed(a);                                                \
        tl_store##width##_relaxed(a, old + v);                                            \
        return old;                                                                       \
    }                                                                                     \
    static BARE_WATCHED bool cas##width##_##order(box##width *a, value##width *expected,  \
                                                  value##width v)                         \
    {                                                                                     \
        return tl_cas##width##_##order(a, expected, v);                                   \
    }                                                                                     \
    static BARE_WATCHED bool weak##width##_##order(box##width *a, value##width *expected, \
                                                   value##width v)                        \
    {                                                                                     \
        return tl_cas_weak##width##_##order(a, expected, v);                              \
    }

OPERATIONS(, relaxed)
OPERATIONS(, acquire)
OPERATIONS(, release)
OPERATIONS(, acq_rel)
OPERATIONS(32, relaxed)
OPERATIONS(32, acquire)
OPERATIONS(32, release)
OPERATIONS(32, acq_rel)

/* One step of each operation of a width and order: a random number is added, and a counter goes up
 * by compare-exchange, twice. The strong one must not fail where the value was as expected; how
 * often the weak one does is counted. */
#define STEP(width, order, index)                                                      \
    static void step##width##_##order(unsigned thread, uint32_t number)                \
    {                                                                                  \
        value##width expected = tl_load##width##_relaxed(&stepped##width[index]);      \
        value##width tried = expected;                                                 \
                                                                                       \
        add##width##_##order(&added##width[index], number);                            \
        done[thread].added##width[index] += number;                                    \
        while (!cas##width##_##order(&stepped##width[index], &expected, tried + 1)) {  \
            if (expected == tried)                                                     \
                finding("cas" #width "_" #order " failed and found what it expected"); \
            tried = expected;                                                          \
        }                                                                              \
        if (expected != tried)                                                         \
            finding("cas" #width "_" #order " succeeded and found something else");    \
        tried = ++expected; /* what it is now, unless somebody else came */            \
        while (!weak##width##_##order(&stepped##width[index], &expected, tried + 1)) { \
            done[thread].spurious += expected == tried;                                \
            tried = expected;                                                          \
        }                                                                              \
        done[thread].stepped##width[index] += 2;                                       \
    }

STEP(, relaxed, RELAXED)
STEP(, acquire, ACQUIRE)
STEP(, release, RELEASE)
STEP(, acq_rel, ACQ_REL)
STEP(32, relaxed, RELAXED)
STEP(32, acquire, ACQUIRE)
STEP(32, release, RELEASE)
STEP(32, acq_rel, ACQ_REL)

static void work(unsigned thread, struct st_rng *rng)
{
    static void (*const steps[])(
        unsigned, uint32_t) = { step_relaxed,   step_acquire,   step_release,   step_acq_rel,
                                step32_relaxed, step32_acquire, step32_release, step32_acq_rel };
    enum { STEPS = sizeof steps / sizeof steps[0] };

    for (uint32_t i = 0; i < run.iterations; i++)
        for (unsigned step = 0; step < STEPS; step++)
            steps[step](thread, (uint32_t)st_rng_next(rng));
    count_operations(run.iterations * STEPS * 3);
}

/* Interrupts fall into the very operations above, also on the same cells. */
static void interrupt(unsigned thread, uintptr_t pc)
{
    value32 expected = tl_load32_relaxed(&stepped32[ACQ_REL]);

    (void)pc;
    tl_add_relaxed(&from_interrupts, 1);
    if (thread >= run.threads)
        return;
    while (!tl_cas32_acq_rel(&stepped32[ACQ_REL], &expected, expected + 1))
        continue;
    tl_add32_acq_rel(&added32[RELEASE], 1);
    tl_add_acq_rel(&added[RELEASE], 1);
    done[thread].interrupts++;
}

static void judge_order(unsigned order, const char *name)
{
    value   sum = 0, steps = 0;
    value32 sum32 = 0, steps32 = 0;

    for (unsigned thread = 0; thread < run.threads; thread++) {
        sum += done[thread].added[order];
        steps += done[thread].stepped[order];
        sum32 += done[thread].added32[order];
        steps32 += done[thread].stepped32[order];
        if (order == RELEASE) {
            sum += done[thread].interrupts;
            sum32 += done[thread].interrupts;
        }
        if (order == ACQ_REL)
            steps32 += done[thread].interrupts;
    }
    if (tl_load_acquire(&added[order]) != sum || tl_load32_acquire(&added32[order]) != sum32)
        finding("add, %s: %lu and %u instead of %lu and %u", name,
                (unsigned long)tl_load_acquire(&added[order]), tl_load32_acquire(&added32[order]),
                (unsigned long)sum, sum32);
    if (tl_load_acquire(&stepped[order]) != steps ||
        tl_load32_acquire(&stepped32[order]) != steps32)
        finding("cas, %s: %lu and %u instead of %lu and %u", name,
                (unsigned long)tl_load_acquire(&stepped[order]),
                tl_load32_acquire(&stepped32[order]), (unsigned long)steps, steps32);
}

static void judge(void)
{
    uint32_t interrupts = 0, spurious = 0;

    judge_order(RELAXED, "relaxed");
    judge_order(ACQUIRE, "acquire");
    judge_order(RELEASE, "release");
    judge_order(ACQ_REL, "acq_rel");
    for (unsigned thread = 0; thread < run.threads; thread++) {
        interrupts += done[thread].interrupts;
        spurious += done[thread].spurious;
    }
    bare_print("add: %u weak exchanges failed and found what they expected\n", spurious);
    if (tl_load_relaxed(&from_interrupts) < interrupts || interrupts == 0)
        finding("%u interrupts of threads, and handlers added %lu", interrupts,
                (unsigned long)tl_load_relaxed(&from_interrupts));
}

const struct part part_add = { "add", NULL, work, interrupt, judge };
