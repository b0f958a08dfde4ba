/* cache.c: blocks between the caches of CPUs: fast paths, inboxes, batches, CPUs that go. */
#include "explore/scenarios/list.h"

#include <talus/port.h>

/* ---- remote-free: each foreign block is a push ---- */

static void prepare_three(void)
{
    ex_heap_begin_span(3, 12);
}

static void take_and_free(void)
{
    ex_alloc(8, EX_SIZE);
    ex_alloc(9, EX_SIZE);
    ex_free(8);
    ex_alloc(10, EX_SIZE);
}

static void free_two(void)
{
    ex_free(0);
    ex_free(1);
}

static void free_and_take(void)
{
    ex_free(2);
    ex_alloc(11, EX_SIZE);
}

const struct ex_scenario ex_remote_free = {
    "remote-free",
    "malloc, drain and free of the owner; frees of its blocks on two other CPUs",
    { prepare_three,
      { EX_THREAD("owner", take_and_free, 0), EX_THREAD("stranger", free_two, 1),
        EX_THREAD("other stranger", free_and_take, 2) },
      ex_heap_check },
};

/* ---- batches: chains of two, and blocks that strangers keep ---- */

static void prepare_batches(void)
{
    ex_heap_begin_span(1, 12);
    ex_class_bounds(2, 1);
    for (unsigned slot = 4; slot < 8; slot++)
        ex_alloc(slot, EX_SIZE);
    for (unsigned cpu = 1; cpu < 3; cpu++) {
        ex_on_cpu(cpu);
        ex_alloc(8, EX_SIZE);
        ex_free(8);
    }
    ex_on_cpu(0);
}

static void take_three(void)
{
    ex_alloc(8, EX_SIZE);
    ex_free(0);
    ex_alloc(9, EX_SIZE);
    ex_alloc(10, EX_SIZE);
}

static void free_three(void)
{
    ex_free(1);
    ex_free(4);
    ex_free(2);
}

static void free_three_and_take(void)
{
    ex_free(5);
    ex_free(3);
    ex_free(6);
    ex_alloc(11, EX_SIZE);
}

const struct ex_scenario ex_batches = {
    "batches",
    "the same in chains of two spans' blocks, some of which strangers keep",
    { prepare_batches,
      { EX_THREAD("owner", take_three, 0), EX_THREAD("stranger", free_three, 1),
        EX_THREAD("other stranger", free_three_and_take, 2) },
      ex_heap_check },
};

/* ---- one-cpu: threads that take the CPU from each other ---- */

static void prepare_one_cpu(void)
{
    ex_heap_begin_span(2, 12);
    ex_alloc(4, EX_SIZE);
    ex_free(2);
    ex_free(3);
}

static void first_on_cpu(void)
{
    ex_alloc(8, EX_SIZE);
    ex_free(0);
    ex_alloc(9, EX_SIZE);
    ex_free(8);
}

static void second_on_cpu(void)
{
    ex_alloc(10, EX_SIZE);
    ex_free(1);
    ex_alloc(11, EX_SIZE);
}

static void free_and_take_one(void)
{
    ex_free(4);
    ex_alloc(12, EX_SIZE);
}

const struct ex_scenario ex_one_cpu = {
    "one-cpu",
    "malloc and free of two threads of one CPU, a free elsewhere",
    { prepare_one_cpu,
      { EX_THREAD("first", first_on_cpu, 0), EX_THREAD("second", second_on_cpu, 0),
        EX_THREAD("stranger", free_and_take_one, 1) },
      ex_heap_check },
};

/* ---- adopt: an idle cache, and those who want its blocks ---- */

static void prepare_adopt(void)
{
    ex_heap_begin_span(4, 8);
    ex_alloc(4, EX_SIZE);
    ex_alloc(5, EX_SIZE);
    ex_free(0);
    ex_free(4);
    for (unsigned cpu = 1; cpu < 3; cpu++) { /* nothing is left in their own */
        ex_on_cpu(cpu);
        ex_alloc(4 * cpu + 4, EX_SIZE);
        ex_alloc(4 * cpu + 5, EX_SIZE);
        ex_alloc(4 * cpu + 6, EX_SIZE);
        ex_alloc(4 * cpu + 7, EX_SIZE);
    }
    ex_on_cpu(0);
    talus_kernel_cpu_gone(0);
}

static void adopt_for_1(void)
{
    ex_alloc(0, EX_SIZE);
    ex_alloc(4, EX_SIZE);
}

static void adopt_for_2(void)
{
    ex_alloc(6, EX_SIZE);
    ex_alloc(7, EX_SIZE);
}

