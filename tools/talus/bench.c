/* bench.c: `talus bench`, the measuring.
 * 1 Purpose     Time and memory of several allocators over the same workloads, fair to each: every
 *               run is a process of its own (talus-bench-load), and rounds are interleaved (A B C,
 *               B C A, ...), so that a change of the machine's mood meets all of them.
 * 2 Invariants  Within a round all allocators get the same seed; a run counts only if its malloc
 *               came from the library that was to be measured. */
#define _GNU_SOURCE
#include "tools/talus/bench.h"
#include "tools/talus/plot.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRACES_MAX      32u /* options */
#define RUN_SECONDS_MAX 60u /* at scale 1; far above what any run needs */

struct options {
    struct tl_bench *bench;
    const char      *only, *base, *json, *plot;
    const char      *traces[TRACES_MAX]; /* files, and folders of files */
    bool             trace_is_folder[TRACES_MAX];
    size_t           trace_count;
    bool             list, quick, check;
    bool             rounds_given, scale_given, settle_given;

    struct tl_peer_choice choice;
};

static int bench_help(FILE *to)
{
    fputs(
        "usage: talus bench [OPTIONS]\n"
        "\n"
        "Runs the workloads on talus and on the allocators that are installed, in turn, and prints "
        "time and memory.\n"
        "  --list              the workloads, with what they do\n"
        "  --only PATTERNS     those whose name contains a pattern or matches it (*, ?), or a "
        "group: "
        "one, many, real;\n"
        "                      several with commas\n"
        "  --trace FILE        besides: a trace of talus record, as workload trace-NAME; again for "
        "more\n"
        "  --traces DIR        besides: all *.trace in DIR (talus traces makes some)\n"
        "  --allocators NAMES  of libc, mimalloc, jemalloc, tcmalloc, tbbmalloc, talus; with "
        "commas\n"
        "  --peer NAME=PATH[,VAR=VALUE...]  one more allocator: a library to preload, and its "
        "environment\n"
        "  --base NAME         a table of ratios to this allocator besides the one to the best\n"
        "  --rounds N          runs of each workload on each allocator (5)\n"
        "  --scale X           multiplies the length of the workloads (1)\n"
        "  --settle MS         idle time before the settled size is read, last round (2000)\n"
        "  --clock wall|cpu    what time to compare (wall); cpu is steadier where other programs "
        "run\n"
        "  --seed N            first seed (1); round i uses seed + i for all allocators\n"
        "  --quick             2 rounds, scale 0.1, settle 100\n"
        "  --json FILE         writes every figure to FILE (-: standard output, instead of the "
        "tables)\n"
        "  --plot DIR          draws them: DIR/time.svg, peak.svg, settled.svg, faults.svg, "
        "means.svg, rss.svg, latency.svg\n"
        "  --check             status 1 when talus misses one of the limits below\n"
        "Limits, to the best of the other allocators in the run; what talus misses is listed at "
        "the end:\n",
        to);
    tl_bench_limits_help(to);
    fputs("Exit status: 0 all measured, 1 some run failed (it is named) or --check found a miss, "
          "2 wrong usage or nothing to measure.\n",
          to);
    return to == stdout ? TL_TOOL_OK : TL_TOOL_USAGE;
}

/* --- the list of workloads -------------------------------------------------------------------- */

/* Whether the workload is meant by one of the patterns (NULL: the usual ones are). The name of a
 * group means its usual ones, and nothing else. */
static bool is_wanted(const char *patterns, const struct tl_row *row, bool usual)
{
    static const char *const groups[] = { "one", "many", "real" };
    char                     text[512], *save = NULL;
    if (patterns == NULL)
        return usual;
    snprintf(text, sizeof text, "%s", patterns);
    for (char *one = strtok_r(text, ",", &save); one != NULL; one = strtok_r(NULL, ",", &save)) {
        bool is_group = false;
        for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++)
            is_group = is_group || strcmp(groups[g], one) == 0;
        if (is_group ? usual && strcmp(row->group, one) == 0
                     : fnmatch(one, row->name, 0) == 0 || (usual && strstr(row->name, one) != NULL))
            return true;
    }
    return false;
}

