/* judge.h: runs that are meant to fail. */
#ifndef STRESS_HOSTED_JUDGE_H
#define STRESS_HOSTED_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

/* Runs `attempt` in a child process, with seeds counted up, until one fails with a report, crash or
 * sanitizer report. Returns ST_PASSED if one did within `seconds`, else ST_FAILURE. Where a busy
 * machine gives the attempts less CPU than that, they have up to four times as long. No thread runs
 * yet. */
int st_expect_caught(double seconds, uint64_t seed, int (*attempt)(uint64_t seed));

/* Runs `attempt` once in a child process. True if it failed with a report of `kind`; NULL: if it
 * passed. */
bool st_judge_once(int (*attempt)(uint64_t seed), uint64_t seed, const char *kind);

/* Shows that the oracle and the checks bark when they must, and are silent when they must be.
 * Returns ST_PASSED or ST_FAILURE. */
int st_self_test(uint64_t seed);

#endif
