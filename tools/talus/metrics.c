/* metrics.c: `talus metrics`, what R50 asks for, of talus and other allocators: the measuring.
 * 1 Purpose     Each figure is measured when it is printed: times and memory by talus-metrics-load,
 *               a process of its own for each allocator, mode and round, rounds interleaved and
 *               rotated; instructions by the calls of `talus pathlen`.
 * 2 Invariants  A figure that could not be measured is "-", and named on standard error unless the
 *               allocator does not have it. What comes from another malloc than the one that was
 *               to be measured does not count. */
#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stress/words.h"
#include "tools/talus/metrics.h"
#include "tools/talus/plot.h"

#define RUN_SECONDS_MAX 120u

/* What talus-metrics-load prints, by mode. */
static const struct {
    const char    *mode, *key;
    enum tl_metric metric;
} printed[] = {
    { "speed", "malloc_small_ns", TL_METRIC_MALLOC_SMALL_NS },
    { "speed", "free_small_ns", TL_METRIC_FREE_SMALL_NS },
    { "speed", "malloc_large_ns", TL_METRIC_MALLOC_LARGE_NS },
    { "speed", "free_large_ns", TL_METRIC_FREE_LARGE_NS },
    { "blocks-64", "block_64_bytes", TL_METRIC_BLOCK_64 },
    { "blocks-100", "block_100_bytes", TL_METRIC_BLOCK_100 },
    { "floor", "floor_kib", TL_METRIC_FLOOR_KIB },
    { "floor", "floor_private_kib", TL_METRIC_FLOOR_PRIVATE_KIB },
    { "floor", "own_metadata_kib", TL_METRIC_OWN_KIB },
    { "nothing", "nothing_kib", TL_METRIC_NOTHING_KIB },
    { "nothing", "nothing_private_kib", TL_METRIC_NOTHING_PRIVATE_KIB },
    { "idle-threads", "idle_thread_kib", TL_METRIC_IDLE_THREAD_KIB },
    { "spawn", "thread_us", TL_METRIC_THREAD_US },
};
#define PRINTED (sizeof printed / sizeof printed[0])

/* The order in which modes run; "nothing" needs libc alone. */
static const char *const modes[] = { "speed",        "blocks-64", "blocks-100",   "floor",
                                     "idle-threads", "spawn",     "fragmentation" };
#define MODES (sizeof modes / sizeof modes[0])

struct options {
    const char *json, *plot, *only;

    struct tl_peer_choice choice;
};

static int metrics_help(FILE *to)
{
    fputs(
        "usage: talus metrics [OPTIONS]\n"
        "\n"
        "Measures what an allocator costs, on talus and on what else is installed: speed, "
        "instructions, the longest path,\n"
        "metadata, fragmentation over time, threads. tools/talus/README.md says how each figure "
        "is made.\n"
        "  --allocators NAMES  of libc, mimalloc, jemalloc, tcmalloc, tbbmalloc, talus; with "
        "commas\n"
        "  --peer NAME=PATH[,VAR=VALUE...]  one more allocator\n"
        "  --only MODES        some of speed, blocks-64, blocks-100, floor, idle-threads, "
        "spawn, fragmentation,\n"
        "                      instructions; with commas\n"
        "  --rounds N          runs of each mode on each allocator (3; fragmentation: 1), medians "
        "are shown\n"
        "  --calls N           measured calls of each kind for instructions (100)\n"
        "  --json FILE         writes every figure to FILE (-: standard output, instead of the "
        "table)\n"
        "  --plot DIR          draws fragmentation over time: DIR/fragmentation.svg\n"
        "Exit status: 0 all measured, 1 some figure could not be measured (it is named), 2 wrong "
        "usage or nothing to measure.\n",
        to);
    return to == stdout ? TL_TOOL_OK : TL_TOOL_USAGE;
}

/* --- measuring -------------------------------------------------------------------------------- */

static void fail(struct tl_metrics *all, const char *mode, const struct tl_peer *peer,
                 const char *problem)
{
    tl_tool_error("%s on %s: %s", mode, peer->name, problem);
    all->failed = true;
}

/* One more round of a figure; false when there are more of it than rounds. */
static bool add(struct tl_metric_values *values, enum tl_metric metric, double number)
{
    if (values->count[metric] == TL_METRICS_ROUNDS_MAX)
        return false;
    values->rounds[metric][values->count[metric]++] = number;
    return true;
}