/* Lists the workload, or says what it lacks. Returns whether it is to be measured. */
static bool take_workload(const struct options *options, struct tl_row *row, const char *kind)
{
    bool missing = strcmp(kind, "missing") == 0, extra = strcmp(kind, "extra") == 0;
    if (options->list && missing)
        printf("%-18s %-5s not installed (Debian: apt-get install %s)\n", row->name, row->group,
               row->about);
    else if (options->list)
        printf("%-18s %-5s %s%s\n", row->name, row->group, row->about,
               extra ? " (only when named)" : "");
    bool wanted = is_wanted(options->only, row, !extra);
    if (wanted && missing && !options->list)
        tl_tool_error("%s is left out: its program is not installed (Debian: apt-get install %s)",
                      row->name, row->about);
    return wanted && !missing;
}

/* The traces, those that --only names if it is given. False after a message. */
static bool add_traces(const struct options *options)
{
    struct tl_bench *bench = options->bench;
    for (size_t t = 0; t < options->trace_count; t++) {
        struct tl_row *rows = bench->rows + bench->row_count;
        size_t         room = TL_BENCH_WORKLOADS_MAX - bench->row_count, count = 1;
        if (options->trace_is_folder[t]
                ? !tl_bench_trace_rows(options->traces[t], rows, room, &count)
                : room == 0 || !tl_bench_trace_row(rows, options->traces[t]))
            return false;
        for (size_t r = 0; r < count; r++) {
            struct tl_row *row = &bench->rows[bench->row_count];
            *row = rows[r];
            if (take_workload(options, row, "usual"))
                bench->row_count++;
            else
                free(row->trace);
        }
    }
    return true;
}

/* Asks the load program what it has. Returns a tl_tool_status. */
static int read_workloads(struct options *options, char *load)
{
    static char      text[32768];
    char            *argv[] = { load, "--list", NULL };
    char            *save = NULL;
    const char      *problem = tl_process_run(argv, NULL, RUN_SECONDS_MAX, text, sizeof text);
    struct tl_bench *bench = options->bench;
    if (problem != NULL)
        return tl_tool_error("%s --list: %s", load, problem);
    bench->rows = calloc(TL_BENCH_WORKLOADS_MAX, sizeof *bench->rows);
    if (bench->rows == NULL)
        return tl_tool_error("no memory");
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        struct tl_row *row = &bench->rows[bench->row_count];
        char           kind[8];
        if (bench->row_count == TL_BENCH_WORKLOADS_MAX ||
            sscanf(line, "%31[^\t]\t%7[^\t]\t%7[^\t]\t%159[^\n]", row->name, row->group, kind,
                   row->about) != 4)
            return tl_tool_error("%s --list: cannot read '%s'", load, line);
        bench->row_count += take_workload(options, row, kind);
    }
    if (!add_traces(options))
        return TL_TOOL_USAGE;
    if (bench->row_count == 0)
        return tl_tool_error("no workload to measure is called '%s'; talus bench --list names them",
                             options->only);
    return TL_TOOL_OK;
}

/* --- measuring -------------------------------------------------------------------------------- */

struct loads {
    char bench[TL_TOOL_PATH_MAX];  /* talus-bench-load */
    char replay[TL_TOOL_PATH_MAX]; /* talus-replay-load; only for traces */
};

