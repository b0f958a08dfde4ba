/* handlers.h: what interrupt handlers and signal handlers do with memory while a suite runs.
 * Theory: handlers.c. */
#ifndef STRESS_LIB_HANDLERS_H
#define STRESS_LIB_HANDLERS_H

#include "stress/lib/team.h"

/* How a run has handlers at work: `st_handlers`, or NULL for none. By pointers, so that a program
 * over another heap links without talus. */
struct st_handler_calls {
    /* Before the first team: makes the reserves. Their heap is the run's, or the default one. */
    void (*start)(const struct st_run *run);
    /* By each worker, now and then: refills. */
    void (*turn)(struct st_worker *worker);
    /* By a worker who would free the block at `p` now. False: he must. */
    bool (*leave)(struct st_rng *rng, void *p);
    /* No worker runs: frees what was left to handlers; it may be of a heap that is about to go. */
    void (*drain)(void);
    /* No worker runs: fails the run when a block is lost, or when there was too little pressure. */
    void (*end)(void);
};
extern const struct st_handler_calls st_handlers;

/* What happened since the start. */
#define ST_INSIDE_LEAST 10u /* runs that must fall into the heap, where a suite is about handlers */
struct st_handler_counts {
    size_t runs, inside, taken, missed, put, freed, left, refills;
    size_t of_workers; /* of `freed`: blocks that a worker allocated */
};
struct st_handler_counts st_handlers_counts(void);

/* In a handler: uses the reserves, and frees what workers left. Does nothing before the start and
 * after the end. `interrupted` owns what it takes meanwhile; NULL: the handler interrupted no
 * worker. Context: any. */
void st_handlers_run(struct st_worker *interrupted);

/* By a worker: gives `p` to the handlers, or to another worker; returns what lay there. */
void *st_handlers_swap(struct st_rng *rng, void *p);

#endif
