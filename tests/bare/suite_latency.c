/* suite_latency.c: the suite `latency`: how late timer interrupts are served, in instructions of
 * the CPU that they interrupt, with the heap at full load and with plain computation. It counts
 * under tools/qemu --icount only.
 *
 * 1 Counted     From the moment that a CPU's timer is due to the first line of C that serves it:
 *               saving the registers is part of it, and takes the same each time.
 * 2 Clock       QEMU's, which moves on by a fixed time for each instruction of any CPU; a loop of
 *               known length says by how much.
 * 3 Turns       One host thread runs the CPUs in turns, so where a CPU is due in the midst of
 *               another's turn that turn would be counted. So before a sample the other CPUs go to
 *               sleep in their handlers, wherever in the load they were, and whatever locks they
 *               hold. One CPU, the sampler, calls for it, at an interrupt of its own. Where two of
 *               its next interrupts find all others asleep, those behind are samples: all turns
 *               that were begun are over by then. Each counts if the interrupt after it finds
 *               that they slept on: QEMU wakes one too early now and then, when its main loop
 *               meets the thread of the CPUs at a timer.
 * 4 Switches    of threads mask interrupts, in this kernel as in any. Where the timer is due within
 *               one, the sample counts from its end, which is with the return from the interrupt
 *               where one switched. What was due before it began was masked by somebody else.
 * 5 Sleep       A CPU that sleeps when it is due, for want of anything to run, masks nothing: it
 *               began with interrupts on, and did not switch threads since. While all CPUs sleep
 *               QEMU moves the clock on to the next timer by itself, and now and then not exactly,
 *               so these samples are printed, and not judged.
 * 6 Judged      With plain computation all samples are alike, but for the clock's rounding; and the
 *               heap adds nothing to their maximum. So many of its samples fell into the heap as
 *               `inside=` wants, and few were disturbed. */
#include <talus/heap.h>

#include "arch/port/bare/console.h"
#include "arch/port/bare/machine.h"
#include "arch/port/bare/options.h"
#include "arch/port/bare/sched.h"
#include "tests/bare/parts.h"
#include "tests/bare/port.h"

enum { LONGEST = 4096, SHARED = 64, HELD = 16, SMALL = 1024, LARGEST = 40000, WORDS = 64 };
enum { SPIN_TURNS = 4096, SPIN_INSTRUCTIONS = 2 * SPIN_TURNS, SPINS = 64 };
enum { ROUNDING = 2 };   /* instructions: both ends of a sample */
enum { ENTRY = 16 };     /* instructions, at most, with interrupts off in front of a switch */
enum { RETURN = 64 };    /* and between its end and its thread */
enum { WAIT_BYTES = 8 }; /* from the begin of machine_wait to behind its sleep, at most */
enum { DISTURBED_ONE_IN = 10 }; /* of the samples asked for: more must not be lost */

/* A call is heard within one and a half periods; as many lie between two looks, at most, and there
 * are no more than nine: one in vain, two that find all asleep, a sample at each behind, and the
 * last. */
enum { IN_VAIN_MAX = 1, LOOKS_BEFORE = 2, SAMPLES_OF_CALL = 5, DOZE_PERIODS = 15 };
enum { AWAKE_PERIODS = 4 }; /* a bug to be found: they wake up in the midst of it */

enum load { PLAIN, HEAP, LOADS };

/* What the CPU was at when it was due. */
enum work { RUNNING, SWITCHING, SLEEPING, WORKS };

/* Samples that were late by so many instructions; the last: by that or more. One CPU at a time, by
 * `sampler`. */
static uint32_t late[LOADS][WORKS][LONGEST + 1];

static tl_atomic_u32  sampler;        /* atomic: a CPU and 1; 0: none; who is none swaps it */
static tl_atomic_u32  call;           /* atomic: number of the call to sleep; the sampler writes */
static unsigned       in_vain;        /* the sampler, since its call: looks before all slept */
static unsigned       looks_asleep;   /* the sampler: looks that found all others asleep */
static uint32_t       sampled;        /* the sampler: the last sample, in instructions */
static enum work      sampled_at;     /* the same */
static bool           sampled_inside; /* the same: in the heap */
static uint32_t       disturbed[LOADS];     /* the sampler: samples that did not count */
static uint32_t       inside[LOADS];        /* the sampler: those RUNNING in the heap */
static tl_atomic_u32  samples;              /* atomic: of the running load; who is the sampler */
static tl_atomic_word shared[SHARED];       /* blocks on their way from one CPU to another */
static tl_atomic_word results[THREADS_MAX]; /* so that nobody computes for nothing */

static struct {
    TL_CACHE_LINE
    tl_atomic_u32 call; /* atomic: that it sleeps for; 0: it is awake; this CPU writes */
    uint32_t      last; /* this CPU: the last call that it slept for */
} sleeper[MACHINE_CPUS_MAX];

static uint32_t  spin_ticks;   /* CPU 0, before: for a known number of instructions */
static uint32_t  entry_ticks;  /* the same: for ENTRY of them */
static uint32_t  return_ticks; /* the same: for RETURN */
static enum load load;         /* the same */

