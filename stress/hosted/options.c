/* options.c: the command line of talus-stress. */
#include "stress/hosted/options.h"

#include "stress/hosted/report.h"
#include "stress/lib/run.h"
#include "stress/suites/suite.h"
#include "stress/words.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_DEFAULT 3.0
/* Far beyond what a busy machine explains; a sanitizer or an emulator explains more. */
#define PATIENCE_DEFAULT  (ST_SANITIZED || ST_EMULATED ? 45.0 : 20.0)
#define PERIOD_DEFAULT_US 100u
#define YIELD_DEFAULT     128u
#define PATH_BYTES        4096u
#define PROGRAM_OF_YIELD  "talus-stress-yield"

struct st_options st_options;

static void print_list(FILE *out)
{
    fprintf(out, "suites:\n");
    for (size_t i = 0; st_suite_list(i) != NULL; i++)
        fprintf(out, "  %-9s %s\n", st_suite_list(i)->name, st_suite_list(i)->hunts);
    fprintf(out, "targets:\n");
    for (size_t i = 0; st_target_list(i) != NULL; i++)
        fprintf(out, "  %-9s %s\n", st_target_list(i)->name, st_target_list(i)->what);
    fprintf(out, "  %-9s %s\n", "PATH.so", "any shared library with malloc and free in it");
}

static size_t suite_count(void)
{
    size_t n = 0;
    while (st_suite_list(n) != NULL)
        n++;
    return n;
}

static void print_help(FILE *out)
{
    fprintf(
        out,
        "usage: talus stress [--all | --suite NAME,...] [options]\n"
        "Hunts for memory that is handed out twice, damaged or lost, under real preemption.\n"
        "\n"
        "  --suite NAME,...   which suites; --all: all of them (the default)\n"
        "  --target WHICH     talus (the default), system, another one of the list below, or\n"
        "                     PATH.so: malloc, free, realloc, aligned_alloc ... of a library\n"
        "  --prefix je_       what stands before these names in the library\n"
        "  --threads N        workers, 1 to %u (default: four for each CPU)\n"
        "  --seconds S        for each suite (default %g)\n"
        "  --jobs N           so many suites at once, 1 to %u (default 1), each for all its\n"
        "                     seconds, with workers of its own: they press each other, too\n"
        "  --seed N           of sizes, orders and cuts (default: from the clock, printed)\n"
        "  --patience S       when no operation finishes for so long, a thread does not end, or\n"
        "                     a suite takes twice that and four times its own seconds, it is\n"
        "                     stuck (default %g)\n"
        "  --preempt HOW,...  none, all (the default), or of these:\n"
        "    signal           a timer for each worker takes the CPU from it, wherever it is\n"
        "    pin              all workers on one CPU\n"
        "    fifo             some workers are real-time threads, where that is allowed\n"
        "    yield            between operations; and, where it is named, at marked points\n"
        "                     inside of talus's algorithms, by " PROGRAM_OF_YIELD "\n"
        "  --period US        signal: microseconds between two cuts on each CPU, 0: as often\n"
        "                     as the machine can (default %u)\n"
        "  --yield N          yield: at one in N marked points (default %u)\n"
        "  --json             one object for each suite on standard output\n"
        "  --junit FILE       the same as JUnit has it\n"
        "  --report FILE.html a page with pictures; it needs no other file\n"
        "  --expect-caught S  succeed if, and only if, a failure is found within S seconds\n"
        "  --self-test        show that the oracle barks when it must\n"
        "  --list, --help\n"
        "talus stress --compare runs the suites on each allocator that is installed (--compare "
        "--help),\ntalus stress --mutants each seeded bug against each layer of the tests "
        "(--mutants --help).\n"
        "\n"
        "How long it takes: --seconds for each suite, and of %zu suites --jobs at once: %g s\n"
        "unless told; --seconds 600 takes %zu minutes, with --jobs %zu ten. The run says it "
        "first.\n"
        "\n"
        "Exit status: 0 nothing found, 1 failure found, 2 wrong usage or could not run, 130\n"
        "interrupted (Ctrl-C) with nothing found until then; what there is is printed.\n\n",
        ST_TEAM_MAX, SECONDS_DEFAULT, ST_JOBS_MAX, PATIENCE_DEFAULT, PERIOD_DEFAULT_US,
        YIELD_DEFAULT, suite_count(), (double)suite_count() * SECONDS_DEFAULT, suite_count() * 10,
        suite_count());
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
    if (errno != 0 || end == text || *end != '\0' || strchr(text, '-') != NULL || value < low ||
        value > high) {
        fprintf(stderr,
                "talus-stress: %s: %s: not a number from %" PRIu64 " to %" PRIu64 "; see --help\n",
                option, text, low, high);
        exit(ST_USAGE);
    }
    return value;
}

