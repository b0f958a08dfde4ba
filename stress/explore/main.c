/* main.c: talus-explore: options, and one process for each scenario and model. */
#define _GNU_SOURCE
#include "explore/models.h"
#include "explore/mutants.h"
#include "explore/report.h"
#include "stress/words.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int help(void)
{
    fputs(
        "usage: talus explore [options]\n"
        "The heap's core, a kernel's, under all schedules up to a bound: every atomic operation,\n"
        "lock and marked access is a place where another thread, or an interrupt, may go on. Says\n"
        "of each scenario whether it held, or how it failed, with the line that repeats that.\n"
        "  --list             the scenarios and the models\n"
        "  --scenario NAMES   these, with commas (all of them, when nothing is named)\n"
        "  --models [NAMES]   the models instead, or these: the protocols of sync/, and what the\n"
        "                     core makes of them, in every memory order that C11 allows (relacy).\n"
        "                     A build tree has them: cmake --build BUILD --target models\n"
        "  --iterations N     schedules of each search of a model by chance (20000)\n"
        "  --all              all scenarios, and all models where they are built\n"
        "Of the scenarios; a model has its own bound:\n"
        "  --bound N          at most N preemptions (2), which are switches away from a thread\n"
        "                     that could go on; none: all schedules, equal ones once\n"
        "  --pct RUNS         schedules by chance instead (PCT), for bugs of --depth D (3)\n"
        "  --seed N           of the chance (1)\n"
        "  --replay SCHEDULE  repeats a schedule of the one scenario: 0.12-1.40-0.7 is 12 points\n"
        "                     of thread 0, 40 of thread 1, ...; then whoever runs goes on\n"
        "  --mutant NAME      with this seeded bug (talus-explore-mutants alone has them; for a\n"
        "                     model, TALUS_MUTANT=NAME in the environment)\n"
        "  --expect-caught    a failure must be found, and its replay fail again\n"
        "Of both:\n"
        "  --seconds S        for each; then what was not exhausted did not hold\n"
        "  --jobs N           at once (one for each CPU)\n"
        "  --json             one object for each on standard output\n"
        "Exit status: 0 all held; 1 a failure was found; 2 not run to the end, or wrong usage.\n"
        "Examples: talus explore --scenario remote-free,idle\n"
        "          talus explore --pct 100000 --depth 4 --seed 7\n",
        stdout);
    return EX_HELD;
}

static const struct ex_scenario *scenario_of(const struct st_word *name)
{
    for (size_t i = 0; i < ex_scenario_count; i++)
        if (st_word_is(name, ex_scenarios[i]->name))
            return ex_scenarios[i];
    return NULL;
}

static const struct ex_model *model_of(const struct st_word *name)
{
    for (size_t i = 0; i < ex_model_count; i++)
        if (st_word_is(name, ex_models[i].name))
            return &ex_models[i];
    return NULL;
}

/* What may have been meant by a name that is of no scenario, or of no model. */
static void say_unknown(const struct st_word *name, bool is_model)
{
    struct st_nearest nearest = ST_NEAREST_INIT;
    fprintf(stderr, "explore: there is no %s '%.*s'", is_model ? "model" : "scenario",
            (int)name->length, name->text);
    for (size_t i = 0; !is_model && i < ex_scenario_count; i++)
        st_nearest_try(&nearest, name, ex_scenarios[i]->name);
    for (size_t i = 0; is_model && i < ex_model_count; i++)
        st_nearest_try(&nearest, name, ex_models[i].name);
    if (is_model ? scenario_of(name) != NULL : model_of(name) != NULL)
        fprintf(stderr, ", but a %s: --%s %.*s\n", is_model ? "scenario" : "model",
                is_model ? "scenario" : "models", (int)name->length, name->text);
    else if (nearest.name != NULL)
        fprintf(stderr, "; did you mean '%s'? --list names all\n", nearest.name);
    else
        fputs("; --list names all\n", stderr);
}

static bool is_scenario(const struct st_word *name)
{
    bool known = scenario_of(name) != NULL;
    if (!known)
        say_unknown(name, false);
    return known;
}

static bool is_model(const struct st_word *name)
{
    bool known = model_of(name) != NULL;
    if (!known)
        say_unknown(name, true);
    return known;
}

static bool all_are_known(const char *chosen, bool (*is_known)(const struct st_word *name))
{
    struct st_word word;
    bool           known = true;
    while (known && st_words_next(&chosen, &word))
        known = is_known(&word);
    return known;
}

struct job {
    pid_t pid;  /* 0: none */
    FILE *text; /* what it has to say */
};