static void free_to_idle(void)
{
    ex_free(1);
    ex_free(5);
}

const struct ex_scenario ex_adopt = {
    "adopt",
    "two CPUs adopt from an idle cache, to which a third one frees",
    { prepare_adopt,
      { EX_THREAD("taker", adopt_for_1, 1), EX_THREAD("other taker", adopt_for_2, 2),
        EX_THREAD("stranger", free_to_idle, 3) },
      ex_heap_check },
};

/* ---- cpu-gone: the owner goes while others free to it ---- */

static void prepare_cpu_gone(void)
{
    ex_heap_begin_span(2, 12);
}

static void goes(void)
{
    talus_kernel_cpu_gone(0);
    ex_free(3);
    ex_alloc(10, EX_SIZE);
}

static void comes(void)
{
    ex_alloc(8, EX_SIZE);
    ex_free(2);
    ex_alloc(9, EX_SIZE);
}

const struct ex_scenario ex_cpu_gone = {
    "cpu-gone",
    "a CPU goes, one frees to it, a new one takes over its cache",
    { prepare_cpu_gone,
      { EX_THREAD("goes", goes, 3), EX_THREAD("stranger", free_two, 1),
        EX_THREAD("comes", comes, 2) },
      ex_heap_check },
};

/* ---- trim: everything goes home ---- */

static void trim(void)
{
    talus_heap_stats_t stats;
    (void)talus_heap_trim(talus_heap_default());
    talus_heap_stats(talus_heap_default(), &stats);
    if (stats.allocated > stats.mapped || stats.free_pages > stats.mapped)
        ex_fail("statistics: more is allocated or free than there is");
}

static void free_and_take_two(void)
{
    ex_free(3);
    ex_alloc(8, EX_SIZE);
    ex_free(2);
}

const struct ex_scenario ex_trim = {
    "trim",
    "trim and statistics against frees of the owner and of another CPU",
    { prepare_three,
      { EX_THREAD("trimmer", trim, 2), EX_THREAD("owner", free_and_take_two, 0),
        EX_THREAD("stranger", free_two, 1) },
      ex_heap_check },
};

/* ---- idle: an idle CPU's cache serves another one, and the CPU wakes ---- */

static void prepare_idle(void)
{
    ex_heap_begin_span(2, 6);
    ex_free(0); /* the span is partly used from here on */
    ex_on_cpu(1);
    for (unsigned slot = 4; slot < 8; slot++) /* nothing is left in its own */
        ex_alloc(slot, EX_SIZE);
    ex_on_cpu(0);
}

static void idle_and_wake(void)
{
    ex_idling = true;
    (void)talus_heap_trim(talus_heap_default());
    ex_idling = false;
    ex_alloc(8, EX_SIZE);
    ex_free(1);
}

static void take_from_idle(void)
{
    ex_alloc(9, EX_SIZE);
    ex_alloc(10, EX_SIZE);
}

static void free_to_sleeper(void)
{
    ex_free(2);
}

/* The block's span is the sleeper's, the idle cache's, or the taker's by now. */
static void handle_on_sleeper(void)
{
    ex_free_from_interrupt(3);
}

const struct ex_scenario ex_idle = {
    "idle",
    "a CPU trims, as an idle loop does, and wakes; a handler there frees; others adopt, and free",
    { prepare_idle,
      { EX_THREAD("sleeper", idle_and_wake, 0), EX_THREAD("taker", take_from_idle, 1),
        EX_THREAD("stranger", free_to_sleeper, 2),
        EX_INTERRUPT("interrupt", handle_on_sleeper, 0) },
      ex_heap_check },
};

/* ---- rob: memory is short, and lies in another CPU's inbox ---- */

static void prepare_rob(void)
{
    ex_heap_begin_span(3, 3);
    ex_on_cpu(1);
    for (unsigned slot = 4; slot < 12 && ex_alloc(slot, EX_SIZE); slot++)
        ;
    ex_on_cpu(0);
}

static void take_two(void)
{
    ex_alloc(12, EX_SIZE);
    ex_alloc(13, EX_SIZE);
}

static void take_other_two(void)
{
    ex_alloc(14, EX_SIZE);
    ex_alloc(15, EX_SIZE);
}

const struct ex_scenario ex_rob = {
    "rob",
    "two CPUs without memory take over inboxes, to which a third one frees",
    { prepare_rob,
      { EX_THREAD("robber", take_two, 1), EX_THREAD("owner", take_other_two, 0),
        EX_THREAD("stranger", free_two, 2) },
      ex_heap_check },
};
