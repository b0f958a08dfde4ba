/* metrics.c: `talus metrics`, what R50 asks for, of talus and other allocators in one table.
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

#include "tools/talus/pathlen.h"
#include "tools/talus/plot.h"

#define ROUNDS_MAX      25u
#define RUN_SECONDS_MAX 120u
#define POINTS          10u /* of fragmentation over time */

enum metric {
    MALLOC_SMALL_NS,
    FREE_SMALL_NS,
    MALLOC_SMALL_STEPS,
    FREE_SMALL_STEPS,
    MALLOC_LARGE_NS,
    FREE_LARGE_NS,
    MALLOC_LARGE_STEPS,
    FREE_LARGE_STEPS,
    PATH_LENGTH,
    FAILING_PATH,
    BLOCK_64,
    BLOCK_100,
    GLOBAL_KIB,
    GLOBAL_PRIVATE_KIB,
    OWN_KIB,
    FLOOR_KIB,
    IDLE_THREAD_KIB,
    THREAD_US,
    THREAD_RATIO,
    NOTHING_KIB, /* below: no rows of the table, but what rows are made of */
    FLOOR_PRIVATE_KIB,
    NOTHING_PRIVATE_KIB,
    FRAGMENTATION,
    METRICS = FRAGMENTATION + POINTS
};
#define ROWS NOTHING_KIB

static const struct {
    const char *key, *name, *unit;
} about[ROWS] = {
    { "malloc_small_ns", "allocate 64 B", "ns" },
    { "free_small_ns", "free 64 B", "ns" },
    { "malloc_small_instructions", "allocate 64 B", "instructions" },
    { "free_small_instructions", "free 64 B", "instructions" },
    { "malloc_large_ns", "allocate 256 KiB", "ns" },
    { "free_large_ns", "free 256 KiB", "ns" },
    { "malloc_large_instructions", "allocate 256 KiB", "instructions" },
    { "free_large_instructions", "free 256 KiB", "instructions" },
    { "path_length", "allocation path length", "instructions" },
    { "failing_path_length", "  until failure is known", "instructions" },
    { "block_64_bytes", "metadata per 64 B block", "bytes" },
    { "block_100_bytes", "metadata per 100 B block", "bytes" },
    { "global_kib", "global metadata", "KiB" },
    { "global_private_kib", "  of it private memory", "KiB" },
    { "own_metadata_kib", "  as talus itself says", "KiB" },
    { "floor_kib", "trivial program", "KiB" },
    { "idle_thread_kib", "idle thread", "KiB" },
    { "thread_us", "thread with one malloc", "us" },
    { "thread_to_libc", "  in libc's", "times" },
};

/* What talus-metrics-load prints, by mode. */
static const struct {
    const char *mode, *key;
    enum metric metric;
} printed[] = {
    { "speed", "malloc_small_ns", MALLOC_SMALL_NS },
    { "speed", "free_small_ns", FREE_SMALL_NS },
    { "speed", "malloc_large_ns", MALLOC_LARGE_NS },
    { "speed", "free_large_ns", FREE_LARGE_NS },
    { "blocks-64", "block_64_bytes", BLOCK_64 },
    { "blocks-100", "block_100_bytes", BLOCK_100 },
    { "floor", "floor_kib", FLOOR_KIB },
    { "floor", "floor_private_kib", FLOOR_PRIVATE_KIB },
    { "floor", "own_metadata_kib", OWN_KIB },
    { "nothing", "nothing_kib", NOTHING_KIB },
    { "nothing", "nothing_private_kib", NOTHING_PRIVATE_KIB },
    { "idle-threads", "idle_thread_kib", IDLE_THREAD_KIB },
    { "spawn", "thread_us", THREAD_US },
};
#define PRINTED (sizeof printed / sizeof printed[0])

/* The order in which modes run; "nothing" needs libc alone. */
static const char *const modes[] = { "speed",        "blocks-64", "blocks-100",   "floor",
                                     "idle-threads", "spawn",     "fragmentation" };
#define MODES (sizeof modes / sizeof modes[0])

struct values {
    double rounds[METRICS][ROUNDS_MAX];
    size_t count[METRICS]; /* rounds that gave this figure */
};

