/* team.h: a number of workers that do one thing for some time, watched by the main thread. */
#ifndef STRESS_LIB_TEAM_H
#define STRESS_LIB_TEAM_H

#include "stress/lib/worker.h"

#include <pthread.h>

/* What one run of a suite is given. */
struct st_run {
    const char       *suite;
    struct st_target *target;
    uint64_t          seed;
    unsigned          threads; /* 1 .. ST_TEAM_MAX */
    double            seconds; /* for the whole suite */
};

struct st_team {
    const struct st_run *run;
    const char          *part; /* what this team does, for progress lines; NULL: nothing to add */
    unsigned             size;
    void                *shared; /* the suite's */
    void (*body)(struct st_worker *worker, void *shared);
    bool              may_fail; /* for each worker */
    pthread_barrier_t start;
    _Atomic bool      stop;
};

/* Runs `size` workers over `body` until `seconds` are over, and joins them. Each body returns soon
 * after st_team_runs() says false. A team that does not move for a long time is a failure
 * ("stuck"). */
void st_team_run(struct st_team *team, unsigned size, double seconds);

/* For each worker, at least every few thousand operations. */
bool st_team_runs(struct st_worker *worker);

/* Seconds since some moment. */
double st_now(void);

#endif
