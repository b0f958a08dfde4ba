/* bench_report.c: `talus bench`, the tables. Every ratio is of medians over the rounds. Page faults
 * and latencies are shown as they are: where the best has a hundred faults, or 20 ns, ratios say
 * more than there is. */
#include "tools/talus/bench.h"

#include <math.h>
#include <string.h>

#define NAME_WIDTH 26
#define CELL_WIDTH 10

static void print_head(const struct tl_bench *bench, FILE *to, const char *title, const char *unit)
{
    fprintf(to, "\n%s\n%-*s%*s", title, NAME_WIDTH, "", CELL_WIDTH, unit);
    for (size_t p = 0; p < bench->peers.count; p++)
        fprintf(to, "%*.*s", CELL_WIDTH, CELL_WIDTH - 1, bench->peers.peers[p].name);
    fputc('\n', to);
}

static void print_ratio(FILE *to, const struct tl_cell *cell, double value, double base)
{
    if (value > 0 && base > 0)
        fprintf(to, "%*.2f", CELL_WIDTH, value / base);
    else
        fprintf(to, "%*s", CELL_WIDTH, cell != NULL && cell->problem[0] != '\0' ? "failed" : "-");
}

/* A count or ns in at most six digits. */
static void print_value(FILE *to, const struct tl_cell *cell, double value)
{
    if (value <= 0)
        print_ratio(to, cell, 0, 0);
    else if (value < 1e6)
        fprintf(to, "%*.0f", CELL_WIDTH, value);
    else
        fprintf(to, "%*.2fM", CELL_WIDTH - 1, value / 1e6);
}

/* The widest spread in the row; nothing with one round. */
static void print_spread(const struct tl_bench *bench, FILE *to, const struct tl_row *row,
                         enum tl_figure figure)
{
    double spread = 0;
    for (size_t p = 0; p < bench->peers.count; p++) {
        double own = tl_bench_spread(bench, &row->cells[p], figure);
        spread = own > spread ? own : spread;
    }
    if (bench->rounds > 1)
        fprintf(to, "   +-%.0f %%", spread * 100);
    fputc('\n', to);
}

/* --- ratios ----------------------------------------------------------------------------------- */

static void print_rows(const struct tl_bench *bench, FILE *to, enum tl_figure figure,
                       bool against_base)
{
    for (size_t r = 0; r < bench->row_count; r++) {
        const struct tl_row *row = &bench->rows[r];
        double               best = tl_bench_best(bench, row, figure);
        if (figure == TL_FIGURE_SETTLED && !(best > 0))
            continue; /* a program that ends with its work */
        double base =
            against_base ? tl_bench_figure(bench, &row->cells[bench->base], figure) : best;
        fprintf(to, "%-*s%*.*f", NAME_WIDTH, row->name, CELL_WIDTH,
                figure == TL_FIGURE_TIME ? 1 : 2, tl_bench_in_unit(bench, row, base, figure));
        for (size_t p = 0; p < bench->peers.count; p++)
            print_ratio(to, &row->cells[p], tl_bench_figure(bench, &row->cells[p], figure), base);
        if (figure == TL_FIGURE_TIME)
            print_spread(bench, to, row, figure);
        else
            fputc('\n', to);
    }
}

/* One line of means; nothing where no workload of the group has the figure on all allocators. */
static void print_mean(const struct tl_bench *bench, FILE *to, const char *text, const char *group,
                       enum tl_figure figure, bool against_base)
{
    size_t used = 0;
    double base = tl_bench_mean(bench, bench->base, group, figure, &used);
    if (used == 0)
        return;
    fprintf(to, "%-*s%*s", NAME_WIDTH, text, CELL_WIDTH, "");
    for (size_t p = 0; p < bench->peers.count; p++)
        print_ratio(to, NULL, tl_bench_mean(bench, p, group, figure, NULL),
                    against_base ? base : 1);
    fprintf(to, "   %zu workloads\n", used);
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
                  { "real", "geomean, real programs" },
                  { NULL, "geomean, all" } };
    for (size_t l = 0; l < sizeof lines / sizeof lines[0]; l++)
        print_mean(bench, to, lines[l].text, lines[l].group, figure, against_base);
}

