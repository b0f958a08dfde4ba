/* main.c: talus-explore: options, and one process for each scenario. */
#define _GNU_SOURCE
#include "explore/mutants.h"
#include "explore/report.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int help(FILE *to)
{
    fputs(
        "usage: talus explore [options]\n"
        "The heap's core, a kernel's, under all schedules up to a bound: every atomic operation,\n"
        "lock and marked access is a place where another thread, or an interrupt, may go on.\n"
        "  --list             the scenarios\n"
        "  --scenario NAMES   these, with commas; --all: all (the default)\n"
        "  --bound N          at most N preemptions (2); none: all schedules, equal ones once\n"
        "  --pct RUNS         schedules by chance instead (PCT), for bugs of --depth D (3)\n"
        "  --seed N           of the chance (1)\n"
        "  --seconds S        for each scenario; then what was not exhausted did not hold\n"
        "  --jobs N           scenarios at once (one for each CPU)\n"
        "  --replay SCHEDULE  repeats a schedule of the one scenario\n"
        "  --mutant NAME      with this seeded bug (talus-explore-mutants alone has them)\n"
        "  --expect-caught    a failure must be found, and its replay fail again\n"
        "  --json             one object for each scenario on standard output\n"
        "Exit status: 0 all held; 1 a failure was found; 2 not run to the end, or wrong usage.\n",
        to);
    return to == stdout ? EX_HELD : EX_NOT_RUN;
}

static bool is_chosen(const char *chosen, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = chosen; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return chosen == NULL;
}

static const struct ex_scenario *find(const char *name, size_t length)
{
    for (size_t i = 0; i < ex_scenario_count; i++)
        if (strlen(ex_scenarios[i]->name) == length &&
            strncmp(ex_scenarios[i]->name, name, length) == 0)
            return ex_scenarios[i];
    fprintf(stderr, "explore: there is no scenario '%.*s' (--list)\n", (int)length, name);
    return NULL;
}

static bool all_are_known(const char *chosen)
{
    bool known = true;
    for (const char *at = chosen; at != NULL && known; at = strchr(at, ',')) {
        at += *at == ',';
        known = find(at, strcspn(at, ",")) != NULL;
    }
    return known;
}

struct job {
    pid_t pid;  /* 0: none */
    FILE *text; /* what it has to say */
};

/* The engine's memory, and what a seeded bug does to it, are a process's own. */
static bool start(struct job *job, const struct ex_scenario *scenario,
                  const struct ex_options *options)
{
    job->text = tmpfile();
    fflush(NULL);
    job->pid = job->text != NULL ? fork() : -1;
    if (job->pid == 0) {
        dup2(fileno(job->text), STDOUT_FILENO);
        enum ex_status status = ex_explore(scenario, options);
        fflush(stdout);
        _Exit(status);
    }
    return job->pid > 0;
}

/* Waits for one of the jobs, prints what it said. */
static enum ex_status finish_one(struct job *jobs, unsigned count)
{
    char        line[512];
    int         ended = 0;
    struct job *job = jobs;
    pid_t       pid = waitpid(-1, &ended, 0);
    while (job < jobs + count && job->pid != pid)
        job++;
    if (pid <= 0 || job == jobs + count)
        return EX_NOT_RUN;
    rewind(job->text);
    while (fgets(line, sizeof line, job->text) != NULL)
        fputs(line, stdout);
    fclose(job->text);
    job->pid = 0;
    if (WIFSIGNALED(ended))
        fprintf(stderr, "explore: a scenario was ended by signal %d\n", WTERMSIG(ended));
    return WIFEXITED(ended) ? (enum ex_status)WEXITSTATUS(ended) : EX_NOT_RUN;
}

static enum ex_status worse(enum ex_status a, enum ex_status b)
{
    return a == EX_FAILED || b == EX_HELD ? a : b;
}

static enum ex_status run_all(const char *chosen, unsigned jobs_max,
                              const struct ex_options *options)
{
    struct job     jobs[64] = { { 0, NULL } };
    enum ex_status status = EX_HELD;
    unsigned       running = 0;
    if (jobs_max > sizeof jobs / sizeof jobs[0])
        jobs_max = sizeof jobs / sizeof jobs[0];
    for (size_t i = 0; i < ex_scenario_count; i++) {
        if (!is_chosen(chosen, ex_scenarios[i]->name))
            continue;
        if (running == jobs_max) {
            status = worse(status, finish_one(jobs, jobs_max));
            running--;
        }
        struct job *job = jobs;
        while (job->pid != 0)
            job++;
        if (start(job, ex_scenarios[i], options))
            running++;
        else
            status = worse(status, EX_NOT_RUN);
    }
    for (; running > 0; running--)
        status = worse(status, finish_one(jobs, jobs_max));
    return status;
}

