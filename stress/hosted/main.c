/* main.c: the talus-stress program: options, and which suites to run. */
#include "stress/hosted/host.h"
#include "stress/hosted/judge.h"
#include "stress/hosted/preempt.h"
#include "stress/hosted/report.h"
#include "stress/hosted/shadow.h"
#include "stress/hosted/targets.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_DEFAULT   3.0
#define PERIOD_DEFAULT_US 100u
#define YIELD_DEFAULT     128u

struct options {
    const struct st_suite    *suite; /* NULL: all */
    struct st_target         *target;
    uint64_t                  seed;
    unsigned                  threads;
    double                    seconds;
    double                    caught_within; /* seconds; 0: an ordinary run */
    struct st_preempt_options preempt;
    bool                      json;
    bool                      self_test;
};

static struct options options;

static void print_list(FILE *out)
{
    fprintf(out, "suites:\n");
    for (size_t i = 0; st_suite_list(i) != NULL; i++)
        fprintf(out, "  %-9s %s\n", st_suite_list(i)->name, st_suite_list(i)->hunts);
    fprintf(out, "targets:\n");
    for (size_t i = 0; st_target_list(i) != NULL; i++)
        fprintf(out, "  %-9s %s\n", st_target_list(i)->name, st_target_list(i)->what);
}

static void print_help(FILE *out)
{
    fprintf(
        out,
        "usage: talus-stress [--suite NAME|all] [options]\n"
        "Hunts for memory that is handed out twice, damaged or lost, under real preemption.\n"
        "\n"
        "  --suite NAME|all   which suite (default all)\n"
        "  --target NAME      which heap (default talus)\n"
        "  --malloc           the same as --target malloc; preload the malloc you want to try\n"
        "  --seed N           seed of sizes, orders and cuts (default: from the clock, printed)\n"
        "  --threads N        workers, 1 to %u (default: four for each CPU)\n"
        "  --seconds S        for each suite (default %g)\n"
        "  --preempt HOW      none, yield, signal, pin, fifo, or all (the default); or several, "
        "with\n"
        "                     commas between them\n"
        "  --period US        microseconds between two cuts on each CPU, 0: as often as it can "
        "(default\n"
        "                     %u)\n"
        "  --yield N          yield at one in N marked points, in builds that have them (default "
        "%u)\n"
        "  --expect-caught S  succeed if, and only if, a failure is found within S seconds\n"
        "  --self-test        show that the oracle barks when it must\n"
        "  --json             one object for each suite on standard output\n"
        "  --list, --help\n"
        "\n"
        "Exit status: 0 nothing found, 1 failure found, 2 wrong usage or could not run.\n\n",
        ST_TEAM_MAX, SECONDS_DEFAULT, PERIOD_DEFAULT_US, YIELD_DEFAULT);
    print_list(out);
}

static _Noreturn void usage_error(const char *what, const char *value)
{
    fprintf(stderr, "talus-stress: %s: %s; see --help\n", what, value);
    exit(ST_USAGE);
}

static uint64_t number(const char *option, const char *text, uint64_t low, uint64_t high)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value < low || value > high)
        usage_error(option, text);
    return value;
}

static double seconds(const char *option, const char *text)
{
    char  *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value > 0 && value < 4e6))
        usage_error(option, text);
    return value;
}

