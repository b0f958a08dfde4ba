/* model.h: runs one relacy test over many schedules and says what came of each search, in a line
 * that CTest and `talus explore --models` (stress/explore/models.c) read.
 *
 *   program [iterations]     prints "model: passed (SEARCH, iteration N)" for each and returns 0,
 *   or "model: failed: WHY (SEARCH, iteration N)" and returns 1
 *
 * Random schedules with relaxed memory (old values are seen wherever C11 allows it), with and
 * without wakes for nothing; then all schedules with at most `preemptions_max` preemptions, which
 * each test sets so that they end within seconds. The number of the schedule seeds relacy's random
 * numbers: each run repeats. */
#ifndef TALUS_TESTS_MODEL_H
#define TALUS_TESTS_MODEL_H

#include <cstdlib>
#include <iostream>
#include <string>

#include "arch/model/port.h"

/* In words, for the line. relacy leaves the bounded search only when it has made every schedule,
 * whatever the number of iterations that was asked for: one that passed has exhausted its bound. */
static inline std::string model_search_name(rl::scheduler_type_e search, bool wakes_for_nothing,
                                            unsigned bound, bool passed)
{
    if (search == rl::sched_bound)
        return "at most " + std::to_string(bound) + " preemptions" + (passed ? ", exhausted" : "");
    return wakes_for_nothing ? "by chance, with wakes for nothing" : "by chance";
}

template <typename test>
static bool model_search(rl::scheduler_type_e search, bool wakes_for_nothing, unsigned iterations)
{
    rl::test_params params;

    params.iteration_count = iterations;
    params.search_type = search;
    params.context_bound = test::preemptions_max;
    params.execution_depth_limit = 4000;
    tl_model_wakes_for_nothing = wakes_for_nothing;
    bool passed = rl::simulate<test>(params); /* prints the trace of a failure */

    std::cout << "model: " << (passed ? "passed" : "failed: ")
              << (passed ? "" : rl::test_result_str(params.test_result)) << " ("
              << model_search_name(search, wakes_for_nothing, test::preemptions_max, passed)
              << ", iteration " << params.stop_iteration << ")" << std::endl;
    return passed;
}

template <typename test> static int model_main(int argc, char **argv)
{
    unsigned iterations = argc > 1 ? (unsigned)std::strtoul(argv[1], NULL, 10) : 20000;

    return model_search<test>(rl::sched_random, false, iterations) &&
                   model_search<test>(rl::sched_random, true, iterations) &&
                   model_search<test>(rl::sched_bound, false, iterations)
               ? 0
               : 1;
}

#endif