/* One run of one workload on one allocator; appends to the cell. */
static void measure(const struct tl_bench *bench, const struct loads *loads, struct tl_row *row,
                    size_t peer_index, unsigned round)
{
    bool last = round + 1 == bench->rounds;
    char seed[32], scale[32], settle[32];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)bench->seed + round);
    snprintf(scale, sizeof scale, "%g", bench->scale);
    snprintf(settle, sizeof settle, "%u", last ? bench->settle_ms : 0);
    char    *run[] = { (char *)loads->bench, row->name, "--seed", seed, "--scale", scale,
                       "--settle",           settle,    NULL };
    char    *play[] = { (char *)loads->replay, row->trace, NULL };
    unsigned seconds_max = RUN_SECONDS_MAX * (bench->scale > 1 ? (unsigned)(bench->scale + 1) : 1) +
                           bench->settle_ms / 1000 + row->trace_seconds_max;
    tl_bench_take(&row->cells[peer_index], &bench->peers.peers[peer_index],
                  row->trace != NULL ? play : run, seconds_max, last);
}

static void show_progress(const struct tl_bench *bench, size_t done, const struct tl_row *row)
{
    double best = tl_bench_best(bench, row, TL_FIGURE_TIME);
    fprintf(stderr, "%s[%3zu/%zu] %-18s", isatty(2) ? "\r\033[K" : "", done, bench->row_count,
            row->name);
    for (size_t p = 0; p < bench->peers.count; p++) {
        double figure = tl_bench_figure(bench, &row->cells[p], TL_FIGURE_TIME);
        if (figure > 0)
            fprintf(stderr, " %s %.2f", bench->peers.peers[p].name, figure / best);
        else
            fprintf(stderr, " %s failed", bench->peers.peers[p].name);
    }
    fputc('\n', stderr);
}

static void measure_all(struct tl_bench *bench, const struct loads *loads)
{
    if (getloadavg(&bench->load, 1) == 1 && bench->load > 1)
        fprintf(
            stderr,
            "talus: other programs are running (load %.1f): expect noise, and see --clock cpu\n",
            bench->load);
    for (size_t r = 0; r < bench->row_count; r++) {
        struct tl_row *row = &bench->rows[r];
        for (unsigned round = 0; round < bench->rounds; round++) {
            for (size_t i = 0; i < bench->peers.count; i++) {
                size_t p = (i + round) % bench->peers.count;
                if (isatty(2))
                    fprintf(stderr, "\r\033[K[%3zu/%zu] %-18s round %u of %u  %s", r + 1,
                            bench->row_count, row->name, round + 1, bench->rounds,
                            bench->peers.peers[p].name);
                if (row->cells[p].problem[0] == '\0')
                    measure(bench, loads, row, p, round);
            }
        }
        show_progress(bench, r + 1, row);
    }
}

/* --- options ---------------------------------------------------------------------------------- */

static bool read_number(const char *text, double low, double high, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && *number >= low && *number <= high;
}

/* Takes one option with its value. Returns false when the value is wrong or the option unknown. */
static bool read_option(struct options *options, const char *name, char *value)
{
    struct tl_bench *bench = options->bench;
    double           number = 0;
    if (strcmp(name, "--only") == 0) {
        options->only = value;
    } else if (strcmp(name, "--trace") == 0 || strcmp(name, "--traces") == 0) {
        if (options->trace_count == TRACES_MAX)
            return false;
        options->trace_is_folder[options->trace_count] = strcmp(name, "--traces") == 0;
        options->traces[options->trace_count++] = value;
    } else if (strcmp(name, "--base") == 0) {
        options->base = value;
    } else if (strcmp(name, "--json") == 0) {
        options->json = value;
    } else if (strcmp(name, "--plot") == 0) {
        options->plot = value;
    } else if (strcmp(name, "--rounds") == 0 && read_number(value, 1, TL_ROUNDS_MAX, &number)) {
        bench->rounds = (unsigned)number;
        options->rounds_given = true;
    } else if (strcmp(name, "--scale") == 0 && read_number(value, 0.0001, 1000, &number)) {
        bench->scale = number;
        options->scale_given = true;
    } else if (strcmp(name, "--settle") == 0 && read_number(value, 0, 600000, &number)) {
        bench->settle_ms = (unsigned)number;
        options->settle_given = true;
    } else if (strcmp(name, "--clock") == 0 &&
               (strcmp(value, "cpu") == 0 || strcmp(value, "wall") == 0)) {
        bench->cpu_clock = strcmp(value, "cpu") == 0;
    } else if (strcmp(name, "--seed") == 0 && read_number(value, 0, 1e15, &number)) {
        bench->seed = (uint64_t)number;
    } else {
        return tl_peers_option(&options->choice, name, value);
    }
    return true;
}

