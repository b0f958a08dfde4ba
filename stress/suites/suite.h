/* suite.h: what a suite is. A new one: one file beside this, one line in list.c. */
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

extern const struct st_suite st_suite_fastpath, st_suite_remote, st_suite_churn, st_suite_mixed,
    st_suite_flow, st_suite_oom, st_suite_reserve;

const struct st_suite *st_suite_list(size_t i); /* NULL after the last */

/* By the main thread, no worker runs: frees what lies in the mailbox. */
void st_suite_empty_mailbox(const struct st_run *run, struct st_mailbox *box);

#endif
