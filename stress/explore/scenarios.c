/* scenarios.c: the list of scenarios. */
#include "explore/scenarios/list.h"

#define EX_SCENARIO(name) &ex_##name,
const struct ex_scenario *const ex_scenarios[] = { EX_SCENARIOS };
#undef EX_SCENARIO
const size_t ex_scenario_count = sizeof ex_scenarios / sizeof ex_scenarios[0];