/* In 32 bits: what takes more is no sample, but a hang. */
static uint32_t instructions_in(uint32_t ticks)
{
    return ticks < UINT32_MAX / SPIN_INSTRUCTIONS - spin_ticks
               ? (ticks * SPIN_INSTRUCTIONS + spin_ticks / 2) / spin_ticks
               : UINT32_MAX;
}

/* Whether all other CPUs sleep for this call; 0: are awake. */
static bool others_sleep_for(uint32_t number, unsigned me)
{
    for (unsigned cpu = 0; cpu < run.cpus; cpu++)
        if (cpu != me && tl_load32_relaxed(&sleeper[cpu].call) != number)
            return false;
    return true;
}

static void sample(uintptr_t pc)
{
    struct machine_timer_interrupt served = machine_timer_interrupt();
    struct bare_switch             last = bare_last_switch();
    uint32_t                       begin = last.began - entry_ticks;
    uint32_t                       end = last.ended + return_ticks;

    sampled_at = RUNNING;
    sampled_inside = pc >= (uintptr_t)bare_watched_begin && pc < (uintptr_t)bare_watched_end;
    if (served.due - begin < end - begin) {
        sampled_at = SWITCHING;
        served.late = served.late > end - served.due ? served.late - (end - served.due) : 0;
    } else if (pc - (uintptr_t)machine_wait - 1 < WAIT_BYTES &&
               (int32_t)(served.due - last.began) > 0) {
        sampled_at = SLEEPING;
    }
    sampled = instructions_in(served.late);
}

static void count_sample(void)
{
    late[load][sampled_at][sampled < LONGEST ? sampled : LONGEST]++;
    if (sampled_at != RUNNING)
        return;
    inside[load] += sampled_inside;
    tl_store32_relaxed(&samples, tl_load32_relaxed(&samples) + 1);
}

/* An interrupt of the sampler. False: it is the sampler no longer. */
static bool look(unsigned me, uintptr_t pc)
{
    bool one_to_count = looks_asleep > LOOKS_BEFORE;

    if (!others_sleep_for(tl_load32_relaxed(&call), me)) {
        disturbed[load] += one_to_count;
        return looks_asleep == 0 && in_vain++ < IN_VAIN_MAX;
    }
    if (one_to_count)
        count_sample();
    if (looks_asleep >= LOOKS_BEFORE)
        sample(pc);
    return ++looks_asleep <= LOOKS_BEFORE + SAMPLES_OF_CALL;
}

/* Once for each call: who woke up is awake for the rest of it. */
static void sleep(unsigned me)
{
    uint32_t number = tl_load32_relaxed(&call);

    if (sleeper[me].last == number)
        return;
    sleeper[me].last = number;
    tl_store32_relaxed(&sleeper[me].call, number);
    bare_doze((run.bug == BUG_AWAKE ? AWAKE_PERIODS : DOZE_PERIODS) * run.period_ns);
    tl_store32_relaxed(&sleeper[me].call, 0);
}

static void interrupt(unsigned thread, uintptr_t pc)
{
    uint32_t me = machine_cpu();
    uint32_t other = tl_load32_relaxed(&sampler); /* relaxed: the exchange below decides */

    (void)thread;
    if (me == 0)
        port_tick();
    if (other == me + 1) {
        if (!look(me, pc))
            tl_store32_release(&sampler, 0); /* pairs with the exchange */
    } else if (other != 0) {
        sleep(me);
    } else if (others_sleep_for(0, me) && tl_cas32_acquire(&sampler, &other, me + 1)) {
        in_vain = looks_asleep = 0;
        tl_store32_relaxed(&call, tl_load32_relaxed(&call) + 1);
    }
}

static bool goes_on(void)
{
    return tl_load32_relaxed(&samples) < run.iterations;
}

static void compute(unsigned thread, struct st_rng *rng)
{
    uintptr_t words[WORDS] = { 0 };

    while (goes_on())
        for (unsigned i = 0; i < WORDS; i++)
            words[i] += words[(i + 1) % WORDS] ^ (uintptr_t)st_rng_next(rng);
    tl_store_relaxed(&results[thread], words[0]);
}

static void use_heap(unsigned thread, struct st_rng *rng)
{
    void *held[HELD] = { NULL };

    while (goes_on()) {
        void **one = &held[st_rng_below(rng, HELD)];
        size_t bytes =
            st_rng_one_in(rng, 32) ? st_rng_size(rng, SMALL, LARGEST) : st_rng_size(rng, 1, SMALL);

        talus_free(*one);
        *one = talus_malloc(bytes);
        if (*one == NULL)
            finding("no memory for %lu bytes", (unsigned long)bytes);
        if (st_rng_one_in(rng, 4)) /* pairs with itself */
            *one = (void *)tl_swap_acq_rel(&shared[st_rng_below(rng, SHARED)], (uintptr_t)*one);
        if (thread == 0 && st_rng_one_in(rng, 256))
            talus_heap_trim(talus_heap_default());
    }
    for (unsigned i = 0; i < HELD; i++)
        talus_free(held[i]);
}