/* Takes "figure KEY NUMBER"; false when nobody knows the key. */
static bool take_figure(struct tl_metric_values *values, const char *mode, const char *line)
{
    char     key[48];
    double   number;
    unsigned point;
    if (sscanf(line, "figure %47s %lf", key, &number) != 2 || !isfinite(number))
        return false;
    if (sscanf(key, "fragmentation_%u", &point) == 1 && point >= 1 && point <= TL_METRICS_POINTS)
        return add(values, (enum tl_metric)(TL_METRIC_FRAGMENTATION + point - 1), number);
    for (size_t i = 0; i < PRINTED; i++) {
        if (strcmp(printed[i].mode, mode) == 0 && strcmp(printed[i].key, key) == 0)
            return add(values, printed[i].metric, number);
    }
    return false;
}

static void run_mode(struct tl_metrics *all, char *load, const char *mode,
                     const struct tl_peer *peer, struct tl_metric_values *values)
{
    static char                    text[16384];
    static struct tl_metric_values before;
    char                          *argv[] = { load, (char *)mode, NULL };
    char                          *save = NULL;
    const char *problem = tl_process_run(argv, peer, RUN_SECONDS_MAX, text, sizeof text);
    bool        from_peer = false;
    before = *values;
    for (char *line = problem == NULL ? strtok_r(text, "\n", &save) : NULL; line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "malloc ", 7) == 0)
            from_peer = tl_peer_is_object(peer, line + 7);
        else if (!take_figure(values, mode, line))
            problem = "printed what cannot be read";
    }
    if (problem == NULL && !from_peer)
        problem = "not measured: malloc came from elsewhere";
    if (problem != NULL) {
        *values = before;
        fail(all, mode, peer, problem);
    }
}

static void measure_modes(struct tl_metrics *all, char *load, const char *only)
{
    const struct tl_peer libc = { .name = "libc" };
    for (size_t m = 0; m < MODES; m++) {
        if (!st_words_have(only, modes[m]))
            continue;
        bool once = strcmp(modes[m], "fragmentation") == 0; /* long, and much the same each time */
        for (unsigned round = 0; round < (once ? 1 : all->rounds); round++) {
            for (size_t i = 0; i < all->peers.count; i++) {
                size_t p = (i + round) % all->peers.count;
                fprintf(stderr, "%s%s on %s%s", isatty(2) ? "\r\033[K" : "", modes[m],
                        all->peers.peers[p].name, isatty(2) ? "" : "\n");
                run_mode(all, load, modes[m], &all->peers.peers[p], &all->of[p]);
            }
            if (strcmp(modes[m], "floor") == 0)
                run_mode(all, load, "nothing", &libc, &all->libc);
            if (strcmp(modes[m], "spawn") == 0)
                run_mode(all, load, "spawn", &libc, &all->libc);
        }
    }
    if (isatty(2))
        fputs("\r\033[K", stderr);
}

/* --- what the figures are made of ------------------------------------------------------------- */

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* The mean holds the share of the slow exits; the longest path is the most that any call took that
 * hands out a block or says that it cannot. */
static void take_instructions(struct tl_metrics *all)
{
    for (size_t r = 0; r < all->pathlen.row_count; r++) {
        const struct tl_pathlen_row *row = &all->pathlen.rows[r];
        for (size_t p = 0; p < all->peers.count; p++) {
            const struct tl_pathlen_figures *of = &row->of[p];
            double                          *median = all->median[p];
            if (of->calls == 0)
                continue;
            if (strcmp(row->name, "malloc 64") == 0)
                median[TL_METRIC_MALLOC_SMALL_STEPS] = of->mean;
            else if (strcmp(row->name, "free 64") == 0)
                median[TL_METRIC_FREE_SMALL_STEPS] = of->mean;
            else if (strcmp(row->name, "malloc 256 KiB") == 0)
                median[TL_METRIC_MALLOC_LARGE_STEPS] = of->mean;
            else if (strcmp(row->name, "free 256 KiB") == 0)
                median[TL_METRIC_FREE_LARGE_STEPS] = of->mean;
            if (begins(row->name, "free"))
                continue;
            bool fails = begins(row->scenario, "too-large") || begins(row->scenario, "no-memory");
            enum tl_metric path = fails ? TL_METRIC_FAILING_PATH : TL_METRIC_RETURNING_PATH;
            median[path] = fmax(median[path], of->max); /* NAN gives way */
            median[TL_METRIC_PATH_LENGTH] = fmax(median[TL_METRIC_PATH_LENGTH], of->max);
        }
    }
}

