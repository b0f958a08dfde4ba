/* report.h: one scenario explored or replayed, and told of. */
#ifndef STRESS_EXPLORE_REPORT_H
#define STRESS_EXPLORE_REPORT_H

#include "explore/scenario.h"
#include "explore/search.h"

enum ex_status { EX_HELD = 0, EX_FAILED = 1, EX_NOT_RUN = 2 };

struct ex_options {
    const char *program; /* as it is called, for the line that replays */
    const char *mutant;  /* that is switched on; or NULL */
    int         bound;   /* or EX_UNBOUNDED */
    uint64_t    pct;     /* runs by chance; 0: the search */
    unsigned    depth;
    uint64_t    seed;
    uint64_t    iterations; /* of each search of a model by chance */
    double      seconds;    /* for each scenario and model; 0: no limit */
    bool        json;
    /* a failure must be found, and its replay must fail again: then EX_HELD, else EX_FAILED */
    bool expect_caught;
};

/* Explores the scenario; once in a process. */
enum ex_status ex_explore(const struct ex_scenario *scenario, const struct ex_options *options);

enum ex_status ex_explore_replay(const struct ex_scenario *scenario, const char *schedule,
                                 const struct ex_options *options);

#endif
