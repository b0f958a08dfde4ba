/* models.c: see models.h.
 *
 * A model is a program of its own, in C++ over relacy, which a build tree alone has:
 * <build>/tests/model/model_NAME, while this program is <build>/stress/explore/talus-explore. It
 * says what came of each search in a line of tests/model/model.h, and before that, of a failure,
 * relacy's trace. A seeded bug is chosen by TALUS_MUTANT in the environment (arch/any_mutant.h). */
#define _GNU_SOURCE
#include "explore/models.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EX_MODEL(name, about) { name, about },
const struct ex_model ex_models[] = {
#include "models_list.h"
};
#undef EX_MODEL
const size_t ex_model_count = sizeof ex_models / sizeof ex_models[0];

enum { PATH_BYTES = 1024, SEARCHES_MAX = 8 };

struct search {
    char     name[64];
    uint64_t schedules;
};

struct outcome {
    enum ex_status status;
    struct search  search[SEARCHES_MAX];
    unsigned       searches;
    int            bound; /* on preemptions, of the search that has one; -1: it did not come to it
                           * */
    bool           exhausted;
    char           why[96]; /* when it did not hold */
    long           tail;    /* where the text goes on behind the last search that passed */
    double         seconds, cpu_seconds;
};

static bool build_folder(char folder[PATH_BYTES])
{
    ssize_t length = readlink("/proc/self/exe", folder, PATH_BYTES - 1);
    folder[length > 0 ? length : 0] = '\0';
    for (unsigned up = 0; up < 3; up++) {
        char *slash = strrchr(folder, '/');
        if (slash == NULL)
            return false;
        *slash = '\0';
    }
    return true;
}

static bool in_build(char path[PATH_BYTES], const char *before, const char *name)
{
    char folder[PATH_BYTES];
    if (!build_folder(folder))
        return false;
    int length = snprintf(path, PATH_BYTES, "%s/%s%s", folder, before, name);
    return length > 0 && length < PATH_BYTES && access(path, R_OK) == 0;
}

static bool program_of(const struct ex_model *model, char path[PATH_BYTES])
{
    return in_build(path, "tests/model/model_", model->name) && access(path, X_OK) == 0;
}

bool ex_model_is_built(const struct ex_model *model)
{
    char path[PATH_BYTES];
    return program_of(model, path);
}

void ex_model_say_missing(void)
{
    char path[PATH_BYTES], folder[PATH_BYTES];
    bool in_tree = in_build(path, "", "CMakeCache.txt") && build_folder(folder);
    fprintf(stderr,
            "explore: models that are not there: cmake --build %s --target models\n"
            "  (in a build tree alone: for this machine, without a sanitizer, and without 'model' "
            "in TALUS_SKIP_TESTS)\n",
            in_tree ? folder : "BUILD");
}

static pid_t launch(const char *path, const struct ex_options *options, FILE *text)
{
    char iterations[24];
    snprintf(iterations, sizeof iterations, "%" PRIu64, options->iterations);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fileno(text), STDOUT_FILENO);
        dup2(fileno(text), STDERR_FILENO);
        if (options->mutant != NULL)
            setenv("TALUS_MUTANT", options->mutant, 1);
        alarm((unsigned)options->seconds); /* goes on in the program; 0: none */
        execl(path, path, iterations, (char *)NULL);
        _exit(127);
    }
    return pid;
}

/* "model: passed (SEARCH, iteration N)" or "model: failed: WHY (SEARCH, iteration N)". */
static void read_line(const char *line, long behind, struct outcome *outcome)
{
    static const char passed[] = "model: passed ", failed[] = "model: failed: ";
    bool              has_passed = strncmp(line, passed, sizeof passed - 1) == 0;
    const char       *open = strchr(line, '(');
    const char       *number = strstr(line, ", iteration ");
    if ((!has_passed && strncmp(line, failed, sizeof failed - 1) != 0) || open == NULL ||
        number == NULL || number < open || outcome->searches == SEARCHES_MAX)
        return;
    struct search *search = &outcome->search[outcome->searches++];
    snprintf(search->name, sizeof search->name, "%.*s", (int)(number - open - 1), open + 1);
    search->schedules = strtoull(number + strlen(", iteration "), NULL, 10);
    if (!has_passed) {
        const char *why = line + sizeof failed - 1;
        outcome->status = EX_FAILED;
        snprintf(outcome->why, sizeof outcome->why, "%.*s", (int)(open - why - 1), why);
        return;
    }
    outcome->tail = behind;
    if (sscanf(search->name, "at most %d preemptions", &outcome->bound) == 1)
        outcome->exhausted = strstr(search->name, ", exhausted") != NULL;
}

static void read_text(FILE *text, struct outcome *outcome)
{
    char  *line = NULL;
    size_t size = 0;
    rewind(text);
    while (getline(&line, &size, text) > 0)
        read_line(line, ftell(text), outcome);
    free(line);
}

static bool is_crash(int number)
{
    return number == SIGSEGV || number == SIGBUS || number == SIGABRT || number == SIGILL ||
           number == SIGFPE;
}

/* What its end says, beside its lines: nothing counts as held but what ended well and exhausted its
 * bound. */
