/* results.h: what became of each suite, and the forms in which it is told. By the process that
 * watches, which drives no heap. */
#ifndef STRESS_HOSTED_RESULTS_H
#define STRESS_HOSTED_RESULTS_H

#include "stress/hosted/record.h"
#include "stress/suites/suite.h"

#include <stdio.h>

enum st_outcome {
    ST_OUTCOME_PASSED,
    ST_OUTCOME_FAILED,
    ST_OUTCOME_ERROR,       /* it could not run */
    ST_OUTCOME_SKIPPED,     /* what it needs is not there */
    ST_OUTCOME_INTERRUPTED, /* nothing found until then */
};

struct st_result {
    const struct st_suite  *suite;
    bool                    over; /* all of this is known */
    enum st_outcome         outcome;
    double                  began;    /* seconds since the first one */
    double                  took;     /* seconds */
    const char             *lacks;    /* what it needs; NULL: nothing is missing */
    const struct st_record *record;   /* NULL: it did not run */
    char                    kind[64]; /* of the failure, or of what kept it from running */
};

#define ST_RESULTS_MAX 64u /* as many suites as --suite can choose */

/* In the order of the list of suites. Constant once the last one has ended. */
struct st_results {
    struct st_result suites[ST_RESULTS_MAX];
    size_t           count;
};

const char *st_outcome_name(enum st_outcome outcome);
size_t      st_results_count(const struct st_results *results, enum st_outcome outcome);

/* One suite: a line for people; an object for programs, on standard output. */
void st_result_say(const struct st_result *result);
void st_result_json(const struct st_result *result);

/* All: a line for people; a file. False: it could not be written. */
void st_results_say(const struct st_results *results);
/* tools/talus: stress_junit.c, stress_page.c */
bool st_results_junit(const struct st_results *results, FILE *file);
bool st_results_page(const struct st_results *results, FILE *file);

/* Whether the file could be written, as far as that is known before there is anything to write;
 * leaves all as it was. NULL: no file. False after a message. */
bool st_results_can_save(const char *path);

/* Writes `what` to the file. False after a message. */
bool st_results_save(const struct st_results *results, const char *path,
                     bool (*write)(const struct st_results *what, FILE *file));

#endif
