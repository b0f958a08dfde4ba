/* suite.h: what a suite is. A new one is one file NAME.c beside this, or in hosted/suites/ where it
 * needs a process: the build makes the list of them (suites.cmake). */
#ifndef STRESS_SUITES_SUITE_H
#define STRESS_SUITES_SUITE_H

#include "stress/lib/block.h"
#include "stress/lib/mailbox.h"
#include "stress/lib/team.h"

struct st_suite {
    const char *name;
    const char *hunts; /* one line: the race it is after */
    bool        needs_instances;
    bool        children; /* starts threads while a team runs */
    /* at work in every run of it; NULL: only where the run has some */
    const struct st_handler_calls *handlers;
    /* Runs for run->amount, and frees all that it allocated. */
    void (*main)(const struct st_run *run);
};

/* Defines the suite of the file NAME.c: ST_SUITE(NAME) = { ... }; */
#define ST_SUITE(suite)                            \
    extern const struct st_suite st_suite_##suite; \
    const struct st_suite        st_suite_##suite

const struct st_suite *st_suite_list(size_t i); /* NULL after the last */

#endif