/* Returns -1 to go on, else the exit status. */
static int read_options(struct options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return bench_help(stdout);
        if (strcmp(argv[i], "--list") == 0) {
            options->list = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            options->quick = true;
        } else if (strcmp(argv[i], "--check") == 0) {
            options->check = true;
        } else if (i + 1 == argc || !read_option(options, argv[i], argv[i + 1])) {
            tl_tool_error("bench: '%s%s%s' is no option, or its value is wrong", argv[i],
                          i + 1 < argc ? " " : "", i + 1 < argc ? argv[i + 1] : "");
            return bench_help(stderr);
        } else {
            i++;
        }
    }
    if (options->quick) {
        struct tl_bench *bench = options->bench;
        bench->rounds = options->rounds_given ? bench->rounds : 2;
        bench->scale = options->scale_given ? bench->scale : 0.1;
        bench->settle_ms = options->settle_given ? bench->settle_ms : 100;
    }
    return -1;
}

static bool choose_base(struct tl_bench *bench, const char *name)
{
    size_t found = tl_peers_index(&bench->peers, name != NULL ? name : "libc");
    bench->show_base = name != NULL;
    bench->base = found < bench->peers.count ? found : 0; /* without libc the first one serves */
    if (name != NULL && found == bench->peers.count)
        tl_tool_error("--base %s: it is not among the allocators of this run", name);
    return name == NULL || found < bench->peers.count;
}

/* Without talus, or without another allocator, there is nothing to check. */
static bool can_check(const struct tl_bench *bench, bool wanted)
{
    bool can =
        bench->peers.count > 1 && tl_peers_index(&bench->peers, "talus") < bench->peers.count;
    if (wanted && !can)
        tl_tool_error("--check compares talus with other allocators: this run has not both");
    return can || !wanted;
}

static int report(const struct tl_bench *bench, const struct options *options)
{
    if (options->json == NULL || strcmp(options->json, "-") != 0)
        tl_bench_print(bench, stdout);
    int status = tl_bench_problems(bench);
    if (options->check && tl_bench_missed(bench) != 0)
        status = TL_TOOL_FAILED;
    if (options->json != NULL &&
        tl_json_save(options->json, tl_bench_write_json, bench) != TL_TOOL_OK)
        status = TL_TOOL_USAGE;
    if (options->plot != NULL && !tl_bench_plot(bench, options->plot))
        status = TL_TOOL_USAGE;
    return status;
}

int tl_command_bench(int argc, char **argv)
{
    struct tl_bench bench = { .rounds = 5, .scale = 1, .settle_ms = 2000, .seed = 1 };
    struct options  options = { .bench = &bench };
    struct loads    loads;
    int             status = read_options(&options, argc, argv);
    if (status >= 0)
        return status;
    if (!tl_tool_locate("talus-bench-load", loads.bench) ||
        (options.trace_count != 0 && !tl_tool_locate("talus-replay-load", loads.replay)))
        return TL_TOOL_USAGE;
    status = read_workloads(&options, loads.bench);
    if (status == TL_TOOL_OK && !options.list) {
        if (tl_peers_find(&bench.peers, &options.choice) && choose_base(&bench, options.base) &&
            can_check(&bench, options.check) &&
            (options.plot == NULL || tl_plot_folder(options.plot))) {
            measure_all(&bench, &loads);
            status = report(&bench, &options);
        } else {
            status = TL_TOOL_USAGE;
        }
    }
    tl_bench_free(&bench);
    return status;
}