static void conclude(struct tl_metrics *all)
{
    for (size_t p = 0; p < all->peers.count; p++) {
        double *median = all->median[p];
        for (unsigned m = 0; m < TL_METRICS; m++)
            median[m] = tl_metrics_median(&all->of[p], (enum tl_metric)m);
        median[TL_METRIC_GLOBAL_KIB] =
            median[TL_METRIC_FLOOR_KIB] - tl_metrics_median(&all->libc, TL_METRIC_NOTHING_KIB);
        median[TL_METRIC_GLOBAL_PRIVATE_KIB] =
            median[TL_METRIC_FLOOR_PRIVATE_KIB] -
            tl_metrics_median(&all->libc, TL_METRIC_NOTHING_PRIVATE_KIB);
        median[TL_METRIC_THREAD_RATIO] =
            median[TL_METRIC_THREAD_US] / tl_metrics_median(&all->libc, TL_METRIC_THREAD_US);
    }
    take_instructions(all);
}

/* --- the command ------------------------------------------------------------------------------ */

/* Whether every name of --only is a mode. */
static bool knows_modes(const char *only)
{
    const char *at = only;
    while (at != NULL && *at != '\0') {
        size_t length = strcspn(at, ",");
        bool   known = length == strlen("instructions") && begins(at, "instructions");
        for (size_t m = 0; m < MODES; m++)
            known = known || (length == strlen(modes[m]) && begins(at, modes[m]));
        if (!known)
            return false;
        at += length + (at[length] == ',');
    }
    return true;
}

static bool read_option(struct tl_metrics *all, struct options *options, const char *name,
                        const char *value)
{
    if (strcmp(name, "--json") == 0)
        options->json = value;
    else if (strcmp(name, "--plot") == 0)
        options->plot = value;
    else if (strcmp(name, "--only") == 0)
        options->only = value;
    else if (strcmp(name, "--rounds") == 0)
        return tl_tool_count(value, TL_METRICS_ROUNDS_MAX, &all->rounds);
    else if (strcmp(name, "--calls") == 0)
        return tl_tool_count(value, 100000, &all->pathlen.calls);
    else
        return tl_peers_option(&options->choice, name, value);
    return strcmp(name, "--only") != 0 || knows_modes(value);
}

/* Returns -1 to go on, else the exit status. */
static int read_options(struct tl_metrics *all, struct options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0)
            return metrics_help(stdout);
        if (i + 1 == argc || !read_option(all, options, argv[i], argv[i + 1])) {
            tl_tool_error("metrics: '%s%s%s' is no option, or its value is wrong", argv[i],
                          i + 1 < argc ? " " : "", i + 1 < argc ? argv[i + 1] : "");
            return metrics_help(stderr);
        }
    }
    return -1;
}

int tl_command_metrics(int argc, char **argv)
{
    static struct tl_metrics all = { .rounds = 3, .pathlen = { .calls = 100 } };
    struct options           options = { .json = NULL };
    char                     load[TL_TOOL_PATH_MAX];
    int                      status = read_options(&all, &options, argc, argv);
    if (status >= 0)
        return status;
    if (!tl_tool_locate("talus-metrics-load", load) ||
        !tl_peers_find(&all.peers, &options.choice) ||
        (options.plot != NULL && !tl_plot_folder(options.plot)))
        return TL_TOOL_USAGE;
    measure_modes(&all, load, options.only);
    all.pathlen.peers = all.peers;
    if (st_words_have(options.only, "instructions")) {
        if (!tl_pathlen_count(&all.pathlen))
            return TL_TOOL_USAGE;
        all.failed = all.failed || all.pathlen.failed;
    }
    conclude(&all);
    if (options.json == NULL || strcmp(options.json, "-") != 0)
        tl_metrics_print(&all);
    if (options.json != NULL &&
        tl_json_save(options.json, tl_metrics_write_json, &all) != TL_TOOL_OK)
        return TL_TOOL_USAGE;
    if (options.plot != NULL && !tl_metrics_plot(&all, options.plot))
        return TL_TOOL_USAGE;
    return all.failed ? TL_TOOL_FAILED : TL_TOOL_OK;
}
