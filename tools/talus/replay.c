/* replay.c: `talus replay`: a trace on several allocators in turn. Each run is a process of its own
 * (talus-replay-load), rounds are interleaved and rotated as in `talus bench`. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "tools/talus/bench.h"
#include "tools/talus/record/tape.h"

struct options {
    const char *trace, *json;
    bool        info;
    unsigned    seconds_max;

    struct tl_peer_choice choice;
};

struct replay {
    struct options  options;
    struct tl_tape  tape;
    struct tl_bench bench; /* of one row, the trace */
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

static bool read_option(struct replay *replay, const char *name, char *value)
{
    struct options *options = &replay->options;
    if (strcmp(name, "--json") == 0) {
        options->json = value;
        return true;
    }
    if (strcmp(name, "--rounds") == 0)
        return tl_tool_count(value, TL_ROUNDS_MAX, &replay->bench.rounds);
    if (strcmp(name, "--limit") == 0)
        return tl_tool_count(value, 1000000, &options->seconds_max);
    if (strcmp(name, "--clock") == 0) {
        replay->bench.cpu_clock = strcmp(value, "cpu") == 0;
        return replay->bench.cpu_clock || strcmp(value, "wall") == 0;
    }
    return tl_peers_option(&options->choice, name, value);
}

/* Returns -1 to go on, else the exit status. */
static int read_options(struct replay *replay, int argc, char **argv)
{
    struct options *options = &replay->options;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return replay_help(stdout);
        if (strcmp(argv[i], "--info") == 0) {
            options->info = true;
        } else if (argv[i][0] != '-' && options->trace == NULL) {
            options->trace = argv[i];
        } else if (i + 1 == argc || !read_option(replay, argv[i], argv[i + 1])) {
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
    struct tl_bench *bench = &replay->bench;
    char            *argv[] = { load, (char *)replay->options.trace, NULL };
    for (unsigned round = 0; round < bench->rounds; round++) {
        for (size_t i = 0; i < bench->peers.count; i++) {
            size_t          p = (i + round) % bench->peers.count;
            struct tl_cell *cell = &bench->rows[0].cells[p];
            if (cell->problem[0] == '\0')
                tl_bench_take(cell, &bench->peers.peers[p], argv, replay->options.seconds_max,
                              round + 1 == bench->rounds);
        }
    }
}

static void print_table(const struct replay *replay)
{
    const struct tl_bench *bench = &replay->bench;
    const struct tl_row   *row = &bench->rows[0];
    double                 best = tl_bench_best(bench, row, TL_FIGURE_TIME),
           best_peak = tl_bench_best(bench, row, TL_FIGURE_PEAK);
    print_info(replay);
    printf("\n%u rounds, medians; %s time; a ratio is to the best; lower is better\n%-14s%12s%12s"
           "%8s%8s%12s%8s\n",
           bench->rounds, bench->cpu_clock ? "CPU" : "wall", "", "ms", "ns/op", "ratio", "+-",
           "peak MiB", "ratio");
    for (size_t p = 0; p < bench->peers.count; p++) {
        const struct tl_cell *cell = &row->cells[p];
        double                ns = tl_bench_figure(bench, cell, TL_FIGURE_TIME),
               peak = tl_bench_figure(bench, cell, TL_FIGURE_PEAK);
        if (ns > 0)
            printf("%-14s%12.2f%12.1f%8.2f%6.0f %%%12.2f%8.2f\n", bench->peers.peers[p].name,
                   ns / 1e6, ns / cell->ops, ns / best,
                   tl_bench_spread(bench, cell, TL_FIGURE_TIME) * 100, peak / 1024,
                   peak / best_peak);
        else
            printf("%-14s%12s\n", bench->peers.peers[p].name, "failed");
    }
}

static bool write_json(const void *what, FILE *to)
{
    const struct replay   *replay = what;
    const struct tl_bench *bench = &replay->bench;
    struct tl_json         json;
    tl_json_begin(&json, to);
    tl_json_text(&json, "tool", "talus replay");
    tl_json_whole(&json, "format", 1);
    tl_json_machine(&json);
    write_trace(&json, replay);
    tl_json_whole(&json, "rounds", bench->rounds);
    tl_json_text(&json, "clock", bench->cpu_clock ? "cpu" : "wall");
    tl_json_open(&json, "results", '[');
    for (size_t p = 0; !replay->options.info && p < bench->peers.count; p++)
        tl_bench_write_cell(bench, &json, &bench->rows[0], p);
    tl_json_close(&json, ']');
    return tl_json_end(&json);
}

/* The table or the list, and the JSON. */
static int report(const struct replay *replay)
{
    const char *path = replay->options.json;
    bool        to_stdout = path != NULL && strcmp(path, "-") == 0;
    if (!to_stdout && replay->options.info)
        print_info(replay);
    else if (!to_stdout)
        print_table(replay);
    if (path != NULL && tl_json_save(path, write_json, replay) != TL_TOOL_OK)
        return TL_TOOL_USAGE;
    return tl_bench_problems(&replay->bench);
}

static bool prepare(struct replay *replay, char load[TL_TOOL_PATH_MAX])
{
    struct tl_bench *bench = &replay->bench;
    uint64_t         events = tl_tape_allocations(&replay->tape) + tl_tape_frees(&replay->tape);
    if (replay->options.seconds_max == 0)
        replay->options.seconds_max = 60 + (unsigned)(events / 100000);
    bench->rows = calloc(1, sizeof *bench->rows);
    if (bench->rows == NULL || !tl_tool_locate("talus-replay-load", load) ||
        !tl_peers_find(&bench->peers, &replay->options.choice))
        return false;
    bench->row_count = 1;
    const char *slash = strrchr(replay->options.trace, '/');
    snprintf(bench->rows[0].name, sizeof bench->rows[0].name, "%s",
             slash != NULL ? slash + 1 : replay->options.trace);
    size_t libc = tl_peers_index(&bench->peers, "libc");
    bench->base = libc < bench->peers.count ? libc : 0;
    return true;
}

int tl_command_replay(int argc, char **argv)
{
    struct replay replay = { .bench = { .rounds = 5 } };
    char          load[TL_TOOL_PATH_MAX];
    int           status = read_options(&replay, argc, argv);
    if (status < 0) {
        const char *problem = tl_tape_open(&replay.tape, replay.options.trace);
        if (problem != NULL)
            status = tl_tool_error("%s: %s", replay.options.trace, problem);
    }
    if (status < 0 && !replay.options.info) {
        if (prepare(&replay, load))
            measure_all(&replay, load);
        else
            status = TL_TOOL_USAGE;
    }
    if (status < 0)
        status = report(&replay);
    tl_tape_close(&replay.tape);
    tl_bench_free(&replay.bench);
    return status;
}