/* The one or the other. */
struct work {
    const struct ex_scenario *scenario;
    const struct ex_model    *model;
};

/* The engine's memory, and what a seeded bug does to it, are a process's own. */
static bool start(struct job *job, const struct work *work, const struct ex_options *options)
{
    job->text = tmpfile();
    fflush(NULL);
    job->pid = job->text != NULL ? fork() : -1;
    if (job->pid == 0) {
        dup2(fileno(job->text), STDOUT_FILENO);
        enum ex_status status = work->model != NULL ? ex_model_run(work->model, options)
                                                    : ex_explore(work->scenario, options);
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
        fprintf(stderr, "explore: one was ended by signal %d\n", WTERMSIG(ended));
    return WIFEXITED(ended) ? (enum ex_status)WEXITSTATUS(ended) : EX_NOT_RUN;
}

static enum ex_status worse(enum ex_status a, enum ex_status b)
{
    return a == EX_FAILED || b == EX_HELD ? a : b;
}

struct pool {
    struct job     jobs[64];
    unsigned       max, running;
    enum ex_status status;
};

static void finish_down_to(struct pool *pool, unsigned running)
{
    for (; pool->running > running; pool->running--)
        pool->status = worse(pool->status, finish_one(pool->jobs, pool->max));
}

static void add(struct pool *pool, const struct work *work, const struct ex_options *options)
{
    struct job *job = pool->jobs;
    finish_down_to(pool, pool->max - 1);
    while (job->pid != 0)
        job++;
    if (start(job, work, options))
        pool->running++;
    else
        pool->status = worse(pool->status, EX_NOT_RUN);
}

static void add_scenarios(struct pool *pool, const char *chosen, const struct ex_options *options)
{
    for (size_t i = 0; i < ex_scenario_count; i++)
        if (st_words_have(chosen, ex_scenarios[i]->name))
            add(pool, &(struct work){ .scenario = ex_scenarios[i] }, options);
}

/* Models that are not built are no failure unless they were `asked` for. */
static void add_models(struct pool *pool, const char *chosen, bool asked,
                       const struct ex_options *options)
{
    size_t missing = 0;
    for (size_t i = 0; i < ex_model_count; i++) {
        if (!st_words_have(chosen, ex_models[i].name))
            continue;
        if (ex_model_is_built(&ex_models[i])) {
            add(pool, &(struct work){ .model = &ex_models[i] }, options);
            continue;
        }
        missing++;
        fprintf(stderr, "explore: the model %s is left out\n", ex_models[i].name);
    }
    if (missing == 0)
        return;
    ex_model_say_missing();
    if (asked)
        pool->status = worse(pool->status, EX_NOT_RUN);
}

/* `besides`: what else the option takes, for the message. */
static bool read_number(const char *option, const char *text, uint64_t least, uint64_t most,
                        const char *besides, uint64_t *number)
{
    char *end;
    *number = strtoull(text, &end, 10);
    bool good =
        text[0] >= '0' && text[0] <= '9' && *end == '\0' && *number >= least && *number <= most;
    if (!good)
        fprintf(stderr, "explore: --%s: '%s' is no number from %llu to %llu%s\n", option, text,
                (unsigned long long)least, (unsigned long long)most, besides);
    return good;
}

struct command {
    struct ex_options options;
    const char       *chosen, *replay;
    const char       *chosen_models;
    uint64_t          jobs;
    bool              list, help, all, models;
};

static bool take_option(struct command *command, int option, const char *name, const char *value)
{
    struct ex_options *options = &command->options;
    uint64_t           number;
    switch (option) {
    case 's':
        command->chosen = value;
        return all_are_known(value, is_scenario);
    case 'o':
        command->models = true;
        command->chosen_models = value;
        return all_are_known(value, is_model);
    case 'i':
        return read_number(name, value, 1, UINT32_MAX, "", &options->iterations);
    case 'b':
        if (strcmp(value, "none") == 0) {
            options->bound = EX_UNBOUNDED;
            return true;
        }
        if (!read_number(name, value, 0, 100, ", nor none", &number))
            return false;
        options->bound = (int)number;
        return true;
    case 'p':
        return read_number(name, value, 1, UINT64_MAX, "", &options->pct);
    case 'd':
        if (!read_number(name, value, 1, EX_THREADS_MAX, "", &number))
            return false;
        options->depth = (unsigned)number;
        return true;
    case 'e':
        return read_number(name, value, 0, UINT32_MAX, "", &options->seed);
    case 't':
        if (!read_number(name, value, 0, UINT32_MAX, "", &number))
            return false;
        options->seconds = (double)number;
        return true;
    case 'j':
        return read_number(name, value, 1, 64, "", &command->jobs);
    case 'r':
        command->replay = value;
        return true;
    case 'm':
        options->mutant = value;
        if (ex_mutant_switch_on(value))
            return true;
        fprintf(stderr,
                "explore: --mutant: this program has no seeded bug '%s' (talus-explore-mutants "
                "has those of stress/explore/mutants.h)\n",
                value);
        return false;
    default:
        return false;
    }
}

/* Of an option whose argument may be left out (--models), the next word, too, unless it is an
 * option. */
static const char *argument_of(int option, int argc, char **argv)
{
    bool is_next = option == 'o' && optarg == NULL && optind < argc && argv[optind][0] != '-';
    return is_next ? argv[optind++] : optarg;
}

/* A word that belongs to no option. */
static bool say_stray(const char *text)
{
    const struct st_word word = { text, strlen(text) };
    fprintf(stderr, "explore: what is '%s'?", text);
    if (scenario_of(&word) != NULL)
        fprintf(stderr, " The scenario: --scenario %s", text);
    else if (model_of(&word) != NULL)
        fprintf(stderr, " The model: --models %s", text);
    fputs("\n", stderr);
    return false;
}

static bool options_agree(const struct command *command)
{
    const struct ex_options *options = &command->options;
    if (command->models && options->expect_caught)
        fputs("explore: --expect-caught is for scenarios, not for --models\n", stderr);
    else if (command->replay != NULL && (command->chosen == NULL || strchr(command->chosen, ',')))
        fprintf(stderr,
                "explore: --replay %s: of which scenario? One --scenario NAME goes with it\n",
                command->replay);
    else if (command->replay != NULL &&
             (command->all || command->models || options->json || options->expect_caught))
        fputs("explore: --replay goes with --scenario and --mutant alone\n", stderr);
    else
        return true;
    return false;
}

static bool read_options(struct command *command, int argc, char **argv)
{
    static const struct option known[] = {
        { "list", no_argument, NULL, 'l' },
        { "scenario", required_argument, NULL, 's' },
        { "all", no_argument, NULL, 'a' },
        { "models", optional_argument, NULL, 'o' },
        { "iterations", required_argument, NULL, 'i' },
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
    int option, at = 0;
    while ((option = getopt_long(argc, argv, "h", known, &at)) != -1) {
        if (option == 'l')
            command->list = true;
        else if (option == 'h')
            command->help = true;
        else if (option == 'x')
            command->options.expect_caught = true;
        else if (option == 'J')
            command->options.json = true;
        else if (option == 'a')
            command->all = true;
        else if (!take_option(command, option, known[at].name, argument_of(option, argc, argv)))
            return false;
    }
    if (optind < argc)
        return say_stray(argv[optind]);
    return options_agree(command);
}

static enum ex_status run(const struct command *command)
{
    struct pool pool = { .max = (unsigned)command->jobs };
    bool        with_models = command->all && !command->options.expect_caught;
    if (pool.max > sizeof pool.jobs / sizeof pool.jobs[0])
        pool.max = sizeof pool.jobs / sizeof pool.jobs[0];
    if (command->all || command->chosen != NULL || !command->models)
        add_scenarios(&pool, command->all ? NULL : command->chosen, &command->options);
    if (with_models || command->models)
        add_models(&pool, command->all ? NULL : command->chosen_models, command->models,
                   &command->options);
    finish_down_to(&pool, 0);
    return pool.status;
}

int main(int argc, char **argv)
{
    struct command command = {
        .options = { .program = argv[0], .bound = 2, .depth = 3, .seed = 1, .iterations = 20000 },
        .jobs = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN),
    };
    if (!read_options(&command, argc, argv)) {
        fputs("explore: --help has the options\n", stderr);
        return EX_NOT_RUN;
    }
    if (command.help)
        return help();
    if (command.list) {
        for (size_t i = 0; i < ex_scenario_count; i++)
            printf("%-18s %s\n", ex_scenarios[i]->name, ex_scenarios[i]->hunts);
        for (size_t i = 0; i < ex_model_count; i++)
            printf("--models %-9s %s\n", ex_models[i].name, ex_models[i].about);
        return EX_HELD;
    }
    if (command.replay != NULL)
        return ex_explore_replay(
            scenario_of(&(struct st_word){ command.chosen, strlen(command.chosen) }),
            command.replay, &command.options);
    return run(&command);
}
