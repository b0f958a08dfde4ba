/* bench_report.c: `talus bench`, tables and JSON. Every ratio is of medians over the rounds. */
#include "tools/talus/bench.h"

#include <math.h>
#include <string.h>

static const double *times(const struct tl_bench *bench, const struct tl_cell *cell)
{
    return bench->cpu_clock ? cell->cpu_ns : cell->ns;
}

double tl_bench_figure(const struct tl_bench *bench, const struct tl_cell *cell,
                       enum tl_figure figure)
{
    if (cell->problem[0] != '\0')
        return 0;
    if (figure == TL_FIGURE_SETTLED)
        return cell->settled_kib;
    return tl_median(figure == TL_FIGURE_TIME ? times(bench, cell) : cell->peak_kib, cell->rounds);
}

double tl_bench_spread(const struct tl_bench *bench, const struct tl_cell *cell)
{
    const double *ns = times(bench, cell);
    double        median = tl_median(ns, cell->rounds);
    double between = tl_quantile(ns, cell->rounds, 0.75) - tl_quantile(ns, cell->rounds, 0.25);
    return median > 0 ? between / 2 / median : 0;
}

double tl_bench_best(const struct tl_bench *bench, const struct tl_row *row, enum tl_figure figure)
{
    double best = 0;
    for (size_t p = 0; p < bench->peers.count; p++) {
        double value = tl_bench_figure(bench, &row->cells[p], figure);
        if (value > 0 && (best <= 0 || value < best))
            best = value;
    }
    return best;
}

static bool is_complete(const struct tl_bench *bench, const struct tl_row *row,
                        enum tl_figure figure)
{
    for (size_t p = 0; p < bench->peers.count; p++) {
        if (!(tl_bench_figure(bench, &row->cells[p], figure) > 0))
            return false;
    }
    return true;
}

double tl_bench_mean(const struct tl_bench *bench, size_t peer, const char *group,
                     enum tl_figure figure, size_t *used)
{
    double sum = 0;
    size_t count = 0;
    for (size_t r = 0; r < bench->row_count; r++) {
        const struct tl_row *row = &bench->rows[r];
        if ((group != NULL && strcmp(row->group, group) != 0) || !is_complete(bench, row, figure))
            continue;
        sum += log(tl_bench_figure(bench, &row->cells[peer], figure) /
                   tl_bench_best(bench, row, figure));
        count++;
    }
    if (used != NULL)
        *used = count;
    return count != 0 ? exp(sum / (double)count) : 0;
}

/* --- tables ----------------------------------------------------------------------------------- */

#define NAME_WIDTH 26
#define CELL_WIDTH 10

static void print_head(const struct tl_bench *bench, FILE *to, const char *title, const char *unit)
{
    fprintf(to, "\n%s\n%-*s%*s", title, NAME_WIDTH, "", CELL_WIDTH, unit);
    for (size_t p = 0; p < bench->peers.count; p++)
        fprintf(to, "%*.*s", CELL_WIDTH, CELL_WIDTH - 1, bench->peers.peers[p].name);
    fputc('\n', to);
}

static void print_ratio(FILE *to, double value, double base)
{
    if (value > 0 && base > 0)
        fprintf(to, "%*.2f", CELL_WIDTH, value / base);
    else
        fprintf(to, "%*s", CELL_WIDTH, value > 0 ? "-" : "failed");
}

double tl_bench_in_unit(const struct tl_bench *bench, const struct tl_row *row, double value,
                        enum tl_figure figure)
{
    if (figure != TL_FIGURE_TIME)
        return value / 1024;
    double ops = 0;
    for (size_t p = 0; p < bench->peers.count; p++)
        ops = row->cells[p].ops > 0 ? row->cells[p].ops : ops;
    return ops > 0 ? value / ops : 0;
}

static void print_rows(const struct tl_bench *bench, FILE *to, enum tl_figure figure,
                       bool against_base)
{
    for (size_t r = 0; r < bench->row_count; r++) {
        const struct tl_row *row = &bench->rows[r];
        double               best = tl_bench_best(bench, row, figure), spread = 0;
        double               base =
            against_base ? tl_bench_figure(bench, &row->cells[bench->base], figure) : best;
        fprintf(to, "%-*s%*.*f", NAME_WIDTH, row->name, CELL_WIDTH,
                figure == TL_FIGURE_TIME ? 1 : 2, tl_bench_in_unit(bench, row, base, figure));
        for (size_t p = 0; p < bench->peers.count; p++) {
            print_ratio(to, tl_bench_figure(bench, &row->cells[p], figure), base);
            double own = tl_bench_spread(bench, &row->cells[p]);
            spread = own > spread ? own : spread;
        }
        if (figure == TL_FIGURE_TIME && bench->rounds > 1)
            fprintf(to, "   +-%.0f %%", spread * 100);
        fputc('\n', to);
    }
}

/* Geometric means of the ratios to the best on each; against the base: the quotient of two such
 * means. */
