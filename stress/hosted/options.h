/* options.h: what the command line asks for. */
#ifndef STRESS_HOSTED_OPTIONS_H
#define STRESS_HOSTED_OPTIONS_H

#include "stress/hosted/preempt.h"
#include "stress/hosted/targets.h"
#include "stress/suites/suite.h"

#include <stddef.h>
#include <stdint.h>

#define ST_JOBS_MAX 64u

/* Constant once read. */
struct st_options {
    const char               *program;
    uint64_t                  suites; /* bit n: the n-th of st_suite_list */
    const char               *target_name;
    const char               *prefix; /* of the names in a library; "": none */
    struct st_target         *target;
    uint64_t                  seed;
    unsigned                  threads;
    double                    seconds;       /* for each suite */
    unsigned                  jobs;          /* suites at once; not more than are chosen */
    double                    patience;      /* seconds until who does not move is stuck */
    double                    caught_within; /* seconds; 0: an ordinary run */
    struct st_preempt_options preempt;
    bool                      json;
    bool                      self_test;
    const char               *junit, *page; /* files; NULL: none */
};
extern struct st_options st_options;

/* Reads all, loads the target; ends the program with a message when that cannot be done. Starts the
 * program again where another one is wanted: talus-stress-yield, or this one behind LD_PRELOAD. */
void st_options_read(int argc, char **argv);

/* Whether the n-th of st_suite_list is to run. */
bool st_options_has_suite(size_t n);

/* Why the suite cannot run, or NULL: what the target lacks, or the pressure that was asked for. */
const char *st_options_lack(const struct st_suite *suite);

/* The command that runs one suite again, with this seed. */
void st_options_replay(char *line, size_t size, const char *suite, uint64_t seed);

/* Whether the core was built with its marked points (TL_PREEMPT_POINT): points.c. */
extern const bool st_core_has_points;

#endif
