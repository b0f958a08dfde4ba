/* model.h: runs one relacy test over many schedules and says what came of it, in one line that CTest looks for.
 *
 *   program [iterations]     prints "model: passed ..." and returns 0, or "model: failed: <why> ..." and returns 1
 *
 * First random schedules with relaxed memory (old values are seen wherever C11 allows it); then, in order, all schedules with at
 * most two preemptions, up to the same number. relacy's random numbers are seeded by the iteration: each run repeats. */
#ifndef TALUS_TESTS_MODEL_H
#define TALUS_TESTS_MODEL_H

#include <cstdlib>
#include <iostream>
#include <sstream>

#include "arch/atomic.h"

template <typename test> static bool model_search(rl::scheduler_type_e search, unsigned iterations)
{
    rl::test_params    params;
    std::ostringstream trace;

    params.iteration_count = iterations;
    params.search_type = search;
    params.context_bound = 2;
    params.execution_depth_limit = 4000;
    params.output_stream = &trace;
    params.progress_stream = &trace;
    bool passed = rl::simulate<test>(params);
    if (!passed)
        std::cout << trace.str();
    std::cout << "model: " << (passed ? "passed" : "failed: ")
              << (passed ? "" : rl::test_result_str(params.test_result)) << " ("
              << rl::format(search) << ", iteration " << params.stop_iteration << ")" << std::endl;
    return passed;
}

template <typename test> static int model_main(int argc, char **argv)
{
    unsigned iterations = argc > 1 ? (unsigned)std::strtoul(argv[1], NULL, 10) : 20000;

    return model_search<test>(rl::sched_random, iterations) &&
                   model_search<test>(rl::sched_bound, iterations)
               ? 0
               : 1;
}

#endif
