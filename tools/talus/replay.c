/* replay.c: `talus replay`: a trace on several allocators in turn. Each run is a process of its own
 * (talus-replay-load), rounds are interleaved and rotated as in `talus bench`. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "tools/talus/bench.h"
#include "tools/talus/record/tape.h"

struct options {
    const char *trace, *allocators, *json;
    char       *extra[TL_PEERS_MAX];
    size_t      extra_count;
    bool        cpu_clock, info;
    unsigned    rounds, seconds_max;
};

struct replay {
    struct options      options;
    struct tl_tape      tape;
    struct tl_peer_list peers;
    struct tl_cell      cells[TL_PEERS_MAX];
};

static int replay_help(FILE *to)
{
    fputs("usage: talus replay [OPTIONS] TRACE\n"
          "\n"
          "Plays a trace of talus record on talus and on the allocators that are installed, in "
          "turn, as fast as it goes,\n"
          "and prints time and memory.\n"
          "  --info              what is in the trace; plays nothing\n"
          "  --allocators NAMES  of libc, mimalloc, jemalloc, tcmalloc, tbbmalloc, talus; with "
          "commas\n"
          "  --peer NAME=PATH[,VAR=VALUE...]  one more allocator: a library to preload, and its "
          "environment\n"
          "  --rounds N          runs on each allocator (5)\n"
          "  --clock wall|cpu    what time to compare (wall)\n"
          "  --limit S           seconds after which a run has failed (60, and more for long "
          "traces)\n"
          "  --json FILE         writes every figure to FILE (-: standard output, instead of the "
          "table)\n"
          "Exit status: 0 all measured, 1 some run failed (it is named), 2 wrong usage or no such "
          "trace.\n",
          to);
    return to == stdout ? TL_TOOL_OK : TL_TOOL_USAGE;
}

static bool read_count(const char *text, unsigned max, unsigned *count)
{
    char         *end;
    unsigned long number = strtoul(text, &end, 10);
    *count = (unsigned)number;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && number >= 1 && number <= max;
}

static bool read_option(struct options *options, const char *name, char *value)
{
    if (strcmp(name, "--allocators") == 0) {
        options->allocators = value;
    } else if (strcmp(name, "--json") == 0) {
        options->json = value;
    } else if (strcmp(name, "--peer") == 0 && options->extra_count < TL_PEERS_MAX) {
        options->extra[options->extra_count++] = value;
    } else if (strcmp(name, "--rounds") == 0) {
        return read_count(value, TL_ROUNDS_MAX, &options->rounds);
    } else if (strcmp(name, "--limit") == 0) {
        return read_count(value, 1000000, &options->seconds_max);
    } else if (strcmp(name, "--clock") == 0) {
        options->cpu_clock = strcmp(value, "cpu") == 0;
        return options->cpu_clock || strcmp(value, "wall") == 0;
    } else {
        return false;
    }
    return true;
}

/* Returns -1 to go on, else the exit status. */
static int read_options(struct options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return replay_help(stdout);
        if (strcmp(argv[i], "--info") == 0) {
            options->info = true;
        } else if (argv[i][0] != '-' && options->trace == NULL) {
            options->trace = argv[i];
        } else if (i + 1 == argc || !read_option(options, argv[i], argv[i + 1])) {
            tl_tool_error("replay: '%s%s%s' is no option, or its value is wrong", argv[i],
                          i + 1 < argc ? " " : "", i + 1 < argc ? argv[i + 1] : "");
            return replay_help(stderr);
        } else {
            i++;
        }
    }
    return options->trace != NULL ? -1 : replay_help(stderr);
}

/* --- what is in the trace --------------------------------------------------------------------- */