static void set_defaults(void)
{
    struct timespec now;
    long            cpus = sysconf(_SC_NPROCESSORS_ONLN);

    clock_gettime(CLOCK_REALTIME, &now);
    options.target = &st_target_talus;
    options.seed =
        st_mix((uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 30 ^ (uint64_t)getpid() << 50) %
        1000000000;
    options.threads = cpus < 1 ? 4 : cpus * 4 > 64 ? 64 : (unsigned)cpus * 4;
    options.seconds = SECONDS_DEFAULT;
    options.preempt = (struct st_preempt_options){ .modes = ST_PREEMPT_ALL,
                                                   .period_us = PERIOD_DEFAULT_US,
                                                   .yield_one_in = YIELD_DEFAULT };
}

enum {
    SUITE = 1,
    TARGET,
    MALLOC,
    SEED,
    THREADS,
    SECONDS,
    PREEMPT,
    PERIOD,
    YIELD,
    CAUGHT,
    SELF_TEST,
    JSON,
    LIST,
    HELP
};

static const struct option names[] = {
    { "suite", required_argument, NULL, SUITE },
    { "target", required_argument, NULL, TARGET },
    { "malloc", no_argument, NULL, MALLOC },
    { "seed", required_argument, NULL, SEED },
    { "threads", required_argument, NULL, THREADS },
    { "seconds", required_argument, NULL, SECONDS },
    { "preempt", required_argument, NULL, PREEMPT },
    { "period", required_argument, NULL, PERIOD },
    { "yield", required_argument, NULL, YIELD },
    { "expect-caught", required_argument, NULL, CAUGHT },
    { "self-test", no_argument, NULL, SELF_TEST },
    { "json", no_argument, NULL, JSON },
    { "list", no_argument, NULL, LIST },
    { "help", no_argument, NULL, HELP },
    { NULL, 0, NULL, 0 },
};

static const struct st_suite *suite_find(const char *name)
{
    for (size_t i = 0; st_suite_list(i) != NULL; i++)
        if (strcmp(st_suite_list(i)->name, name) == 0)
            return st_suite_list(i);
    return NULL;
}

static void parse_one(int option)
{
    switch (option) {
    case SUITE:
        options.suite = suite_find(optarg);
        if (options.suite == NULL && strcmp(optarg, "all") != 0)
            usage_error("--suite", optarg);
        break;
    case TARGET:
        options.target = st_target_find(optarg);
        if (options.target == NULL)
            usage_error("--target", optarg);
        break;
    case MALLOC:
        options.target = st_target_find("malloc");
        break;
    case SEED:
        options.seed = number("--seed", optarg, 0, UINT64_MAX);
        break;
    case THREADS:
        options.threads = (unsigned)number("--threads", optarg, 1, ST_TEAM_MAX);
        break;
    case SECONDS:
        options.seconds = seconds("--seconds", optarg);
        break;
    case PREEMPT:
        if (!st_preempt_parse(optarg, &options.preempt.modes))
            usage_error("--preempt", optarg);
        break;
    case PERIOD:
        options.preempt.period_us = (unsigned)number("--period", optarg, 0, 1000000);
        break;
    case YIELD:
        options.preempt.yield_one_in = (unsigned)number("--yield", optarg, 1, UINT32_MAX);
        break;
    case CAUGHT:
        options.caught_within = seconds("--expect-caught", optarg);
        break;
    case SELF_TEST:
        options.self_test = true;
        break;
    case JSON:
        options.json = true;
        break;
    case LIST:
        print_list(stdout);
        exit(ST_PASSED);
    case HELP:
        print_help(stdout);
        exit(ST_PASSED);
    default:
        fprintf(stderr, "see talus-stress --help\n");
        exit(ST_USAGE);
    }
}

static int run_all(uint64_t seed)
{
    struct st_run run = { .target = options.target, .seed = seed, .threads = options.threads };

    st_replay.seed = seed;
    for (size_t i = 0; st_suite_list(i) != NULL; i++)
        if (options.suite == NULL || options.suite == st_suite_list(i))
            st_hosted_run(st_suite_list(i), &run, options.seconds, options.json);
    return ST_PASSED;
}

int main(int argc, char **argv)
{
    int option;

    set_defaults();
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
        parse_one(option);
    if (optind < argc)
        usage_error("not an option", argv[optind]);
    st_replay = (struct st_replay){
        .program = argv[0],
        .target = options.target->name,
        .preempt = st_preempt_name(options.preempt.modes),
        .seed = options.seed,
        .threads = options.threads,
        .seconds = options.seconds,
        .period_us = options.preempt.period_us,
        .yield_one_in = options.preempt.yield_one_in,
        .json = options.json,
    };
    if (!st_shadow_start()) {
        fprintf(stderr, "talus-stress: not enough address space for the oracle's shadow\n");
        return ST_USAGE;
    }
    st_report_setup();
    st_preempt_setup(&options.preempt);
    if (options.self_test)
        return st_self_test(options.seed);
    if (options.caught_within > 0)
        return st_expect_caught(options.caught_within, options.seed, run_all);
    return run_all(options.seed);
}
