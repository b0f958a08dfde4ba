/* search.h: which runs are made: all up to a bound on preemptions, all but equal ones, or some by
 * chance.
 *
 * 1 Bounded     A switch away from a thread that could go on is a preemption. All runs with at most
 *               `bound` of them are made: switches where a thread waits or ends are free, and all
 *               are tried (CHESS: Musuvathi and Qadeer, PLDI 2007).
 * 2 Where       A thread is preempted in front of conflicting operations alone (engine.h, 5), and
 *               of points without an address. Nothing is lost. If a thread is preempted in front of
 *               an operation that conflicts with none, it may as well do that operation first: the
 *               others do not see the difference, and there are no more preemptions than before;
 *               again and again, until the next operation conflicts, or it waits or ends, where the
 *               switch is free. What conflicts is learnt: a run that shows a new conflict begins
 *               the search anew, and the search is complete when it ended without one. Were there a
 *               run within the bound with a conflict that the search does not know, take its first
 *               such conflict: up to there the run is one of those that the argument moves, and the
 *               search has made the moved one, which shows the conflict.
 * 3 Equal runs  Without a bound: sleep sets (Godefroid, 1996). A thread whose next operation was
 *               tried from a state already is not tried from the next states before somebody did
 *               something that conflicts with it. Under a bound this would be wrong: of two equal
 *               runs the one that is left may need more preemptions than the other one had. So
 *               bounded searches do without.
 * 4 By chance   PCT (Burckhardt et al., ASPLOS 2010): the runnable thread of highest priority goes
 *               on; priorities are drawn, and d - 1 points at which the one that runs becomes the
 *               lowest. With n threads and k points a bug that d ordering constraints bring about
 *               is found by each run with a probability of at least 1 / (n k^(d-1)). k is learnt:
 *               each run is drawn for that of the longest one before it.
 * 5 Shrinking   Of a failing run's switches those are left out, one after the other, without which
 *               it fails in the same way. */
#ifndef STRESS_EXPLORE_SEARCH_H
#define STRESS_EXPLORE_SEARCH_H

#include "explore/engine.h"

enum { EX_UNBOUNDED = -1 };

struct ex_found;

struct ex_limits {
    double   seconds; /* 0: none */
    uint64_t runs;    /* 0: none */
    /* called every 1024 runs; or NULL */
    void (*progress)(void *context, const struct ex_found *found);
    void *context;
};

struct ex_found {
    bool               failed;
    bool               exhausted; /* all runs that were to be made */
    int                bound;     /* that the failure was found with, or that was searched last */
    uint64_t           runs;      /* of the search with that bound */
    uint64_t           redundant; /* of them: given up as equal to another */
    uint64_t           all_runs;  /* with those that learnt conflicts, and smaller bounds */
    uint64_t           points;    /* of all runs */
    uint32_t           longest;   /* points of one run */
    double             seconds;
    double             cpu_seconds; /* of the process */
    struct ex_run      run;         /* if failed: the run, not shrunk */
    struct ex_schedule schedule;
};

/* All runs with at most `bound` preemptions, the ones with fewer first; or all, EX_UNBOUNDED, with
 * sleep sets or without. Ends with the first failure. */
void ex_search_bounded(int bound, const struct ex_limits *limits, struct ex_found *found);
void ex_search_unbounded(bool sleep_sets, const struct ex_limits *limits, struct ex_found *found);

/* `limits->runs` runs by chance. */
void ex_search_pct(unsigned depth, uint64_t seed, const struct ex_limits *limits,
                   struct ex_found *found);

/* Those of the longest run, the threads' begins among them: where priorities may change. */
uint32_t ex_pct_points(const struct ex_found *found);

/* The probability that one such run finds a bug of that depth, at least. */
double ex_pct_guarantee(unsigned threads, uint32_t points, unsigned depth);

/* Repeats `schedule`; what was done then is in *done, if wanted. Where it says nothing, the thread
 * that runs goes on, or else the first one. */
void ex_replay(const struct ex_schedule *schedule, struct ex_run *run, struct ex_schedule *done);

/* Makes the schedule of a failing run as short as it gets; *run becomes its run. */
void ex_shrink(struct ex_schedule *schedule, struct ex_run *run);

/* "0.12-1.40-0.7": thread 0 passes 12 points, thread 1 40, ... false: no such text. */
bool ex_schedule_read(const char *text, struct ex_schedule *schedule);
void ex_schedule_write(const struct ex_schedule *schedule, char *text, size_t size);

#endif
