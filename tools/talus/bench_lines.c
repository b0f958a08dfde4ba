/* bench_lines.c: `talus bench --plot DIR`, what is no bar: resident size over time, and latencies.
 * A panel for each workload that has some. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "tools/talus/bench.h"
#include "tools/talus/plot.h"

/* Panels and the numbers of their lines. */
struct drawing {
    struct tl_plot_panel *panels;
    double               *numbers; /* what the series of the panels point into */
    size_t                panel_count, number_count;
};

static struct drawing drawing_of(size_t panels, size_t numbers)
{
    struct drawing drawing = { calloc(panels + 1, sizeof(struct tl_plot_panel)),
                               calloc(numbers + 1, sizeof(double)), 0, 0 };
    if (drawing.panels == NULL || drawing.numbers == NULL) {
        free(drawing.panels);
        free(drawing.numbers);
        drawing.panels = NULL;
    }
    return drawing;
}

/* A line of `count` points, whose x and y are to be filled in. */
static double *add_series(struct drawing *drawing, struct tl_plot_series *series, size_t count)
{
    double *x = drawing->numbers + drawing->number_count;
    *series = (struct tl_plot_series){ x, x + count, count };
    drawing->number_count += 2 * count;
    return x;
}

/* Saves it, and frees what it holds. */
static bool save(struct drawing *drawing, struct tl_plot_lines *lines, const char *folder,
                 const char *name)
{
    lines->panels = drawing->panels;
    lines->count = drawing->panel_count;
    bool saved = drawing->panels != NULL &&
                 tl_plot_save(folder, name, tl_plot_lines, lines->count != 0 ? lines : NULL);
    free(drawing->panels);
    free(drawing->numbers);
    return saved;
}

/* The last round's, which idles after the load; NULL for none. */
static const struct tl_rss *rss_of(const struct tl_cell *cell)
{
    bool has = cell->problem[0] == '\0' && cell->rounds != 0;
    return has && cell->rss[cell->rounds - 1].count != 0 ? &cell->rss[cell->rounds - 1] : NULL;
}

bool tl_bench_plot_rss(const struct tl_bench *bench, const char *folder)
{
    char   note[240], text[400];
    size_t numbers = 0;
    for (size_t r = 0; r < bench->row_count; r++) {
        for (size_t p = 0; p < bench->peers.count; p++) {
            const struct tl_rss *rss = rss_of(&bench->rows[r].cells[p]);
            numbers += rss != NULL ? 2 * rss->count : 0;
        }
    }
    struct drawing drawing = drawing_of(bench->row_count, numbers);
    for (size_t r = 0; drawing.panels != NULL && r < bench->row_count; r++) {
        struct tl_plot_panel *panel = &drawing.panels[drawing.panel_count];
        bool                  any = false;
        snprintf(panel->title, sizeof panel->title, "%s", bench->rows[r].name);
        for (size_t p = 0; p < bench->peers.count; p++) {
            const struct tl_rss *rss = rss_of(&bench->rows[r].cells[p]);
            double *x = rss != NULL ? add_series(&drawing, &panel->series[p], rss->count) : NULL;
            for (size_t i = 0; rss != NULL && i < rss->count; i++) {
                x[i] = rss->points[i].ms;
                x[rss->count + i] = rss->points[i].kib / 1024.0;
            }
            any = any || rss != NULL;
        }
        drawing.panel_count += any;
    }
    tl_bench_plot_note(bench, note, sizeof note);
    snprintf(text, sizeof text, "The last of %s. A line that ends earlier: a faster run", note);
    struct tl_plot_lines lines = { .page = { &bench->peers, "Resident size over time", text, 0 },
                                   .x_unit = "ms",
                                   .y_unit = "MiB" };
    return save(&drawing, &lines, folder, "rss");
}

bool tl_bench_plot_latency(const struct tl_bench *bench, const char *folder)
{
    char           note[240], text[400];
    struct drawing drawing =
        drawing_of(bench->row_count * TL_CALLS,
                   bench->row_count * TL_CALLS * bench->peers.count * 2 * TL_QUANTILES);
    for (size_t r = 0; drawing.panels != NULL && r < bench->row_count; r++) {
        const struct tl_row *row = &bench->rows[r];
        if (!tl_bench_has(bench, row, tl_figure_latency(TL_CALL_MALLOC, TL_P50)))
            continue;
        for (unsigned c = 0; c < TL_CALLS; c++) {
            struct tl_plot_panel *panel = &drawing.panels[drawing.panel_count++];
            snprintf(panel->title, sizeof panel->title, "%s: %s", row->name, tl_bench_calls[c]);
            for (size_t p = 0; p < bench->peers.count; p++) {
                if (!(tl_bench_figure(bench, &row->cells[p], tl_figure_latency(c, TL_P50)) > 0))
                    continue;
                double *x = add_series(&drawing, &panel->series[p], TL_QUANTILES);
                for (unsigned q = 0; q < TL_QUANTILES; q++) {
                    x[q] = q;
                    x[TL_QUANTILES + q] =
                        tl_bench_figure(bench, &row->cells[p], tl_figure_latency(c, q));
                }
            }
        }
    }
    tl_bench_plot_note(bench, note, sizeof note);
    snprintf(text, sizeof text, "Medians of %s. The scale is logarithmic", note);
    struct tl_plot_lines lines = { .page = { &bench->peers, "Latency of a call; lower is better",
                                             text, 0 },
                                   .x_unit = "",
                                   .y_unit = "ns",
                                   .x_names = tl_bench_quantiles,
                                   .x_name_count = TL_QUANTILES,
                                   .logarithmic = true };
    return save(&drawing, &lines, folder, "latency");
}
