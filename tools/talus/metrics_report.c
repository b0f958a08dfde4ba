/* metrics_report.c: `talus metrics`, the table, the JSON and the chart. */
#define _GNU_SOURCE
#include <math.h>

#include "tools/talus/metrics.h"
#include "tools/talus/plot.h"

static const struct {
    const char *key, *name, *unit;
} about[TL_METRIC_ROWS] = {
    { "malloc_small_ns", "allocate 64 B", "ns" },
    { "free_small_ns", "free 64 B", "ns" },
    { "malloc_small_instructions", "allocate 64 B", "instructions" },
    { "free_small_instructions", "free 64 B", "instructions" },
    { "malloc_large_ns", "allocate 256 KiB", "ns" },
    { "free_large_ns", "free 256 KiB", "ns" },
    { "malloc_large_instructions", "allocate 256 KiB", "instructions" },
    { "free_large_instructions", "free 256 KiB", "instructions" },
    { "path_length", "allocation path length", "instructions" },
    { "returning_path_length", "  until a block is there", "instructions" },
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

static void print_names(const struct tl_metrics *all, const char *title)
{
    printf("%-*s", NAME_WIDTH + UNIT_WIDTH, title);
    for (size_t p = 0; p < all->peers.count; p++)
        printf("%*.*s", CELL_WIDTH, CELL_WIDTH - 1, all->peers.peers[p].name);
    putchar('\n');
}

/* Whether any allocator has this figure. */
static bool any_has(const struct tl_metrics *all, unsigned metric)
{
    bool has = false;
    for (size_t p = 0; p < all->peers.count; p++)
        has = has || !isnan(all->median[p][metric]);
    return has;
}

void tl_metrics_print(const struct tl_metrics *all)
{
    printf("Medians of %u rounds; lower is better\n", all->rounds);
    print_names(all, "");
    for (unsigned m = 0; m < TL_METRIC_ROWS; m++) {
        if (!any_has(all, m))
            continue;
        printf("%-*s%-*s", NAME_WIDTH, about[m].name, UNIT_WIDTH, about[m].unit);
        for (size_t p = 0; p < all->peers.count; p++)
            print_number(all->median[p][m]);
        putchar('\n');
    }
    if (!any_has(all, TL_METRIC_FRAGMENTATION))
        return;
    puts("\nFragmentation over time: resident growth in bytes for each live byte");
    print_names(all, "");
    for (unsigned point = 0; point < TL_METRICS_POINTS; point++) {
        printf("%-*s%-*u", NAME_WIDTH, "  point", UNIT_WIDTH, point + 1);
        for (size_t p = 0; p < all->peers.count; p++)
            printf("%*.3f", CELL_WIDTH, all->median[p][TL_METRIC_FRAGMENTATION + point]);
        putchar('\n');
    }
}

static void write_allocator(const struct tl_metrics *all, struct tl_json *json, size_t peer)
{
    double *points = (double *)&all->median[peer][TL_METRIC_FRAGMENTATION];
    tl_json_open(json, NULL, '{');
    tl_json_text(json, "allocator", all->peers.peers[peer].name);
    tl_json_text(json, "library", all->peers.peers[peer].library);
    for (unsigned m = 0; m < TL_METRIC_ROWS; m++) {
        const struct tl_metric_values *of = &all->of[peer];
        tl_json_open(json, about[m].key, '{');
        tl_json_text(json, "unit", about[m].unit);
        tl_json_number(json, "median", all->median[peer][m]);
        if (of->count[m] != 0)
            tl_json_list(json, "rounds", of->rounds[m], of->count[m]);
        tl_json_close(json, '}');
    }
    tl_json_list(json, "fragmentation", points, TL_METRICS_POINTS);
    tl_json_close(json, '}');
}

bool tl_metrics_write_json(const void *what, FILE *to)
{
    const struct tl_metrics *all = what;
    struct tl_json           json;
    tl_json_begin(&json, to);
    tl_json_text(&json, "tool", "talus metrics");
    tl_json_whole(&json, "format", 1);
    tl_json_machine(&json);
    tl_json_whole(&json, "rounds", all->rounds);
    tl_json_number(&json, "nothing_kib", tl_metrics_median(&all->libc, TL_METRIC_NOTHING_KIB));
    tl_json_number(&json, "libc_thread_us", tl_metrics_median(&all->libc, TL_METRIC_THREAD_US));
    tl_json_open(&json, "allocators", '[');
    for (size_t p = 0; p < all->peers.count; p++)
        write_allocator(all, &json, p);
    tl_json_close(&json, ']');
    return tl_json_end(&json);
}

bool tl_metrics_plot(const struct tl_metrics *all, const char *folder)
{
    static double        x[TL_METRICS_POINTS];
    struct tl_plot_panel panel = { .title =
                                       "32 MiB live, sizes drift from 32 B to 16 KiB and back" };
    for (unsigned i = 0; i < TL_METRICS_POINTS; i++)
        x[i] = i + 1;
    for (size_t p = 0; p < all->peers.count; p++) {
        bool has = !isnan(all->median[p][TL_METRIC_FRAGMENTATION]);
        panel.series[p] = (struct tl_plot_series){ x, &all->median[p][TL_METRIC_FRAGMENTATION],
                                                   has ? TL_METRICS_POINTS : 0 };
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
    return tl_plot_save(folder, "fragmentation", tl_plot_lines,
                        any_has(all, TL_METRIC_FRAGMENTATION) ? &lines : NULL);
}
