/* scenarios.c: the races, one entry each. How one is made: scenario.h. */
#include "explore/scenario.h"

/* ---- remote-free: the fast path against the free of another CPU ---- */

static void remote_prepare(void)
{
    ex_heap_begin(12, false, (talus_heap_options){ 0 });
    for (unsigned slot = 0; slot < 4; slot++)
        ex_alloc(slot, EX_SIZE);
    for (unsigned cpu = 1; cpu < 3; cpu++) {
        ex_on_cpu(cpu);
        ex_alloc(4, EX_SIZE);
        ex_free(4);
    }
    ex_on_cpu(0);
}

static void remote_owner(void)
{
    ex_alloc(8, EX_SIZE);
    ex_alloc(9, EX_SIZE);
    ex_free(8);
    ex_alloc(10, EX_SIZE);
}

static void remote_stranger(void)
{
    ex_free(0);
    ex_free(1);
}

static void remote_other_stranger(void)
{
    ex_free(2);
    ex_alloc(11, EX_SIZE);
}

#define THREAD(name, run, cpu) \
    {                          \
        name, run, cpu, false  \
    }
#define HANDLER(name, run, cpu) \
    {                           \
        name, run, cpu, true    \
    }
#define SCENARIO(name, hunts, prepare, ...)         \
    {                                               \
        name, hunts,                                \
        {                                           \
            prepare, { __VA_ARGS__ }, ex_heap_check \
        }                                           \
    }

const struct ex_scenario ex_scenarios[] = {
    SCENARIO("remote-free", "malloc, drain and free of the owner, frees of its blocks elsewhere",
             remote_prepare, THREAD("owner", remote_owner, 0),
             THREAD("stranger", remote_stranger, 1),
             THREAD("other stranger", remote_other_stranger, 2)),
};
const size_t ex_scenario_count = sizeof ex_scenarios / sizeof ex_scenarios[0];