static const struct {
    const char     *name;
    enum tl_tape_op op;
} kinds[] = {
    { "malloc", TL_TAPE_MALLOC },
    { "calloc", TL_TAPE_CALLOC },
    { "aligned", TL_TAPE_ALIGNED },
    { "realloc", TL_TAPE_REALLOC },
    { "realloc_of_other_threads_blocks", TL_TAPE_REALLOC_OTHERS },
    { "free", TL_TAPE_FREE },
    { "free_of_other_threads_blocks", TL_TAPE_FREE_OTHERS },
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static void write_trace(struct tl_json *json, const struct replay *replay)
{
    tl_json_open(json, "trace", '{');
    tl_json_text(json, "file", replay->options.trace);
    tl_json_text(json, "command", replay->tape.command);
    tl_json_whole(json, "bytes", replay->tape.length);
    tl_json_whole(json, "threads", replay->tape.threads);
    tl_json_whole(json, "slots", replay->tape.slots);
    for (size_t k = 0; k < KINDS; k++)
        tl_json_whole(json, kinds[k].name, replay->tape.counts[kinds[k].op]);
    tl_json_close(json, '}');
}

static void print_info(const struct replay *replay)
{
    const struct tl_tape *tape = &replay->tape;
    printf("%s: %s\n", replay->options.trace, tape->command);
    printf("%llu threads, %llu allocations, %llu frees, %llu slots, %zu bytes\n",
           (unsigned long long)tape->threads, (unsigned long long)tl_tape_allocations(tape),
           (unsigned long long)tl_tape_frees(tape), (unsigned long long)tape->slots, tape->length);
    for (size_t k = 0; k < KINDS; k++)
        printf("  %-32s %llu\n", kinds[k].name, (unsigned long long)tape->counts[kinds[k].op]);
}

/* --- measuring and reporting ------------------------------------------------------------------ */

static void measure_all(struct replay *replay, char *load)
{
    char    *argv[] = { load, (char *)replay->options.trace, NULL };
    unsigned rounds = replay->options.rounds;
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < replay->peers.count; i++) {
            size_t          p = (i + round) % replay->peers.count;
            struct tl_cell *cell = &replay->cells[p];
            if (cell->problem[0] == '\0')
                tl_bench_take(cell, &replay->peers.peers[p], argv, replay->options.seconds_max,
                              round + 1 == rounds);
        }
    }
}

static const double *times(const struct replay *replay, size_t peer)
{
    return replay->options.cpu_clock ? replay->cells[peer].cpu_ns : replay->cells[peer].ns;
}

static double median_of(const struct replay *replay, size_t peer, enum tl_figure figure)
{
    const struct tl_cell *cell = &replay->cells[peer];
    if (cell->problem[0] != '\0')
        return 0;
    return tl_median(figure == TL_FIGURE_TIME ? times(replay, peer) : cell->peak_kib, cell->rounds);
}

static double best_of(const struct replay *replay, enum tl_figure figure)
{
    double best = 0;
    for (size_t p = 0; p < replay->peers.count; p++) {
        double value = median_of(replay, p, figure);
        if (value > 0 && (best <= 0 || value < best))
            best = value;
    }
    return best;
}

static double spread_of(const struct replay *replay, size_t peer)
{
    const double *ns = times(replay, peer);
    unsigned      rounds = replay->cells[peer].rounds;
    double        median = tl_median(ns, rounds);
    return median > 0 ? (tl_quantile(ns, rounds, 0.75) - tl_quantile(ns, rounds, 0.25)) / 2 / median
                      : 0;
}

static void print_table(const struct replay *replay)
{
    double best = best_of(replay, TL_FIGURE_TIME), best_peak = best_of(replay, TL_FIGURE_PEAK);
    print_info(replay);
    printf("\n%u rounds, medians; %s time; a ratio is to the best; lower is better\n%-14s%12s%12s"
           "%8s%8s%12s%8s\n",
           replay->options.rounds, replay->options.cpu_clock ? "CPU" : "wall", "", "ms", "ns/op",
           "ratio", "+-", "peak MiB", "ratio");
    for (size_t p = 0; p < replay->peers.count; p++) {
        double ns = median_of(replay, p, TL_FIGURE_TIME),
               peak = median_of(replay, p, TL_FIGURE_PEAK);
        if (ns > 0)
            printf("%-14s%12.2f%12.1f%8.2f%6.0f %%%12.2f%8.2f\n", replay->peers.peers[p].name,
                   ns / 1e6, ns / replay->cells[p].ops, ns / best, spread_of(replay, p) * 100,
                   peak / 1024, peak / best_peak);
        else
            printf("%-14s%12s\n", replay->peers.peers[p].name, "failed");
    }
}

static void write_list(struct tl_json *json, const char *key, const double *values, unsigned count)
{
    tl_json_open(json, key, '[');
    for (unsigned i = 0; i < count; i++)
        tl_json_number(json, NULL, values[i]);
    tl_json_close(json, ']');
}

