/* list.h: the scenarios, each defined in a file beside. */
#ifndef STRESS_EXPLORE_SCENARIOS_LIST_H
#define STRESS_EXPLORE_SCENARIOS_LIST_H

#include "explore/scenario.h"

#define EX_SCENARIOS              \
    EX_SCENARIO(remote_free)      \
    EX_SCENARIO(batches)          \
    EX_SCENARIO(one_cpu)          \
    EX_SCENARIO(adopt)            \
    EX_SCENARIO(cpu_gone)         \
    EX_SCENARIO(trim)             \
    EX_SCENARIO(idle)             \
    EX_SCENARIO(rob)              \
    EX_SCENARIO(interrupt_free)   \
    EX_SCENARIO(interrupt_large)  \
    EX_SCENARIO(reserve_take)     \
    EX_SCENARIO(reserve_refill)   \
    EX_SCENARIO(growth)           \
    EX_SCENARIO(contract)         \
    EX_SCENARIO(expand)           \
    EX_SCENARIO(drain)            \
    EX_SCENARIO(large)            \
    EX_SCENARIO(realloc_in_place) \
    EX_SCENARIO(limit)            \
    EX_SCENARIO(heaps)            \
    EX_SCENARIO(late_free)        \
    EX_SCENARIO(dump)             \
    EX_SCENARIO(objects)

#define EX_SCENARIO(name) extern const struct ex_scenario ex_##name;
EX_SCENARIOS
#undef EX_SCENARIO

#endif
