/* suite.h: what the images under test are made of: suites of parts, each of which runs as one job.
 *
 * A part's threads hammer something under preemption; then CPU 0 judges what came out. Whatever is
 * wrong is counted, and the first findings are printed: a run fails when there is any. */
#ifndef TALUS_TESTS_BARE_SUITE_H
#define TALUS_TESTS_BARE_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stress/lib/rng.h"

enum { THREADS_MAX = 64 };

/* Bugs that the tests themselves can be told to have, so that each check is seen to find one. */
enum bug {
    BUG_NONE,
    BUG_UNPINNED,
    BUG_TORN,
    BUG_UNRETRIED,
    BUG_MASKED,
    BUG_MASKED_SWITCH,
    BUG_AWAKE,
    BUG_KEEPING,
    BUG_SWITCHED
};

struct part {
    const char *name;
    void (*prepare)(void); /* CPU 0, before; NULL: nothing to do */
    void (*work)(unsigned thread, struct st_rng *rng);
    void (*interrupt)(unsigned thread, uintptr_t pc); /* sched.h; may be NULL */
    void (*judge)(void);                              /* CPU 0, afterwards */
};

struct suite {
    const char               *name;
    const struct part *const *parts; /* NULL at the end */
};

/* What the command line said; written before the first job. */
struct run {
    unsigned cpus, threads_per_cpu, threads;
    uint32_t iterations; /* of each thread, in each part; in stress suites: operations */
    uint32_t seed;
    uint32_t period_ns; /* mean distance of a CPU's interrupts */
    enum bug bug;
};
extern struct run run;

extern const struct suite machine_suite;
extern const struct suite heap_suite;
extern const struct suite latency_suite;

/* Counts a finding, and prints it if it is among the first of its part. Context: thread. */
void finding(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A finding unless the two are equal. */
void expect_equal(const char *what, uintptr_t got, uintptr_t wanted);

/* Adds to the number of operations that the run reports. */
void count_operations(uint32_t operations);

/* Pins, unless the run has the bug of not doing so. */
void pin(void);
void unpin(void);

/* Turns of nothing, for something to happen meanwhile. */
void linger(unsigned turns);

#endif