static double seconds(const char *option, const char *text)
{
    char  *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value > 0 && value < 4e6)) {
        fprintf(stderr, "talus-stress: %s: '%s': not a number of seconds, over 0 and below %g\n",
                option, text, 4e6);
        exit(ST_USAGE);
    }
    return value;
}

static _Noreturn void say_no_suite(const struct st_word *word)
{
    struct st_nearest nearest = ST_NEAREST_INIT;

    for (size_t i = 0; st_suite_list(i) != NULL; i++)
        st_nearest_try(&nearest, word, st_suite_list(i)->name);
    fprintf(stderr, "talus-stress: --suite: there is no suite '%.*s'%s%s%s --list names all\n",
            (int)word->length, word->text, nearest.name != NULL ? "; did you mean '" : ";",
            nearest.name != NULL ? nearest.name : "", nearest.name != NULL ? "'?" : "");
    exit(ST_USAGE);
}

static void add_suites(const char *list)
{
    struct st_word word;

    for (const char *rest = list; st_words_next(&rest, &word);) {
        bool known = st_word_is(&word, "all");
        if (known)
            st_options.suites = UINT64_MAX;
        for (size_t i = 0; st_suite_list(i) != NULL; i++)
            if (st_word_is(&word, st_suite_list(i)->name)) {
                st_options.suites |= UINT64_C(1) << i;
                known = true;
            }
        if (!known)
            say_no_suite(&word);
    }
}

static bool yield_named;

