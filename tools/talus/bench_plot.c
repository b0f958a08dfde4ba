/* bench_plot.c: `talus bench --plot DIR`, the figures as bars.
 * 1 Purpose     The same ratios as in the tables and in the JSON, to look at: time.svg, peak.svg
 *               and settled.svg have a group of bars for each workload, means.svg the geometric
 *               means of all of them.
 * 2 Form        A chart has a legend and one or more panels side by side, which share their scale;
 *               a panel has groups, a group one bar for each allocator. Bars begin at 0, so that
 *               lengths compare; the line at 1 is the best of the group. What is longer than
 *               AXIS_MAX is cut, and its number stands at the cut. Numbers stand beside talus's
 *               bars; every bar shows its own under the mouse. */
#define _GNU_SOURCE
#include "tools/talus/bench.h"
#include "tools/talus/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AXIS_MAX    4.0 /* times the best */
#define COLUMNS     2u
#define PANEL_WIDTH 560.0
#define LABEL_WIDTH 112.0 /* of a panel: left of its bars */
#define VALUE_WIDTH 44.0  /* of a panel: right of its bars, for the number of a full one */
#define PANEL_HEAD  46.0
#define MEANS       4u /* groups of workloads, all of them included */

struct bar {
    double ratio;  /* to the best of the group; 0: there is none */
    double spread; /* half the distance between quartiles, as a share; 0: not shown */
    char   about[160];
};

struct group {
    char       label[32];
    struct bar bars[TL_PEERS_MAX];
};

struct panel {
    const char   *title;
    struct group *groups;
    size_t        count;
};

struct chart {
    const struct tl_bench *bench;
    FILE                  *to;
    const char            *title;
    struct panel           panels[TL_TABLES];
    size_t                 panel_count;
    double                 bar, gap;   /* height of a bar, and between two groups */
    double                 axis;       /* the ratio at the right end */
    bool                   all_values; /* every bar's number, not talus's alone */
    bool                   quartiles;  /* bars have a spread */
};

static const char *const figure_names[TL_TABLES] = { "time", "peak", "settled", "faults" };

/* --- drawing ---------------------------------------------------------------------------------- */

static double x_of(const struct chart *chart, double ratio)
{
    double room = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH;
    return LABEL_WIDTH + fmin(ratio, chart->axis) / chart->axis * room;
}

static double group_height(const struct chart *chart)
{
    return (double)chart->bench->peers.count * chart->bar + chart->gap;
}

static void draw_bar(const struct chart *chart, const struct bar *bar, size_t peer, double left,
                     double y)
{
    double start = left + x_of(chart, 0), end = left + x_of(chart, bar->ratio);
    double size = fmax(8, fmin(chart->bar, 12)), base = y + chart->bar / 2 + size * 0.36;
    bool   cut = bar->ratio > chart->axis, ours = tl_plot_is_talus(&chart->bench->peers, peer);
    struct tl_svg_font font = { size, ours ? TL_PLOT_TEXT : TL_PLOT_FAINT, ours, 's' };
    if (!(bar->ratio > 0)) {
        tl_svg_text(chart->to, start + 3, base, &font, "failed");
        return;
    }
    tl_svg_box(chart->to, &(struct tl_svg_box){ start, y + 0.5, end - start, chart->bar - 1 },
               tl_plot_colour(&chart->bench->peers, peer), bar->about);
    double low = left + x_of(chart, bar->ratio * (1 - bar->spread)),
           high = left + x_of(chart, bar->ratio * (1 + bar->spread));
    if (!cut && high - low >= 2)
        tl_svg_line(chart->to, low, y + chart->bar / 2, high, y + chart->bar / 2, TL_PLOT_TEXT, 1);
    if (cut) /* two white slashes: it goes on */
        for (unsigned i = 0; i < 2; i++)
            tl_svg_line(chart->to, end - 10 + 4 * i, y + chart->bar, end - 6 + 4 * i, y, "#ffffff",
                        1.5);
    if (cut || ours || chart->all_values) {
        char value[32];
        snprintf(value, sizeof value, bar->ratio < 10 ? "%.2f" : "%.0f", bar->ratio);
        tl_svg_text(chart->to, (cut ? end : fmax(end, high)) + 4, base, &font, value);
    }
}

/* Title, scale and the line of the best. `bottom` is where the groups end. */
static void draw_axis(const struct chart *chart, const char *title, double left, double top,
                      double bottom)
{
    const struct tl_svg_font head = { 15, TL_PLOT_TEXT, true, 's' },
                             scale = { 11, TL_PLOT_FAINT, false, 'm' };
    double step = chart->axis > 2 ? 0.5 : 0.25;
    tl_svg_text(chart->to, left, top + 16, &head, title);
    for (unsigned i = 0; step * i <= chart->axis + 1e-9; i++) {
        char   text[16];
        double ratio = step * i, x = left + x_of(chart, ratio);
        bool   whole = fabs(ratio - 1) < 1e-9;
        tl_svg_line(chart->to, x, top + PANEL_HEAD - 4, x, bottom,
                    whole ? TL_PLOT_TEXT : TL_PLOT_GRID, whole ? 1.5 : 1);
        snprintf(text, sizeof text, "%g", ratio);
        tl_svg_text(chart->to, x, top + PANEL_HEAD - 9, &scale, whole ? "best" : text);
    }
}

