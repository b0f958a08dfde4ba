/* bench_json.c: what `talus bench` and `talus replay` have measured, as JSON: every round of every
 * run, the ratios and the means. */
#define _GNU_SOURCE
#include <math.h>

#include "tools/talus/bench.h"

static double ratio(double value, double base)
{
    return value > 0 && base > 0 ? value / base : NAN; /* written as null */
}

static void write_rss(struct tl_json *json, const struct tl_cell *cell)
{
    tl_json_open(json, "rss", '[');
    for (unsigned round = 0; round < cell->rounds; round++) {
        tl_json_open(json, NULL, '[');
        for (size_t i = 0; i < cell->rss[round].count; i++) {
            tl_json_open(json, NULL, '[');
            tl_json_whole(json, NULL, cell->rss[round].points[i].ms);
            tl_json_whole(json, NULL, cell->rss[round].points[i].kib);
            tl_json_close(json, ']');
        }
        tl_json_close(json, ']');
    }
    tl_json_close(json, ']');
}

static void write_latency(const struct tl_bench *bench, struct tl_json *json,
                          const struct tl_cell *cell)
{
    tl_json_open(json, "latency", '{');
    tl_json_number(json, "clock_ns", cell->clock_ns);
    for (unsigned c = 0; c < TL_CALLS; c++) {
        tl_json_open(json, tl_bench_calls[c], '{');
        tl_json_number(json, "samples", cell->latency_samples[c]);
        for (unsigned q = 0; q < TL_QUANTILES; q++) {
            enum tl_figure figure = tl_figure_latency(c, q);
            tl_json_open(json, tl_bench_quantiles[q], '{');
            tl_json_list(json, "ns", cell->latency_ns[c][q], cell->rounds);
            tl_json_number(json, "median", tl_bench_figure(bench, cell, figure));
            tl_json_number(json, "spread", tl_bench_spread(bench, cell, figure));
            tl_json_close(json, '}');
        }
        tl_json_close(json, '}');
    }
    tl_json_close(json, '}');
}

void tl_bench_write_cell(const struct tl_bench *bench, struct tl_json *json,
                         const struct tl_row *row, size_t peer)
{
    const struct tl_cell *cell = &row->cells[peer], *base = &row->cells[bench->base];
    double                ns = tl_bench_figure(bench, cell, TL_FIGURE_TIME),
           peak_kib = tl_bench_figure(bench, cell, TL_FIGURE_PEAK);
    tl_json_open(json, NULL, '{');
    tl_json_text(json, "allocator", bench->peers.peers[peer].name);
    if (cell->problem[0] != '\0') {
        tl_json_text(json, "problem", cell->problem);
        tl_json_close(json, '}');
        return;
    }
    tl_json_list(json, "ns", cell->ns, cell->rounds);
    tl_json_list(json, "cpu_ns", cell->cpu_ns, cell->rounds);
    tl_json_number(json, "ns_median", ns);
    tl_json_number(json, "ns_spread", tl_bench_spread(bench, cell, TL_FIGURE_TIME));
    tl_json_whole(json, "ops", (uint64_t)cell->ops);
    tl_json_number(json, "ns_per_op", ns / cell->ops);
    tl_json_number(json, "time_to_best", ratio(ns, tl_bench_best(bench, row, TL_FIGURE_TIME)));
    tl_json_number(json, "time_to_base", ratio(ns, tl_bench_figure(bench, base, TL_FIGURE_TIME)));
    tl_json_list(json, "peak_kib", cell->peak_kib, cell->rounds);
    tl_json_number(json, "peak_kib_median", peak_kib);
    tl_json_number(json, "peak_to_best",
                   ratio(peak_kib, tl_bench_best(bench, row, TL_FIGURE_PEAK)));
    tl_json_number(json, "settled_kib", cell->settled_kib);
    tl_json_list(json, "minor_faults", cell->minor_faults, cell->rounds);
    tl_json_list(json, "major_faults", cell->major_faults, cell->rounds);
    tl_json_number(json, "minor_faults_median", tl_bench_figure(bench, cell, TL_FIGURE_FAULTS));
    if (cell->latency_samples[TL_CALL_MALLOC] > 0)
        write_latency(bench, json, cell);
    if (cell->rss[0].count != 0)
        write_rss(json, cell);
    tl_json_close(json, '}');
}

static void write_means(const struct tl_bench *bench, struct tl_json *json, const char *key,
                        enum tl_figure figure)
{
    static const char *const groups[] = { "one", "many", "real", NULL };
    tl_json_open(json, key, '{');
    for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
        size_t used = 0;
        tl_json_open(json, groups[g] != NULL ? groups[g] : "all", '{');
        for (size_t p = 0; p < bench->peers.count; p++) {
            double mean = tl_bench_mean(bench, p, groups[g], figure, &used);
            tl_json_number(json, bench->peers.peers[p].name, used != 0 ? mean : NAN);
        }
        tl_json_whole(json, "workloads", used);
        tl_json_close(json, '}');
    }
    tl_json_close(json, '}');
}

bool tl_bench_write_json(const void *what, FILE *to)
{
    const struct tl_bench *bench = what;
    struct tl_json         json;
    tl_json_begin(&json, to);
    tl_json_text(&json, "tool", "talus bench");
    tl_json_whole(&json, "format", 1);
    tl_json_machine(&json);
    tl_json_whole(&json, "rounds", bench->rounds);
    tl_json_number(&json, "scale", bench->scale);
    tl_json_whole(&json, "seed", bench->seed);
    tl_json_whole(&json, "settle_ms", bench->settle_ms);
    tl_json_text(&json, "clock", bench->cpu_clock ? "cpu" : "wall");
    tl_json_number(&json, "load_average", bench->load);
    tl_json_text(&json, "base", bench->peers.peers[bench->base].name);
    tl_json_open(&json, "allocators", '[');
    for (size_t p = 0; p < bench->peers.count; p++) {
        tl_json_open(&json, NULL, '{');
        tl_json_text(&json, "name", bench->peers.peers[p].name);
        tl_json_text(&json, "library", bench->peers.peers[p].library);
        tl_json_text(&json, "environment", bench->peers.peers[p].environment);
        tl_json_close(&json, '}');
    }
    tl_json_close(&json, ']');
    tl_json_open(&json, "workloads", '[');
    for (size_t r = 0; r < bench->row_count; r++) {
        tl_json_open(&json, NULL, '{');
        tl_json_text(&json, "name", bench->rows[r].name);
        tl_json_text(&json, "group", bench->rows[r].group);
        tl_json_text(&json, "about", bench->rows[r].about);
        tl_json_open(&json, "results", '[');
        for (size_t p = 0; p < bench->peers.count; p++)
            tl_bench_write_cell(bench, &json, &bench->rows[r], p);
        tl_json_close(&json, ']');
        tl_json_close(&json, '}');
    }
    tl_json_close(&json, ']');
    tl_json_open(&json, "geometric_means", '{');
    write_means(bench, &json, "time", TL_FIGURE_TIME);
    write_means(bench, &json, "peak", TL_FIGURE_PEAK);
    write_means(bench, &json, "settled", TL_FIGURE_SETTLED);
    write_means(bench, &json, "faults", TL_FIGURE_FAULTS);
    for (unsigned f = TL_FIGURE_LATENCY; f < TL_FIGURES; f++)
        write_means(bench, &json, tl_bench_latency_name((enum tl_figure)f), (enum tl_figure)f);
    tl_json_close(&json, '}');
    tl_bench_write_limits(bench, &json);
    return tl_json_end(&json);
}