static void write_result(struct tl_json *json, const struct replay *replay, size_t peer)
{
    const struct tl_cell *cell = &replay->cells[peer];
    tl_json_open(json, NULL, '{');
    tl_json_text(json, "allocator", replay->peers.peers[peer].name);
    tl_json_text(json, "library", replay->peers.peers[peer].library);
    if (cell->problem[0] != '\0') {
        tl_json_text(json, "problem", cell->problem);
    } else {
        double ns = median_of(replay, peer, TL_FIGURE_TIME),
               peak = median_of(replay, peer, TL_FIGURE_PEAK);
        write_list(json, "ns", cell->ns, cell->rounds);
        write_list(json, "cpu_ns", cell->cpu_ns, cell->rounds);
        tl_json_number(json, "ns_median", ns);
        tl_json_number(json, "ns_spread", spread_of(replay, peer));
        tl_json_whole(json, "ops", (uint64_t)cell->ops);
        tl_json_number(json, "ns_per_op", ns / cell->ops);
        tl_json_number(json, "time_to_best", ns / best_of(replay, TL_FIGURE_TIME));
        write_list(json, "peak_kib", cell->peak_kib, cell->rounds);
        tl_json_number(json, "peak_kib_median", peak);
        tl_json_number(json, "peak_to_best", peak / best_of(replay, TL_FIGURE_PEAK));
        tl_json_number(json, "end_kib", cell->settled_kib);
    }
    tl_json_close(json, '}');
}

static bool write_json(const struct replay *replay, FILE *to)
{
    struct tl_json json;
    tl_json_begin(&json, to);
    tl_json_text(&json, "tool", "talus replay");
    tl_json_whole(&json, "format", 1);
    tl_json_machine(&json);
    write_trace(&json, replay);
    tl_json_whole(&json, "rounds", replay->options.rounds);
    tl_json_text(&json, "clock", replay->options.cpu_clock ? "cpu" : "wall");
    tl_json_open(&json, "results", '[');
    for (size_t p = 0; !replay->options.info && p < replay->peers.count; p++)
        write_result(&json, replay, p);
    tl_json_close(&json, ']');
    return tl_json_end(&json);
}

/* The table or the list, and the JSON. */
static int report(const struct replay *replay)
{
    const char *path = replay->options.json;
    bool        to_stdout = path != NULL && strcmp(path, "-") == 0;
    int         status = TL_TOOL_OK;
    if (!to_stdout && replay->options.info)
        print_info(replay);
    else if (!to_stdout)
        print_table(replay);
    if (path != NULL) {
        FILE *file = to_stdout ? stdout : fopen(path, "we");
        bool  written = file != NULL && write_json(replay, file);
        if (file != NULL && file != stdout)
            written = fclose(file) == 0 && written;
        if (!written)
            status = tl_tool_error("cannot write %s", path);
    }
    for (size_t p = 0; p < replay->peers.count; p++) {
        if (replay->cells[p].problem[0] == '\0')
            continue;
        tl_tool_error("%s on %s: %s", replay->options.trace, replay->peers.peers[p].name,
                      replay->cells[p].problem);
        status = status == TL_TOOL_OK ? TL_TOOL_FAILED : status;
    }
    return status;
}

int tl_command_replay(int argc, char **argv)
{
    struct replay *replay = calloc(1, sizeof *replay);
    char           load[TL_TOOL_PATH_MAX];
    if (replay == NULL)
        return tl_tool_error("no memory");
    replay->options.rounds = 5;
    int status = read_options(&replay->options, argc, argv);
    if (status < 0) {
        const char *problem = tl_tape_open(&replay->tape, replay->options.trace);
        if (problem != NULL)
            status = tl_tool_error("%s: %s", replay->options.trace, problem);
    }
    if (status < 0 && !replay->options.info) {
        uint64_t events = tl_tape_allocations(&replay->tape) + tl_tape_frees(&replay->tape);
        if (replay->options.seconds_max == 0)
            replay->options.seconds_max = 60 + (unsigned)(events / 100000);
        if (tl_tool_locate("talus-replay-load", load) &&
            tl_peers_find(&replay->peers, replay->options.allocators, replay->options.extra,
                          replay->options.extra_count))
            measure_all(replay, load);
        else
            status = TL_TOOL_USAGE;
    }
    if (status < 0)
        status = report(replay);
    tl_tape_close(&replay->tape);
    free(replay);
    return status;
}
