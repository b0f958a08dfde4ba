/* mutants.h: the seeded bugs that the stress suites claim, one line each. arch/mutants.h declares them all, and says what each
 * breaks; the rest belong to other layers (tests/model, tests/unit). stress/CMakeLists.txt reads the lines below: each becomes a
 * build of the whole core with the bug in it, and a test that passes only if the suite fails within the time.
 *
 * ST_MUTANT(name, where, suite, seconds, "how it shows")
 *   where    hosted: in builds without a sanitizer; tsan: in the ThreadSanitizer build, which alone can see it on this CPU
 *   suite    which must catch it
 *   seconds  most time that it may take; TALUS_MUTANT_SECONDS may shorten it */
#ifndef STRESS_MUTANTS_H
#define STRESS_MUTANTS_H

#define ST_MUTANTS                                                                                \
    ST_MUTANT(inbox_push_lost, hosted, remote, 60,                                                \
              "blocks of the other push never come home: lost at the end")                        \
    ST_MUTANT(inbox_drain_split, hosted, remote, 60,                                              \
              "a push between load and store is forgotten: lost at the end")                      \
    ST_MUTANT(cache_head_twice, hosted, fastpath, 60,                                             \
              "a list in two places: the same block twice")                                       \
    ST_MUTANT(remote_as_own, hosted, remote, 60, "two threads on one list: the same block twice") \
    ST_MUTANT(claim_no_cas, hosted, churn, 60,                                                    \
              "two threads take over the same idle cache: the same block twice")                  \
    ST_MUTANT(lock_no_wait, hosted, mixed, 60, "two threads in the page pool: overlap or damage") \
    ST_MUTANT(lock_no_wake, hosted, mixed, 180, "a waiter sleeps for ever: stuck")                \
    ST_MUTANT(inbox_push_relaxed, tsan, remote, 60,                                               \
              "contents handed back without order: a data race")                                  \
    ST_MUTANT(inbox_drain_relaxed, tsan, remote, 60,                                              \
              "contents taken over without order: a data race")                                   \
    ST_MUTANT(claim_leave_relaxed, tsan, churn, 60, "a cache given up without order: a data race")

#endif