static void draw_panel(const struct chart *chart, const struct panel *panel, double left,
                       double top)
{
    const struct tl_svg_font label = { 12, TL_PLOT_TEXT, false, 'e' };
    double                   height = group_height(chart), y = top + PANEL_HEAD;
    for (size_t g = 0; g < panel->count; g += 2)
        tl_svg_box(chart->to,
                   &(struct tl_svg_box){ left, y + (double)g * height, PANEL_WIDTH, height },
                   TL_PLOT_SHADE, NULL);
    draw_axis(chart, panel->title, left, top, y + (double)panel->count * height);
    for (size_t g = 0; g < panel->count; g++, y += height) {
        tl_svg_text(chart->to, left + LABEL_WIDTH - 8, y + height / 2 + 4, &label,
                    panel->groups[g].label);
        for (size_t p = 0; p < chart->bench->peers.count; p++)
            draw_bar(chart, &panel->groups[g].bars[p], p, left,
                     y + chart->gap / 2 + (double)p * chart->bar);
    }
}

/* The right end of the scale: the longest bar, up to the next half, but not beyond AXIS_MAX. */
static double axis_of(const struct chart *chart)
{
    double longest = 1;
    for (size_t n = 0; n < chart->panel_count; n++) {
        for (size_t g = 0; g < chart->panels[n].count; g++) {
            for (size_t p = 0; p < chart->bench->peers.count; p++)
                longest = fmax(longest, chart->panels[n].groups[g].bars[p].ratio);
        }
    }
    return fmin(ceil(longest * 2) / 2, AXIS_MAX);
}

/* Rows of two panels; those of a row share their height. */
static bool draw_chart(const void *what, FILE *to)
{
    struct chart           chart = *(const struct chart *)what;
    const struct tl_bench *bench = chart.bench;
    char                   note[240];
    size_t                 columns = chart.panel_count < COLUMNS ? chart.panel_count : COLUMNS;
    double                 heights[TL_TABLES] = { 0 }, height = 0;
    for (size_t n = 0; n < chart.panel_count; n++)
        heights[n / COLUMNS] =
            fmax(heights[n / COLUMNS],
                 PANEL_HEAD + (double)chart.panels[n].count * group_height(&chart));
    for (size_t n = 0; n < chart.panel_count; n += COLUMNS)
        height += heights[n / COLUMNS] + (n != 0 ? TL_PLOT_MARGIN : 0);
    tl_bench_plot_note(bench, note, sizeof note);
    if (chart.quartiles && bench->rounds > 1)
        strncat(note, "; lines: half the distance between quartiles",
                sizeof note - strlen(note) - 1);
    struct tl_plot_page page = { &bench->peers, chart.title, note, 0 };
    page.width = TL_PLOT_MARGIN + (double)columns * (PANEL_WIDTH + TL_PLOT_MARGIN);
    chart.to = to;
    chart.axis = axis_of(&chart);
    double top = tl_plot_begin(&page, to, height);
    for (size_t n = 0; n < chart.panel_count; n++) {
        draw_panel(&chart, &chart.panels[n],
                   TL_PLOT_MARGIN + (double)(n % COLUMNS) * (PANEL_WIDTH + TL_PLOT_MARGIN), top);
        if (n % COLUMNS == COLUMNS - 1)
            top += heights[n / COLUMNS] + TL_PLOT_MARGIN;
    }
    return tl_svg_end(to);
}

/* --- what is drawn ---------------------------------------------------------------------------- */

static void fill_workload(const struct tl_bench *bench, const struct tl_row *row,
                          enum tl_figure figure, struct group *group)
{
    double best = tl_bench_best(bench, row, figure);
    snprintf(group->label, sizeof group->label, "%s", row->name);
    for (size_t p = 0; p < bench->peers.count; p++) {
        struct bar *bar = &group->bars[p];
        double      value = tl_bench_figure(bench, &row->cells[p], figure);
        bar->ratio = best > 0 ? value / best : 0;
        bar->spread = figure == TL_FIGURE_TIME ? tl_bench_spread(bench, &row->cells[p], figure) : 0;
        snprintf(bar->about, sizeof bar->about, "%s, %s: %.3f of the best, %.4g %s", row->name,
                 bench->peers.peers[p].name, bar->ratio,
                 tl_bench_in_unit(bench, row, value, figure),
                 figure == TL_FIGURE_TIME     ? "ns per allocation"
                 : figure == TL_FIGURE_FAULTS ? "faults"
                                              : "MiB");
    }
}

