/* results.c: what the suites have done, as lines for people and objects for programs. */
#include "stress/hosted/results.h"

#include "stress/hosted/options.h"
#include "stress/lib/report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const outcome_names[] = { "passed", "failed", "error", "skipped",
                                             "interrupted" };

const char *st_outcome_name(enum st_outcome outcome)
{
    return outcome_names[outcome];
}

size_t st_results_count(const struct st_results *results, enum st_outcome outcome)
{
    size_t count = 0;
    for (size_t i = 0; i < results->count; i++)
        count += results->suites[i].outcome == outcome;
    return count;
}

/* ---- for people ---- */

static void say_rates(const struct st_result *result)
{
    struct st_counts n = result->record->total;
    uint64_t operations = st_count_read(&n.operations), cuts = st_count_read(&n.preemptions);
    double   took = result->took;

    st_say("%-9s %s: target %s, seed %" PRIu64 ", %u threads, %.1f s: %" PRIu64
           " operations (%.2f M/s), %" PRIu64 " blocks, %" PRIu64 " remote frees, %" PRIu64
           " refused, %" PRIu64 " threads started, %" PRIu64 " preemptions (%.0f/s, %" PRIu64
           " inside of the heap), %" PRIu64 " yields, overlaps 0, lost %s",
           result->suite->name, st_outcome_name(result->outcome), st_options.target_name,
           st_options.seed, st_options.threads, took, operations, (double)operations / took / 1e6,
           st_count_read(&n.blocks), st_count_read(&n.remote), st_count_read(&n.refused),
           st_count_read(&n.threads), cuts, (double)cuts / took, st_count_read(&n.inside),
           st_count_read(&n.yields), st_options.target->allocated != NULL ? "0" : "not known");
    if (result->record->untracked != 0)
        st_say("%-9s note: %zu granules were outside of the oracle's shadow", result->suite->name,
               result->record->untracked);
}

void st_result_say(const struct st_result *result)
{
    switch (result->outcome) {
    case ST_OUTCOME_PASSED:
        say_rates(result);
        break;
    case ST_OUTCOME_SKIPPED:
        st_say("%-9s skipped: target %s has no %s", result->suite->name, st_options.target_name,
               result->lacks);
        break;
    case ST_OUTCOME_INTERRUPTED:
        if (result->record != NULL && result->record->passed)
            say_rates(result);
        else
            st_say("%-9s interrupted after %.1f s, nothing found", result->suite->name,
                   result->took);
        break;
    case ST_OUTCOME_FAILED:
    case ST_OUTCOME_ERROR:
        st_say("%-9s %s: %s after %.1f s (above)", result->suite->name,
               st_outcome_name(result->outcome), result->kind, result->took);
        break;
    }
}

void st_results_say(const struct st_results *results)
{
    char   line[256];
    size_t length = 0, chosen = 0;

    for (size_t i = 0; st_suite_list(i) != NULL; i++)
        chosen += st_options_has_suite(i);
    for (size_t i = 0; i < sizeof(outcome_names) / sizeof(outcome_names[0]); i++) {
        size_t count = st_results_count(results, (enum st_outcome)i);
        if (count != 0 || i == ST_OUTCOME_PASSED)
            length += (size_t)snprintf(line + length, sizeof(line) - length, "%s%zu %s",
                                       length != 0 ? ", " : "", count, outcome_names[i]);
    }
    if (results->count < chosen) /* Ctrl-C */
        snprintf(line + length, sizeof(line) - length, ", %zu not begun", chosen - results->count);
    st_say("talus-stress: of %zu suites %s", chosen, line);
}

/* ---- files ---- */

static void say_cannot_write(const char *path, int error)
{
    fprintf(stderr, "talus-stress: cannot write %s: %s\n", path, strerror(error));
}

/* 0, or why it cannot be written. What exists is not opened: a reader of a pipe would see an end.
 * */
static int why_not_writable(const char *path)
{
    struct stat there;

    if (stat(path, &there) == 0)
        return S_ISDIR(there.st_mode) ? EISDIR : access(path, W_OK) == 0 ? 0 : errno;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? 0 : errno; /* a link to what is to come: seen at the end */
    close(fd);
    unlink(path);
    return 0;
}

bool st_results_can_save(const char *path)
{
    int error = path != NULL ? why_not_writable(path) : 0;

    if (error != 0)
        say_cannot_write(path, error);
    return error == 0;
}

bool st_results_save(const struct st_results *results, const char *path,
                     bool (*write)(const struct st_results *what, FILE *file))
{
    FILE *file = fopen(path, "we");
    bool  written = file != NULL && write(results, file);

    if (file != NULL)
        written = fclose(file) == 0 && written;
    if (!written)
        say_cannot_write(path, errno);
    return written;
}
