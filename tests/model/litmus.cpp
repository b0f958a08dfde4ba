/* litmus.cpp: the shapes of tests/litmus under relacy, which lets each load see every value that
 * C11 allows. R30.
 *
 *   model_litmus [schedules]            every shape: no forbidden outcome, in any schedule
 *   model_litmus [schedules] --twins    every twin fails, by an outcome or a race
 *
 * The weak outcomes that C11 allows must come, as proof that the simulation is as weak as the
 * memory model: all but load buffering, since relacy executes in some order and never reads what
 * was not written yet. */
#include <cstring>
#include <ctime>
#include <fstream>

#include "litmus/shapes.h"
#include "model.h"

enum litmus_twin litmus_broken;

static const struct litmus_shape *shape; /* the one that is simulated */
static unsigned long              weak_outcomes;
static unsigned long              schedules_made[3]; /* of all shapes, by search */

enum { PREEMPTIONS_MAX = 2 };

template <unsigned threads>
struct litmus_test : rl::test_suite<litmus_test<threads>, (rl::thread_id_t)threads> {
    struct litmus_cell    cell;
    struct litmus_outcome outcome;

    void before()
    {
        outcome = litmus_outcome();
        tl_put(&cell.plain, 0);
        cell.piece[0].arrivals = 0;
        cell.piece[1].arrivals = 0;
    }

    void thread(unsigned role)
    {
        shape->body[role](&cell, outcome.seen[role]);
    }

    void after()
    {
        enum litmus_verdict verdict = shape->judge(&cell, &outcome);
        weak_outcomes += verdict == LITMUS_WEAK;
        RL_ASSERT(verdict != LITMUS_FORBIDDEN);
    }
};

template <unsigned threads>
static bool simulate(rl::scheduler_type_e search, unsigned schedules, std::ostream &trace,
                     std::string *why)
{
    rl::test_params params;

    params.iteration_count = schedules;
    params.search_type = search;
    params.context_bound = PREEMPTIONS_MAX;
    params.execution_depth_limit = 4000;
    params.output_stream = &trace;
    params.progress_stream = &trace;
    bool passed = rl::simulate<litmus_test<threads>>(params);
    schedules_made[search == rl::sched_bound ? 2 : tl_model_wakes_for_nothing] +=
        (unsigned long)params.stop_iteration;
    *why = passed ? "passed" : rl::test_result_str(params.test_result);
    return passed;
}

static bool simulate(rl::scheduler_type_e search, unsigned schedules, std::ostream &trace,
                     std::string *why)
{
    return shape->threads == 2   ? simulate<2>(search, schedules, trace, why)
           : shape->threads == 3 ? simulate<3>(search, schedules, trace, why)
                                 : simulate<4>(search, schedules, trace, why);
}

/* Random schedules, with and without wakes for nothing, then all those with at most two
 * preemptions. */
static bool simulate_all(unsigned schedules, std::ostream &trace, std::string *why)
{
    tl_model_wakes_for_nothing = false;
    if (!simulate(rl::sched_random, schedules, trace, why) ||
        !simulate(rl::sched_bound, schedules, trace, why))
        return false;
    tl_model_wakes_for_nothing = true;
    return simulate(rl::sched_random, schedules, trace, why);
}

static bool check_shape(unsigned schedules)
{
    std::ofstream nowhere;
    std::string   why;
    bool          is_weak = strncmp(shape->name, "weak.", 5) == 0;
    bool          shows_weak = is_weak && strcmp(shape->name, "weak.load_buffering") != 0;
    bool          passed;

    weak_outcomes = 0;
    passed = simulate_all(schedules, nowhere, &why);
    if (!passed)
        (void)simulate_all(schedules, std::cout, &why); /* each run repeats: the trace */
    if (passed && shows_weak && weak_outcomes == 0) {
        passed = false;
        why = "no weak outcome";
    }
    std::cout << (passed ? "passed: " : "FAILED: ") << shape->name << ": " << why << ", "
              << weak_outcomes << " weak" << std::endl;
    return passed;
}

/* The lines of model.h, of all shapes together. */
static void say(unsigned checks, unsigned failed)
{
    if (failed != 0) {
        std::cout << "model: failed: " << failed << " of " << checks
                  << " shapes (three searches, iteration "
                  << schedules_made[0] + schedules_made[1] + schedules_made[2] << ")" << std::endl;
        return;
    }
    for (unsigned i = 0; i < 3; i++)
        std::cout << "model: passed ("
                  << model_search_name(i == 2 ? rl::sched_bound : rl::sched_random, i == 1,
                                       PREEMPTIONS_MAX, true)
                  << ", iteration " << schedules_made[i] << ")" << std::endl;
}

static bool check_twin(enum litmus_twin twin, unsigned schedules)
{
    std::ofstream nowhere; /* not opened: its failure is no news */
    std::string   why;

    litmus_broken = twin;
    std::clock_t begin = std::clock();
    bool         missed = simulate_all(schedules, nowhere, &why);
    double       seconds = (double)(std::clock() - begin) / CLOCKS_PER_SEC;
    litmus_broken = LITMUS_sound;
    std::cout << (missed ? "FAILED: " : "caught: ") << shape->name << " with "
              << litmus_twin_name(twin) << ": " << why << " after " << std::fixed << seconds << " s"
              << std::endl;
    return !missed;
}

int main(int argc, char **argv)
{
    unsigned schedules = argc > 1 ? (unsigned)std::strtoul(argv[1], NULL, 10) : 20000;
    bool     twins = argc > 2 && strcmp(argv[2], "--twins") == 0;
    unsigned checks = 0, failed = 0;

    for (unsigned i = 0; i < LITMUS_SHAPES; i++) {
        shape = &litmus_shapes[i];
        if (!twins) {
            checks++;
            failed += !check_shape(schedules);
            continue;
        }
        for (unsigned n = 0; n < LITMUS_TWINS_MAX && shape->twins[n].twin != LITMUS_sound; n++) {
            if (!(shape->twins[n].layers & LITMUS_MODEL))
                continue;
            checks++;
            failed += !check_twin(shape->twins[n].twin, schedules);
        }
    }
    if (!twins)
        say(checks, failed);
    std::cout << "litmus: " << checks << " checked, " << failed << " failed" << std::endl;
    return checks == 0 || failed > 0;
}