static bool read_number(const char *text, uint64_t most, uint64_t *number)
{
    char *end;
    *number = strtoull(text, &end, 10);
    bool good = text[0] >= '0' && text[0] <= '9' && *end == '\0' && *number <= most;
    if (!good)
        fprintf(stderr, "explore: '%s' is no number from 0 to %llu\n", text,
                (unsigned long long)most);
    return good;
}

struct command {
    struct ex_options options;
    const char       *chosen, *replay;
    uint64_t          jobs;
    bool              list, help;
};

static bool take_option(struct command *command, int option, const char *value)
{
    struct ex_options *options = &command->options;
    uint64_t           number;
    switch (option) {
    case 's':
        command->chosen = value;
        return all_are_known(value);
    case 'b':
        if (strcmp(value, "none") == 0) {
            options->bound = EX_UNBOUNDED;
            return true;
        }
        if (!read_number(value, 100, &number))
            return false;
        options->bound = (int)number;
        return true;
    case 'p':
        return read_number(value, UINT64_MAX, &options->pct);
    case 'd':
        if (!read_number(value, EX_THREADS_MAX, &number) || number == 0)
            return false;
        options->depth = (unsigned)number;
        return true;
    case 'e':
        return read_number(value, UINT32_MAX, &options->seed);
    case 't':
        if (!read_number(value, UINT32_MAX, &number))
            return false;
        options->seconds = (double)number;
        return true;
    case 'j':
        return read_number(value, 64, &command->jobs) && command->jobs != 0;
    case 'r':
        command->replay = value;
        return true;
    case 'm':
        options->mutant = value;
        if (!ex_mutant_switch_on(value))
            fprintf(stderr, "explore: this program has no seeded bug '%s'\n", value);
        else
            return true;
        return false;
    default:
        return false;
    }
}

static bool read_options(struct command *command, int argc, char **argv)
{
    static const struct option known[] = {
        { "list", no_argument, NULL, 'l' },
        { "scenario", required_argument, NULL, 's' },
        { "all", no_argument, NULL, 'a' },
        { "bound", required_argument, NULL, 'b' },
        { "pct", required_argument, NULL, 'p' },
        { "depth", required_argument, NULL, 'd' },
        { "seed", required_argument, NULL, 'e' },
        { "seconds", required_argument, NULL, 't' },
        { "jobs", required_argument, NULL, 'j' },
        { "replay", required_argument, NULL, 'r' },
        { "mutant", required_argument, NULL, 'm' },
        { "expect-caught", no_argument, NULL, 'x' },
        { "json", no_argument, NULL, 'J' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        if (option == 'l')
            command->list = true;
        else if (option == 'h')
            command->help = true;
        else if (option == 'x')
            command->options.expect_caught = true;
        else if (option == 'J')
            command->options.json = true;
        else if (option == 'a')
            command->chosen = NULL;
        else if (!take_option(command, option, optarg))
            return false;
    }
    if (optind < argc)
        fprintf(stderr, "explore: what is '%s'?\n", argv[optind]);
    return optind == argc;
}

int main(int argc, char **argv)
{
    struct command command = {
        .options = { .program = argv[0], .bound = 2, .depth = 3, .seed = 1 },
        .jobs = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN),
    };
    if (!read_options(&command, argc, argv))
        return help(stderr);
    if (command.help)
        return help(stdout);
    if (command.list) {
        for (size_t i = 0; i < ex_scenario_count; i++)
            printf("%-16s %s\n", ex_scenarios[i]->name, ex_scenarios[i]->hunts);
        return EX_HELD;
    }
    if (command.replay != NULL) {
        const struct ex_scenario *one =
            command.chosen != NULL ? find(command.chosen, strlen(command.chosen)) : NULL;
        if (one == NULL) {
            fputs("explore: --replay goes with --scenario NAME\n", stderr);
            return EX_NOT_RUN;
        }
        return ex_explore_replay(one, command.replay, &command.options);
    }
    return run_all(command.chosen, (unsigned)command.jobs, &command.options);
}