struct metrics {
    struct tl_peer_list peers;
    struct values       of[TL_PEERS_MAX];
    struct values       libc; /* what figures are compared with, whichever allocators are chosen */
    double              median[TL_PEERS_MAX][METRICS]; /* NAN: not there */
    struct tl_pathlen   pathlen;
    unsigned            rounds;
    const char         *json, *plot, *only;
    char                load[TL_TOOL_PATH_MAX];
    bool                failed;

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

static void fail(struct metrics *all, const char *mode, const struct tl_peer *peer,
                 const char *problem)
{
    tl_tool_error("%s on %s: %s", mode, peer->name, problem);
    all->failed = true;
}

static void add(struct values *values, enum metric metric, double number)
{
    values->rounds[metric][values->count[metric]++] = number;
}

/* Takes "figure KEY NUMBER"; false when nobody knows the key. */
static bool take_figure(struct values *values, const char *mode, const char *line)
{
    char     key[48];
    double   number;
    unsigned point;
    if (sscanf(line, "figure %47s %lf", key, &number) != 2 || !isfinite(number))
        return false;
    if (sscanf(key, "fragmentation_%u", &point) == 1 && point >= 1 && point <= POINTS) {
        add(values, (enum metric)(FRAGMENTATION + point - 1), number);
        return true;
    }
    for (size_t i = 0; i < PRINTED; i++) {
        if (strcmp(printed[i].mode, mode) == 0 && strcmp(printed[i].key, key) == 0) {
            add(values, printed[i].metric, number);
            return true;
        }
    }
    return false;
}

static void run_mode(struct metrics *all, const char *mode, const struct tl_peer *peer,
                     struct values *values)
{
    static char          text[16384];
    static struct values before;
    char                *argv[] = { all->load, (char *)mode, NULL };
    char                *save = NULL;
    const char          *problem = tl_process_run(argv, peer, RUN_SECONDS_MAX, text, sizeof text);
    bool                 from_peer = false;
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

static bool is_chosen(const struct metrics *all, const char *mode)
{
    const char *at = all->only;
    size_t      length = strlen(mode);
    while (at != NULL && (strncmp(at, mode, length) != 0 || !strchr(",", at[length]))) {
        at = strchr(at, ',');
        if (at == NULL)
            return false;
        at++;
    }
    return true;
}

static void measure_modes(struct metrics *all)
{
    const struct tl_peer libc = { .name = "libc" };
    for (size_t m = 0; m < MODES; m++) {
        if (!is_chosen(all, modes[m]))
            continue;
        bool once = strcmp(modes[m], "fragmentation") == 0; /* long, and much the same each time */
        for (unsigned round = 0; round < (once ? 1 : all->rounds); round++) {
            for (size_t i = 0; i < all->peers.count; i++) {
                size_t p = (i + round) % all->peers.count;
                fprintf(stderr, "%s%s on %s%s", isatty(2) ? "\r\033[K" : "", modes[m],
                        all->peers.peers[p].name, isatty(2) ? "" : "\n");
                run_mode(all, modes[m], &all->peers.peers[p], &all->of[p]);
            }
            if (strcmp(modes[m], "floor") == 0)
                run_mode(all, "nothing", &libc, &all->libc);
            if (strcmp(modes[m], "spawn") == 0)
                run_mode(all, "spawn", &libc, &all->libc);
        }
    }
    if (isatty(2))
        fputs("\r\033[K", stderr);
}

/* --- what the figures are made of ------------------------------------------------------------- */

static double median_of(const struct values *values, enum metric metric)
{
    return values->count[metric] != 0 ? tl_median(values->rounds[metric], values->count[metric])
                                      : NAN;
}

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* The mean holds the share of the slow exits; the longest path is the most that any call took that
 * hands out a block or says that it cannot. */
static void take_instructions(struct metrics *all)
{
    for (size_t r = 0; r < all->pathlen.row_count; r++) {
        const struct tl_pathlen_row *row = &all->pathlen.rows[r];
        for (size_t p = 0; p < all->peers.count; p++) {
            const struct tl_pathlen_figures *of = &row->of[p];
            double                          *median = all->median[p];
            if (of->calls == 0)
                continue;
            if (strcmp(row->name, "malloc 64") == 0)
                median[MALLOC_SMALL_STEPS] = of->mean;
            else if (strcmp(row->name, "free 64") == 0)
                median[FREE_SMALL_STEPS] = of->mean;
            else if (strcmp(row->name, "malloc 256 KiB") == 0)
                median[MALLOC_LARGE_STEPS] = of->mean;
            else if (strcmp(row->name, "free 256 KiB") == 0)
                median[FREE_LARGE_STEPS] = of->mean;
            if (begins(row->scenario, "too-large") || begins(row->scenario, "no-memory"))
                median[FAILING_PATH] = fmax(median[FAILING_PATH], of->max); /* NAN gives way */
            if (!begins(row->name, "free"))
                median[PATH_LENGTH] = fmax(median[PATH_LENGTH], of->max);
        }
    }
}

static void conclude(struct metrics *all)
{
    for (size_t p = 0; p < all->peers.count; p++) {
        double *median = all->median[p];
        for (unsigned m = 0; m < METRICS; m++)
            median[m] = median_of(&all->of[p], (enum metric)m);
        median[GLOBAL_KIB] = median[FLOOR_KIB] - median_of(&all->libc, NOTHING_KIB);
        median[GLOBAL_PRIVATE_KIB] =
            median[FLOOR_PRIVATE_KIB] - median_of(&all->libc, NOTHING_PRIVATE_KIB);
        median[THREAD_RATIO] = median[THREAD_US] / median_of(&all->libc, THREAD_US);
    }
    take_instructions(all);
}

/* --- output ----------------------------------------------------------------------------------- */

#define NAME_WIDTH 27
#define UNIT_WIDTH 13
#define CELL_WIDTH 11

static void print_number(double number)
{
    if (isnan(number))
        printf("%*s", CELL_WIDTH, "-");
    else if (fabs(number) < 1)
        printf("%*.2f", CELL_WIDTH, number);
    else
        printf("%*.*f", CELL_WIDTH, number < 100 ? 1 : 0, number);
}

static void print_names(const struct metrics *all, const char *title)
{
    printf("%-*s", NAME_WIDTH + UNIT_WIDTH, title);
    for (size_t p = 0; p < all->peers.count; p++)
        printf("%*.*s", CELL_WIDTH, CELL_WIDTH - 1, all->peers.peers[p].name);
    putchar('\n');
}

/* Whether any allocator has this figure. */
static bool any_has(const struct metrics *all, unsigned metric)
{
    bool has = false;
    for (size_t p = 0; p < all->peers.count; p++)
        has = has || !isnan(all->median[p][metric]);
    return has;
}

static void print_tables(const struct metrics *all)
{
    printf("Medians of %u rounds; lower is better\n", all->rounds);
    print_names(all, "");
    for (unsigned m = 0; m < ROWS; m++) {
        if (!any_has(all, m))
            continue;
        printf("%-*s%-*s", NAME_WIDTH, about[m].name, UNIT_WIDTH, about[m].unit);
        for (size_t p = 0; p < all->peers.count; p++)
            print_number(all->median[p][m]);
        putchar('\n');
    }
    if (!any_has(all, FRAGMENTATION))
        return;
    puts("\nFragmentation over time: resident growth in bytes for each live byte");
    print_names(all, "");
    for (unsigned point = 0; point < POINTS; point++) {
        printf("%-*s%-*u", NAME_WIDTH, "  point", UNIT_WIDTH, point + 1);
        for (size_t p = 0; p < all->peers.count; p++)
            printf("%*.3f", CELL_WIDTH, all->median[p][FRAGMENTATION + point]);
        putchar('\n');
    }
}

static void write_allocator(const struct metrics *all, struct tl_json *json, size_t peer)
{
    double *points = (double *)&all->median[peer][FRAGMENTATION];
    tl_json_open(json, NULL, '{');
    tl_json_text(json, "allocator", all->peers.peers[peer].name);
    tl_json_text(json, "library", all->peers.peers[peer].library);
    for (unsigned m = 0; m < ROWS; m++) {
        const struct values *of = &all->of[peer];
        tl_json_open(json, about[m].key, '{');
        tl_json_text(json, "unit", about[m].unit);
        tl_json_number(json, "median", all->median[peer][m]);
        if (of->count[m] != 0)
            tl_json_list(json, "rounds", of->rounds[m], of->count[m]);
        tl_json_close(json, '}');
    }
    tl_json_list(json, "fragmentation", points, POINTS);
    tl_json_close(json, '}');
}

static bool write_json(const void *what, FILE *to)
{
    const struct metrics *all = what;
    struct tl_json        json;
    tl_json_begin(&json, to);
    tl_json_text(&json, "tool", "talus metrics");
    tl_json_whole(&json, "format", 1);
    tl_json_machine(&json);
    tl_json_whole(&json, "rounds", all->rounds);
    tl_json_number(&json, "nothing_kib", median_of(&all->libc, NOTHING_KIB));
    tl_json_number(&json, "libc_thread_us", median_of(&all->libc, THREAD_US));
    tl_json_open(&json, "allocators", '[');
    for (size_t p = 0; p < all->peers.count; p++)
        write_allocator(all, &json, p);
    tl_json_close(&json, ']');
    return tl_json_end(&json);
}

static bool plot(const struct metrics *all)
{
    static double        x[POINTS];
    struct tl_plot_panel panel = { .title =
                                       "32 MiB live, sizes drift from 32 B to 16 KiB and back" };
    for (unsigned i = 0; i < POINTS; i++)
        x[i] = i + 1;
    for (size_t p = 0; p < all->peers.count; p++) {
        bool has = !isnan(all->median[p][FRAGMENTATION]);
        panel.series[p] =
            (struct tl_plot_series){ x, &all->median[p][FRAGMENTATION], has ? POINTS : 0 };
    }
    struct tl_plot_lines lines = {
        .page = { &all->peers, "Fragmentation over time; lower is better",
                  "Resident growth for each live byte; from point to point 64 MiB are replaced at "
                  "random, in half a second",
                  0 },
        .panels = &panel,
        .count = 1,
        .x_unit = "point",
        .y_unit = "times",
    };
    return tl_plot_save(all->plot, "fragmentation", tl_plot_lines,
                        any_has(all, FRAGMENTATION) ? &lines : NULL);
}

/* --- the command ------------------------------------------------------------------------------ */

static bool read_count(const char *text, unsigned max, unsigned *count)
{
    char         *rest;
    unsigned long number = strtoul(text, &rest, 10);
    *count = (unsigned)number;
    return text[0] >= '0' && text[0] <= '9' && *rest == '\0' && number >= 1 && number <= max;
}

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

static bool read_option(struct metrics *all, const char *name, const char *value)
{
    if (strcmp(name, "--json") == 0)
        all->json = value;
    else if (strcmp(name, "--plot") == 0)
        all->plot = value;
    else if (strcmp(name, "--only") == 0)
        all->only = value;
    else if (strcmp(name, "--rounds") == 0)
        return read_count(value, ROUNDS_MAX, &all->rounds);
    else if (strcmp(name, "--calls") == 0)
        return read_count(value, 100000, &all->pathlen.calls);
    else
        return tl_peers_option(&all->choice, name, value);
    return strcmp(name, "--only") != 0 || knows_modes(value);
}

/* Returns -1 to go on, else the exit status. */
static int read_options(struct metrics *all, int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0)
            return metrics_help(stdout);
        if (i + 1 == argc || !read_option(all, argv[i], argv[i + 1])) {
            tl_tool_error("metrics: '%s%s%s' is no option, or its value is wrong", argv[i],
                          i + 1 < argc ? " " : "", i + 1 < argc ? argv[i + 1] : "");
            return metrics_help(stderr);
        }
    }
    return -1;
}

int tl_command_metrics(int argc, char **argv)
{
    static struct metrics all = { .rounds = 3, .pathlen = { .calls = 100 } };
    int                   status = read_options(&all, argc, argv);
    if (status >= 0)
        return status;
    if (!tl_tool_locate("talus-metrics-load", all.load) ||
        !tl_peers_find(&all.peers, &all.choice) || (all.plot != NULL && !tl_plot_folder(all.plot)))
        return TL_TOOL_USAGE;
    measure_modes(&all);
    all.pathlen.peers = all.peers;
    if (is_chosen(&all, "instructions")) {
        if (!tl_pathlen_count(&all.pathlen))
            return TL_TOOL_USAGE;
        all.failed = all.failed || all.pathlen.failed;
    }
    conclude(&all);
    if (all.json == NULL || strcmp(all.json, "-") != 0)
        print_tables(&all);
    if (all.json != NULL && tl_json_save(all.json, write_json, &all) != TL_TOOL_OK)
        return TL_TOOL_USAGE;
    if (all.plot != NULL && !plot(&all))
        return TL_TOOL_USAGE;
    return all.failed ? TL_TOOL_FAILED : TL_TOOL_OK;
}
