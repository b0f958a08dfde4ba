/* team.h: a number of workers that do one thing for some time. */
#ifndef STRESS_LIB_TEAM_H
#define STRESS_LIB_TEAM_H

#include "stress/lib/host.h"

struct st_block;
struct st_handler_calls;

/* What one run of a suite is given. */
struct st_run {
    const char       *suite;
    struct st_target *target;
    uint64_t          seed;
    unsigned          threads; /* 1 .. ST_TEAM_MAX */
    /* how long: milliseconds where it is `timed`, else operations of each worker */
    uint32_t                       amount;
    bool                           timed;
    size_t                         memory;   /* bytes that all blocks together may have, about */
    const struct st_handler_calls *handlers; /* at work during the run; NULL: none */
    bool                           swaps;    /* workers swap blocks with the handlers */
    bool host_judges; /* whether enough handlers fell into the heap: it may run the suite again */
};

struct st_team {
    const struct st_run *run;
    const char          *part; /* what this team does, for progress lines; NULL: nothing to add */
    unsigned             size;
    uint32_t             amount; /* as the run's */
    void                *shared; /* the suite's */
    void (*body)(struct st_worker *worker, void *shared);
    bool             may_fail; /* for each worker */
    _Atomic uint32_t arrived;  /* of st_team_wait */
    _Atomic uint32_t left;     /* operations, of all; where the run is not timed */
    _Atomic uint32_t stop;
};

/* Runs `size` workers over `body` for `amount`, and joins them. Each body returns soon after
 * st_team_runs() says false. False: the run is over, too. */
bool st_team_run(struct st_team *team, unsigned size, uint32_t amount);

/* For each worker, at least every few thousand operations. */
bool st_team_runs(struct st_worker *worker);

/* Returns when `all` threads have called it with this counter, which was 0. */
void st_team_wait(_Atomic uint32_t *arrived, uint32_t all);

/* The worker's table of ST_TABLE_BLOCKS blocks, none in it; larger than a kernel's stack. */
#define ST_TABLE_BLOCKS 1024u
struct st_block *st_team_table(const struct st_worker *worker);

#endif