static void set_defaults(const char *program)
{
    struct timespec now;
    long            cpus = sysconf(_SC_NPROCESSORS_ONLN);

    clock_gettime(CLOCK_REALTIME, &now);
    st_options = (struct st_options){
        .program = program,
        .target_name = "talus",
        .prefix = "",
        .seed =
            st_mix((uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 30 ^ (uint64_t)getpid() << 50) %
            1000000000,
        .threads = cpus < 1        ? 4
                   : cpus * 4 > 64 ? 64
                                   : (unsigned)cpus * 4,
        .seconds = SECONDS_DEFAULT,
        .jobs = 1,
        .patience = PATIENCE_DEFAULT,
        .preempt = { .modes = ST_PREEMPT_ALL,
                     .period_us = PERIOD_DEFAULT_US,
                     .yield_one_in = YIELD_DEFAULT },
    };
}

enum {
    SUITE = 1,
    ALL,
    TARGET,
    PREFIX,
    SEED,
    THREADS,
    SECONDS,
    JOBS,
    PATIENCE,
    PREEMPT,
    PERIOD,
    YIELD,
    CAUGHT,
    SELF_TEST,
    JSON,
    JUNIT,
    REPORT,
    LIST,
    HELP
};

static const struct option names[] = {
    { "suite", required_argument, NULL, SUITE },
    { "all", no_argument, NULL, ALL },
    { "target", required_argument, NULL, TARGET },
    { "prefix", required_argument, NULL, PREFIX },
    { "seed", required_argument, NULL, SEED },
    { "threads", required_argument, NULL, THREADS },
    { "seconds", required_argument, NULL, SECONDS },
    { "jobs", required_argument, NULL, JOBS },
    { "patience", required_argument, NULL, PATIENCE },
    { "preempt", required_argument, NULL, PREEMPT },
    { "period", required_argument, NULL, PERIOD },
    { "yield", required_argument, NULL, YIELD },
    { "expect-caught", required_argument, NULL, CAUGHT },
    { "self-test", no_argument, NULL, SELF_TEST },
    { "json", no_argument, NULL, JSON },
    { "junit", required_argument, NULL, JUNIT },
    { "report", required_argument, NULL, REPORT },
    { "list", no_argument, NULL, LIST },
    { "help", no_argument, NULL, HELP },
    { NULL, 0, NULL, 0 },
};

/* The options that say what the run does to its threads; false: it is none of them. */
static bool parse_preempt(int option)
{
    struct st_preempt_options *preempt = &st_options.preempt;

    switch (option) {
    case PREEMPT:
        if (!st_preempt_parse(optarg, &preempt->modes))
            usage_error("--preempt: none, all, or of yield, signal, pin, fifo some, with commas",
                        optarg[0] != '\0' ? optarg : "''");
        yield_named = yield_named || st_words_have(optarg, "yield");
        return true;
    case PERIOD:
        preempt->period_us = (unsigned)number("--period", optarg, 0, 20000000);
        return true;
    case YIELD:
        preempt->yield_one_in = (unsigned)number("--yield", optarg, 1, UINT32_MAX);
        return true;
    default:
        return false;
    }
}

/* The options that say what comes out; false: it is none of them. */
static bool parse_output(int option)
{
    switch (option) {
    case JSON:
        st_options.json = true;
        return true;
    case JUNIT:
        st_options.junit = optarg;
        return true;
    case REPORT:
        st_options.page = optarg;
        return true;
    case LIST:
        print_list(stdout);
        exit(ST_PASSED);
    case HELP:
        print_help(stdout);
        exit(ST_PASSED);
    default:
        return false;
    }
}

static void parse_other(int option)
{
    switch (option) {
    case SUITE:
        add_suites(optarg);
        break;
    case ALL:
        st_options.suites = UINT64_MAX;
        break;
    case TARGET:
        st_options.target_name = optarg;
        break;
    case PREFIX:
        st_options.prefix = optarg;
        break;
    case SEED:
        st_options.seed = number("--seed", optarg, 0, UINT64_MAX);
        break;
    case THREADS:
        st_options.threads = (unsigned)number("--threads", optarg, 1, ST_TEAM_MAX);
        break;
    case SECONDS:
        st_options.seconds = seconds("--seconds", optarg);
        break;
    case JOBS:
        st_options.jobs = (unsigned)number("--jobs", optarg, 1, ST_JOBS_MAX);
        break;
    case PATIENCE:
        st_options.patience = seconds("--patience", optarg);
        break;
    case CAUGHT:
        st_options.caught_within = seconds("--expect-caught", optarg);
        break;
    case SELF_TEST:
        st_options.self_test = true;
        break;
    default:
        fprintf(stderr, "see talus-stress --help\n");
        exit(ST_USAGE);
    }
}

/* Starts the program that lies beside this one, with the same arguments. */
static _Noreturn void start_beside(const char *name, char **argv)
{
    static char path[PATH_BYTES];
    ssize_t     length = readlink("/proc/self/exe", path, sizeof(path) - 1);

    path[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (slash != NULL && (size_t)(slash + 1 - path) + strlen(name) < sizeof(path)) {
        strcpy(slash + 1, name);
        argv[0] = path;
        execv(path, argv);
    }
    fprintf(stderr,
            "talus-stress: --preempt yield: cannot run %s: %s\n"
            "  It is this program over a core with marked points, and is built and installed with "
            "it.\n",
            path, strerror(errno));
    exit(ST_USAGE);
}

/* So that the line which repeats the run does it in any folder. A name without a folder is for the
 * loader to look for. */
static void make_target_absolute(void)
{
    const char *name = st_options.target_name;
    char       *path = name[0] != '/' && strchr(name, '/') != NULL ? realpath(name, NULL) : NULL;

    if (path != NULL)
        st_options.target_name = path;
}

static void find_target(char **argv)
{
    make_target_absolute();
    const char *name = st_options.target_name;

    st_options.target = st_target_find(name);
    if (st_options.target == NULL && st_target_is_library(name))
        st_options.target = st_target_load(name, st_options.prefix, argv);
    else if (st_options.target == NULL)
        usage_error("--target: neither in the list nor the path of a library", name);
    else if (st_options.prefix[0] != '\0')
        usage_error("--prefix: for --target PATH.so alone", st_options.prefix);
}

/* What is chosen is known. */
static void limit_jobs(void)
{
    unsigned chosen = 0;

    for (size_t n = 0; st_suite_list(n) != NULL; n++)
        chosen += st_options_has_suite(n);
    if (st_options.jobs > 1 && (st_options.self_test || st_options.caught_within > 0))
        usage_error("--jobs: not with --self-test or --expect-caught",
                    "they run one thing at a time");
    if (st_options.jobs > chosen)
        st_options.jobs = chosen;
    st_options.preempt.processes = st_options.jobs;
}

/* One would be written over the other. Devices may be had twice. */
static void part_files(void)
{
    const char *junit = st_options.junit, *page = st_options.page;
    struct stat one, other;

    if (junit == NULL || page == NULL)
        return;
    bool there = stat(junit, &one) == 0 && stat(page, &other) == 0;
    if (there ? S_ISREG(one.st_mode) && one.st_dev == other.st_dev && one.st_ino == other.st_ino
              : strcmp(junit, page) == 0)
        usage_error("--report: it is the file of --junit", page);
}

bool st_options_has_suite(size_t n)
{
    return (st_options.suites >> n & 1) != 0;
}

const char *st_options_lack(const struct st_suite *suite)
{
    const char *lacks = st_suite_lacks(suite, st_options.target);

    if (lacks == NULL && suite->handlers != NULL &&
        (st_options.preempt.modes & ST_PREEMPT_SIGNAL) == 0)
        lacks = "handlers without --preempt signal";
    return lacks;
}

void st_options_read(int argc, char **argv)
{
    int option;

    set_defaults(argv[0]);
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
        if (!parse_preempt(option) && !parse_output(option))
            parse_other(option);
    if (optind < argc)
        usage_error("not an option", argv[optind]);
    if (st_options.suites == 0)
        st_options.suites = UINT64_MAX;
    limit_jobs();
    part_files();
    find_target(argv);
    /* Other heaps have no marked points. */
    if (yield_named && st_options.target->instances && !st_core_has_points)
        start_beside(PROGRAM_OF_YIELD, argv);
}

/* Between single quotes, each of its own as '\'': which is four bytes. */
static void quote_all(char *word, size_t size, const char *text)
{
    size_t length = 0;

    word[length++] = '\'';
    for (; *text != '\0' && length + 6 <= size; text++)
        if (*text == '\'')
            length += (size_t)snprintf(word + length, size - length, "'\\''");
        else
            word[length++] = *text;
    word[length++] = '\'';
    word[length] = '\0';
}

/* A word as a shell reads it. */
static void quote(char *word, size_t size, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "/._-+=,:@%";

    if (text[0] != '\0' && text[strspn(text, plain)] == '\0')
        snprintf(word, size, "%s", text);
    else
        quote_all(word, size, text);
}

void st_options_replay(char *line, size_t size, const char *suite, uint64_t seed)
{
    const struct st_options *o = &st_options;
    const char              *preload = getenv("LD_PRELOAD");
    char                     program[PATH_BYTES], target[PATH_BYTES], before[PATH_BYTES];
    char                     patience[64] = "";

    quote(program, sizeof(program), o->program);
    quote(target, sizeof(target), o->target_name);
    quote(before, sizeof(before), preload != NULL ? preload : "");
    if (o->patience != PATIENCE_DEFAULT)
        snprintf(patience, sizeof(patience), " --patience %g", o->patience);
    bool preloaded = preload != NULL && preload[0] != '\0' && !st_target_is_library(o->target_name);
    snprintf(line, size,
             "%s%s%s%s --suite %s --target %s%s%s --seed %" PRIu64
             " --threads %u --seconds %g --preempt %s --period %u --yield %u%s",
             preloaded ? "LD_PRELOAD=" : "", preloaded ? before : "", preloaded ? " " : "", program,
             suite, target, o->prefix[0] != '\0' ? " --prefix " : "", o->prefix, seed, o->threads,
             o->seconds, st_preempt_name(o->preempt.modes), o->preempt.period_us,
             o->preempt.yield_one_in, patience);
}