static void print_ratios(const struct tl_bench *bench, FILE *to, enum tl_figure figure,
                         bool against_base)
{
    static const char *const titles[TL_TABLES] = { NULL, "Peak memory (VmHWM)",
                                                   "Memory settled after the load", NULL };
    char                     title[160], unit[32];
    const char              *what = titles[figure] != NULL ? titles[figure]
                                    : bench->cpu_clock     ? "CPU time"
                                                           : "Time";
    if (against_base)
        snprintf(title, sizeof title, "%s: ratio to %s", what,
                 bench->peers.peers[bench->base].name);
    else
        snprintf(title, sizeof title, "%s: ratio to the best of the row", what);
    snprintf(unit, sizeof unit, "%s %s", against_base ? "base" : "best",
             figure == TL_FIGURE_TIME ? "ns" : "MiB");
    print_head(bench, to, title, unit);
    print_rows(bench, to, figure, against_base);
    print_means(bench, to, figure, against_base);
}

/* --- counts and times ------------------------------------------------------------------------- */

static void print_values(const struct tl_bench *bench, FILE *to, const struct tl_row *row,
                         const char *name, enum tl_figure figure)
{
    fprintf(to, "%-*s", NAME_WIDTH, name);
    print_value(to, NULL, tl_bench_best(bench, row, figure));
    for (size_t p = 0; p < bench->peers.count; p++)
        print_value(to, &row->cells[p], tl_bench_figure(bench, &row->cells[p], figure));
    print_spread(bench, to, row, figure);
}

static void print_faults(const struct tl_bench *bench, FILE *to)
{
    print_head(bench, to, "Page faults of a run (minor; means: of the ratios to the fewest)",
               "fewest");
    for (size_t r = 0; r < bench->row_count; r++)
        print_values(bench, to, &bench->rows[r], bench->rows[r].name, TL_FIGURE_FAULTS);
    print_means(bench, to, TL_FIGURE_FAULTS, false);
}

static void print_latencies(const struct tl_bench *bench, FILE *to)
{
    double clock_ns = 0;
    char   title[96] = "Latency of a call";
    for (size_t r = 0; r < bench->row_count; r++) {
        for (size_t p = 0; p < bench->peers.count; p++)
            clock_ns = fmax(clock_ns, bench->rows[r].cells[p].clock_ns);
    }
    if (clock_ns > 0)
        snprintf(title, sizeof title, "Latency of a call; up to %.0f ns of each are the clock's",
                 clock_ns);
    print_head(bench, to, title, "best ns");
    for (size_t r = 0; r < bench->row_count; r++) {
        if (!tl_bench_has(bench, &bench->rows[r], tl_figure_latency(TL_CALL_MALLOC, TL_P50)))
            continue;
        fprintf(to, "%s\n", bench->rows[r].name);
        for (unsigned f = TL_FIGURE_LATENCY; f < TL_FIGURES; f++) {
            char name[32];
            snprintf(name, sizeof name, "  %s", tl_bench_latency_name((enum tl_figure)f));
            print_values(bench, to, &bench->rows[r], name, (enum tl_figure)f);
        }
    }
    for (unsigned f = TL_FIGURE_LATENCY; f < TL_FIGURES; f++) {
        char name[32];
        snprintf(name, sizeof name, "geomean, %s", tl_bench_latency_name((enum tl_figure)f));
        print_mean(bench, to, name, NULL, (enum tl_figure)f, false);
    }
}

static bool any_has(const struct tl_bench *bench, enum tl_figure figure)
{
    bool has = false;
    for (size_t r = 0; r < bench->row_count; r++)
        has = has || tl_bench_has(bench, &bench->rows[r], figure);
    return has;
}

void tl_bench_print(const struct tl_bench *bench, FILE *to)
{
    fprintf(to, "%zu workloads, %u rounds, scale %g, seeds %llu..%llu; lower is better\n",
            bench->row_count, bench->rounds, bench->scale, (unsigned long long)bench->seed,
            (unsigned long long)bench->seed + bench->rounds - 1);
    for (unsigned f = TL_FIGURE_TIME; f <= TL_FIGURE_SETTLED; f++) {
        if (f == TL_FIGURE_SETTLED && !any_has(bench, TL_FIGURE_SETTLED))
            continue;
        print_ratios(bench, to, (enum tl_figure)f, false);
        if (bench->show_base)
            print_ratios(bench, to, (enum tl_figure)f, true);
    }
    if (any_has(bench, TL_FIGURE_FAULTS))
        print_faults(bench, to);
    if (any_has(bench, tl_figure_latency(TL_CALL_MALLOC, TL_P50)))
        print_latencies(bench, to);
    tl_bench_print_limits(bench, to);
}