static void judge(int ended, const struct ex_options *options, struct outcome *outcome)
{
    bool said_failed = outcome->status == EX_FAILED;
    if (WIFSIGNALED(ended)) {
        int number = WTERMSIG(ended);
        outcome->status = is_crash(number) ? EX_FAILED : EX_NOT_RUN;
        if (number == SIGALRM)
            snprintf(outcome->why, sizeof outcome->why, "not exhausted in %.0f s",
                     options->seconds);
        else
            snprintf(outcome->why, sizeof outcome->why, "ended by signal %d (%s)", number,
                     strsignal(number));
    } else if (WEXITSTATUS(ended) == 0 && !said_failed && outcome->exhausted) {
        outcome->status = EX_HELD;
    } else if (WEXITSTATUS(ended) != 1 || !said_failed) {
        outcome->status = EX_NOT_RUN;
        snprintf(outcome->why, sizeof outcome->why, "ended with status %d", WEXITSTATUS(ended));
    }
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static const char *result_of(const struct outcome *outcome)
{
    return outcome->status == EX_HELD     ? "held"
           : outcome->status == EX_FAILED ? "failed"
                                          : "not run";
}

/* The line that runs the model again: its random numbers are seeded alike each time. */
static void print_again(const struct ex_model *model, const struct ex_options *options)
{
    const char *mutant = getenv("TALUS_MUTANT");
    if (options->mutant != NULL)
        printf("%s --mutant %s", options->program, options->mutant);
    else if (mutant != NULL && mutant[strspn(mutant, "abcdefghijklmnopqrstuvwxyz0123456789_")] == 0)
        printf("TALUS_MUTANT=%s %s", mutant, options->program);
    else
        printf("%s", options->program);
    printf(" --models %s --iterations %" PRIu64, model->name, options->iterations);
}

static uint64_t schedules_of(const struct outcome *outcome)
{
    uint64_t schedules = 0;
    for (unsigned i = 0; i < outcome->searches; i++)
        schedules += outcome->search[i].schedules;
    return schedules;
}

static void print_json(const struct ex_model *model, const struct ex_options *options,
                       const struct outcome *outcome)
{
    printf("{\"model\": \"%s\", \"result\": \"%s\", ", model->name, result_of(outcome));
    if (outcome->bound >= 0)
        printf("\"bound\": %d, ", outcome->bound);
    printf("\"exhausted\": %s, \"searches\": [", outcome->exhausted ? "true" : "false");
    for (unsigned i = 0; i < outcome->searches; i++)
        printf("%s{\"search\": \"%s\", \"schedules\": %" PRIu64 "}", i > 0 ? ", " : "",
               outcome->search[i].name, outcome->search[i].schedules);
    printf("], \"schedules\": %" PRIu64 ", \"seconds\": %.3f, \"cpu_seconds\": %.3f",
           schedules_of(outcome), outcome->seconds, outcome->cpu_seconds);
    if (outcome->status != EX_HELD) {
        printf(", \"failure\": \"%s\", \"replay\": \"", outcome->why);
        print_again(model, options);
        printf("\"");
    }
    puts("}");
}

static void print_line(const struct ex_model *model, const struct outcome *outcome)
{
    printf("%s: %s%s: ", model->name,
           outcome->status == EX_HELD     ? "held"
           : outcome->status == EX_FAILED ? "FAILED: "
                                          : "NOT run to the end: ",
           outcome->status == EX_HELD ? "" : outcome->why);
    for (unsigned i = 0; i < outcome->searches; i++)
        printf("%" PRIu64 " schedules, %s; ", outcome->search[i].schedules,
               outcome->search[i].name);
    printf("%" PRIu64 " in all, %.1f s of CPU\n", schedules_of(outcome), outcome->cpu_seconds);
}

/* What was said since the last search that passed: relacy's trace. */
static void print_tail(FILE *text, const struct outcome *outcome)
{
    static const char passed[] = "passed: "; /* a litmus shape, where another failed */
    char             *line = NULL;
    size_t            size = 0;
    if (fseek(text, outcome->tail, SEEK_SET) != 0)
        return;
    while (getline(&line, &size, text) > 0)
        if (strncmp(line, passed, sizeof passed - 1) != 0)
            printf("  %s", line);
    free(line);
}

enum ex_status ex_model_run(const struct ex_model *model, const struct ex_options *options)
{
    struct outcome outcome = { .bound = -1 };
    struct rusage  used;
    char           path[PATH_BYTES];
    int            ended;
    double         begun = seconds_now();
    FILE          *text = tmpfile();
    pid_t          pid = program_of(model, path) && text != NULL ? launch(path, options, text) : -1;
    if (pid < 0 || wait4(pid, &ended, 0, &used) != pid) {
        fprintf(stderr, "explore: %s cannot be run\n", model->name);
        return EX_NOT_RUN;
    }
    outcome.seconds = seconds_now() - begun;
    outcome.cpu_seconds = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
    read_text(text, &outcome);
    judge(ended, options, &outcome);
    if (options->json) {
        print_json(model, options, &outcome);
    } else {
        print_line(model, &outcome);
        if (outcome.status != EX_HELD) {
            print_tail(text, &outcome);
            printf("  again: ");
            print_again(model, options);
            puts("");
        }
    }
    fclose(text);
    return outcome.status;
}