static void print_means(const struct tl_bench *bench, FILE *to, enum tl_figure figure,
                        bool against_base)
{
    static const struct {
        const char *group, *text;
    } lines[] = { { "one", "geomean, one thread" },
                  { "many", "geomean, many threads" },
                  { NULL, "geomean, all" } };
    for (size_t l = 0; l < sizeof lines / sizeof lines[0]; l++) {
        size_t used = 0;
        double base = tl_bench_mean(bench, bench->base, lines[l].group, figure, &used);
        if (used == 0)
            continue;
        fprintf(to, "%-*s%*s", NAME_WIDTH, lines[l].text, CELL_WIDTH, "");
        for (size_t p = 0; p < bench->peers.count; p++)
            print_ratio(to, tl_bench_mean(bench, p, lines[l].group, figure, NULL),
                        against_base ? base : 1);
        fprintf(to, "   %zu workloads\n", used);
    }
}

static void print_table(const struct tl_bench *bench, FILE *to, enum tl_figure figure,
                        bool against_base)
{
    static const char *const titles[TL_FIGURES] = { NULL, "Peak memory (VmHWM)",
                                                    "Memory settled after the load" };
    char                     title[160];
    if (tl_bench_best(bench, &bench->rows[0], figure) <= 0 && figure == TL_FIGURE_SETTLED)
        return;
    const char *what = titles[figure] != NULL ? titles[figure]
                       : bench->cpu_clock     ? "CPU time"
                                              : "Time";
    if (against_base)
        snprintf(title, sizeof title, "%s: ratio to %s", what,
                 bench->peers.peers[bench->base].name);
    else
        snprintf(title, sizeof title, "%s: ratio to the best of the row", what);
    const char *who = against_base ? "base" : "best";
    char        unit[32];
    snprintf(unit, sizeof unit, "%s %s", who, figure == TL_FIGURE_TIME ? "ns" : "MiB");
    print_head(bench, to, title, unit);
    print_rows(bench, to, figure, against_base);
    print_means(bench, to, figure, against_base);
}

void tl_bench_print(const struct tl_bench *bench, FILE *to)
{
    fprintf(to, "%zu workloads, %u rounds, scale %g, seeds %llu..%llu; lower is better\n",
            bench->row_count, bench->rounds, bench->scale, (unsigned long long)bench->seed,
            (unsigned long long)bench->seed + bench->rounds - 1);
    for (unsigned figure = 0; figure < TL_FIGURES; figure++) {
        print_table(bench, to, (enum tl_figure)figure, false);
        if (bench->show_base)
            print_table(bench, to, (enum tl_figure)figure, true);
    }
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void write_list(struct tl_json *json, const char *key, const double *values, unsigned count)
{
    tl_json_open(json, key, '[');
    for (unsigned i = 0; i < count; i++)
        tl_json_number(json, NULL, values[i]);
    tl_json_close(json, ']');
}

static double ratio(double value, double base)
{
    return value > 0 && base > 0 ? value / base : NAN; /* written as null */
}

static void write_cell(const struct tl_bench *bench, struct tl_json *json, const struct tl_row *row,
                       size_t peer)
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
    write_list(json, "ns", cell->ns, cell->rounds);
    write_list(json, "cpu_ns", cell->cpu_ns, cell->rounds);
    tl_json_number(json, "ns_median", ns);
    tl_json_number(json, "ns_spread", tl_bench_spread(bench, cell));
    tl_json_number(json, "ops", cell->ops);
    tl_json_number(json, "ns_per_op", ns / cell->ops);
    tl_json_number(json, "time_to_best", ratio(ns, tl_bench_best(bench, row, TL_FIGURE_TIME)));
    tl_json_number(json, "time_to_base", ratio(ns, tl_bench_figure(bench, base, TL_FIGURE_TIME)));
    write_list(json, "peak_kib", cell->peak_kib, cell->rounds);
    tl_json_number(json, "peak_kib_median", peak_kib);
    tl_json_number(json, "peak_to_best",
                   ratio(peak_kib, tl_bench_best(bench, row, TL_FIGURE_PEAK)));
    tl_json_number(json, "settled_kib", cell->settled_kib);
    tl_json_close(json, '}');
}

static void write_means(const struct tl_bench *bench, struct tl_json *json, const char *key,
                        enum tl_figure figure)
{
    static const char *const groups[] = { "one", "many", NULL };
    tl_json_open(json, key, '{');
    for (size_t g = 0; g < 3; g++) {
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

bool tl_bench_write_json(const struct tl_bench *bench, FILE *to)
{
    struct tl_json json;
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
            write_cell(bench, &json, &bench->rows[r], p);
        tl_json_close(&json, ']');
        tl_json_close(&json, '}');
    }
    tl_json_close(&json, ']');
    tl_json_open(&json, "geometric_means", '{');
    write_means(bench, &json, "time", TL_FIGURE_TIME);
    write_means(bench, &json, "peak", TL_FIGURE_PEAK);
    write_means(bench, &json, "settled", TL_FIGURE_SETTLED);
    tl_json_close(&json, '}');
    return tl_json_end(&json);
}