/* Ticks for a known number of instructions: the least of some tries, since the other CPUs wake up
 * now and then. */
static uint32_t measure_spin(void)
{
    uint32_t least = UINT32_MAX;

    for (unsigned i = 0; i < SPINS; i++) {
        uint32_t ticks = machine_ticks();

        machine_spin(SPIN_TURNS);
        ticks = machine_ticks() - ticks;
        if (ticks < least)
            least = ticks;
    }
    return least;
}

static void start_load(enum load next)
{
    load = next;
    tl_store32_relaxed(&samples, 0);
    tl_store32_relaxed(&sampler, 0);
}

static void prepare_plain(void)
{
    if (bare_option_number("icount", UINT32_MAX) == UINT32_MAX)
        bare_end(BARE_BAD_WORD, "suite=latency", "instructions count under tools/qemu --icount");
    spin_ticks = measure_spin();
    entry_ticks = spin_ticks / (SPIN_INSTRUCTIONS / ENTRY) + 1;
    return_ticks = spin_ticks / (SPIN_INSTRUCTIONS / RETURN) + 1;
    start_load(PLAIN);
}

static void prepare_heap(void)
{
    if (!port_start())
        bare_panic("the heap does not start");
    start_load(HEAP);
}

/* ---- what came out ---- */

struct distribution {
    uint32_t samples, least, median, within_99, most;
};

static struct distribution distribution_of(enum load of, enum work at)
{
    struct distribution all = { .least = UINT32_MAX };
    uint32_t            passed = 0;

    for (uint32_t i = 0; i <= LONGEST; i++)
        all.samples += late[of][at][i];
    for (uint32_t i = 0; i <= LONGEST; i++) {
        if (late[of][at][i] == 0)
            continue;
        if (passed == 0)
            all.least = i;
        if (passed < (all.samples + 1) / 2)
            all.median = i;
        if (passed < all.samples - all.samples / 100)
            all.within_99 = i;
        all.most = i;
        passed += late[of][at][i];
    }
    return all;
}

static void print(const char *what, enum load of, enum work at)
{
    struct distribution all = distribution_of(of, at);

    if (all.samples == 0) {
        bare_print("latency, %s: no interrupts\n", what);
        return;
    }
    bare_print("latency, %s: %u interrupts, instructions: least %u, median %u, 99 in 100 within "
               "%u, most %u\n",
               what, all.samples, all.least, all.median, all.within_99, all.most);
    for (uint32_t i = 0; i <= LONGEST; i++)
        if (late[of][at][i] != 0)
            bare_print("  %u%s instructions: %u interrupts\n", i, i == LONGEST ? " or more" : "",
                       late[of][at][i]);
}

static void judge_plain(void)
{
    struct distribution plain = distribution_of(PLAIN, RUNNING);

    print("plain computation", PLAIN, RUNNING);
    if (plain.most > plain.least + ROUNDING)
        finding("the clock counts other things than the instructions of this cpu");
}

static void judge(const char *what, uint32_t most, uint32_t allowed)
{
    if (most > allowed)
        finding("the heap delays interrupts%s: up to %u instructions instead of %u", what, most,
                allowed);
}

static void judge_heap(void)
{
    struct distribution plain = distribution_of(PLAIN, RUNNING);
    struct distribution heap = distribution_of(HEAP, RUNNING);
    struct distribution switching = distribution_of(HEAP, SWITCHING);

    print("heap at full load", HEAP, RUNNING);
    print("from the end of a switch of threads", HEAP, SWITCHING);
    print("asleep", HEAP, SLEEPING);
    bare_print("latency: the heap adds %d to the median, %d to 99 in 100, %d to the maximum; "
               "%u of these interrupts inside of it; not counted: %u and %u that were disturbed\n",
               (int)(heap.median - plain.median), (int)(heap.within_99 - plain.within_99),
               (int)(heap.most - plain.most), inside[HEAP], disturbed[PLAIN], disturbed[HEAP]);
    judge("", heap.most, plain.most + ROUNDING);
    judge(" behind a switch", switching.most, plain.most + ROUNDING);
    if (inside[HEAP] < bare_option_number("inside", 0))
        finding("%u samples inside the heap, %u wanted", inside[HEAP],
                bare_option_number("inside", 0));
    if (disturbed[PLAIN] + disturbed[HEAP] > run.iterations / DISTURBED_ONE_IN)
        finding("%u samples were disturbed, %u at most may be", disturbed[PLAIN] + disturbed[HEAP],
                run.iterations / DISTURBED_ONE_IN);
}

static const struct part part_plain = { "plain", prepare_plain, compute, interrupt, judge_plain };
static const struct part part_heap = { "heap", prepare_heap, use_heap, interrupt, judge_heap };

static const struct part *const parts[] = { &part_plain, &part_heap, NULL };

const struct suite latency_suite = { "latency", parts };