/* The workloads of one group ("one", "many", "real"): a panel, when there are any. */
static void add_workloads(struct chart *chart, const char *name, const char *title,
                          enum tl_figure figure, struct group *groups)
{
    struct panel *panel = &chart->panels[chart->panel_count];
    *panel = (struct panel){ title, groups, 0 };
    for (size_t r = 0; r < chart->bench->row_count; r++) {
        const struct tl_row *row = &chart->bench->rows[r];
        if (strcmp(row->group, name) == 0 && tl_bench_best(chart->bench, row, figure) > 0)
            fill_workload(chart->bench, row, figure, &groups[panel->count++]);
    }
    chart->panel_count += panel->count != 0;
}

static size_t groups_in(const struct chart *chart)
{
    size_t count = 0;
    for (size_t p = 0; p < chart->panel_count; p++)
        count += chart->panels[p].count;
    return count;
}

/* The geometric means of one figure: a panel, when there are any. */
static void add_means(struct chart *chart, enum tl_figure figure, struct group *groups)
{
    static const struct {
        const char *name, *label;
    } lines[] = { { "one", "one thread" },
                  { "many", "many threads" },
                  { "real", "real programs" },
                  { NULL, "all" } };
    static const char *const titles[TL_TABLES] = { "Time", "Peak memory", "Settled memory",
                                                   "Page faults" };
    const struct tl_bench   *bench = chart->bench;
    struct panel            *panel = &chart->panels[chart->panel_count];
    *panel = (struct panel){ titles[figure], groups, 0 };
    for (size_t l = 0; l < sizeof lines / sizeof lines[0]; l++) {
        struct group *group = &groups[panel->count];
        size_t        used = 0;
        for (size_t p = 0; p < bench->peers.count; p++) {
            struct bar *bar = &group->bars[p];
            bar->ratio = tl_bench_mean(bench, p, lines[l].name, figure, &used);
            bar->spread = 0;
            snprintf(bar->about, sizeof bar->about, "%s, %s: %.3f of the best over %zu workloads",
                     lines[l].label, bench->peers.peers[p].name, bar->ratio, used);
        }
        snprintf(group->label, sizeof group->label, "%s", lines[l].label);
        panel->count += used != 0;
    }
    chart->panel_count += panel->count != 0;
}

void tl_bench_plot_note(const struct tl_bench *bench, char *note, size_t size)
{
    snprintf(note, size, "%u round%s, scale %g, seed %llu, %s, %ld CPUs%s", bench->rounds,
             bench->rounds == 1 ? "" : "s", bench->scale, (unsigned long long)bench->seed,
             bench->cpu_clock ? "CPU time" : "wall time", sysconf(_SC_NPROCESSORS_ONLN),
             bench->load > 1 ? ", beside other programs" : "");
}

/* A chart of nothing is no file, nor one of an earlier run. */
static bool save_chart(const struct chart *chart, const char *folder, const char *name)
{
    return tl_plot_save(folder, name, draw_chart, chart->panel_count != 0 ? chart : NULL);
}

bool tl_bench_plot(const struct tl_bench *bench, const char *folder)
{
    static const char *const titles[TL_TABLES] = {
        "Time of each workload, relative to the best allocator; shorter is better",
        "Peak memory of each workload, relative to the leanest; shorter is better",
        "Memory settled after each workload, relative to the leanest; shorter is better",
        "Page faults (minor) of each workload, relative to the fewest; shorter is better"
    };
    struct group *groups = calloc(bench->row_count + MEANS * TL_TABLES, sizeof *groups);
    struct chart  means = { .bench = bench, .bar = 16, .gap = 20, .all_values = true };
    bool          written = groups != NULL;
    means.title = "Geometric means of the ratios to the best; shorter is better";
    for (unsigned f = 0; f < TL_TABLES && groups != NULL; f++) {
        struct chart chart = { .bench = bench, .title = titles[f], .bar = 9, .gap = 12 };
        chart.quartiles = f == TL_FIGURE_TIME;
        add_workloads(&chart, "one", "One thread", (enum tl_figure)f, groups);
        add_workloads(&chart, "many", "Many threads", (enum tl_figure)f,
                      groups + groups_in(&chart));
        add_workloads(&chart, "real", "Real programs", (enum tl_figure)f,
                      groups + groups_in(&chart));
        written = save_chart(&chart, folder, figure_names[f]) && written;
        add_means(&means, (enum tl_figure)f, groups + bench->row_count + (size_t)MEANS * f);
    }
    if (groups != NULL)
        written = save_chart(&means, folder, "means") && written;
    free(groups);
    return tl_bench_plot_rss(bench, folder) && tl_bench_plot_latency(bench, folder) && written;
}
