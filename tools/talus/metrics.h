/* metrics.h: what `talus metrics` has measured, from the runs (metrics.c) to the table, the JSON
 * and the chart (metrics_report.c). */
#ifndef TALUS_TOOLS_METRICS_H
#define TALUS_TOOLS_METRICS_H

#include "tools/talus/pathlen.h"
#include <math.h>

#define TL_METRICS_ROUNDS_MAX 25u
#define TL_METRICS_POINTS     10u /* of fragmentation over time */

/* The rows of the table; below TL_METRIC_ROWS, what rows are made of, and fragmentation. */
enum tl_metric {
    TL_METRIC_MALLOC_SMALL_NS,
    TL_METRIC_FREE_SMALL_NS,
    TL_METRIC_MALLOC_SMALL_STEPS,
    TL_METRIC_FREE_SMALL_STEPS,
    TL_METRIC_MALLOC_LARGE_NS,
    TL_METRIC_FREE_LARGE_NS,
    TL_METRIC_MALLOC_LARGE_STEPS,
    TL_METRIC_FREE_LARGE_STEPS,
    TL_METRIC_PATH_LENGTH,
    TL_METRIC_RETURNING_PATH,
    TL_METRIC_FAILING_PATH,
    TL_METRIC_BLOCK_64,
    TL_METRIC_BLOCK_100,
    TL_METRIC_GLOBAL_KIB,
    TL_METRIC_GLOBAL_PRIVATE_KIB,
    TL_METRIC_OWN_KIB,
    TL_METRIC_FLOOR_KIB,
    TL_METRIC_IDLE_THREAD_KIB,
    TL_METRIC_THREAD_US,
    TL_METRIC_THREAD_RATIO,
    TL_METRIC_ROWS,
    TL_METRIC_NOTHING_KIB = TL_METRIC_ROWS,
    TL_METRIC_FLOOR_PRIVATE_KIB,
    TL_METRIC_NOTHING_PRIVATE_KIB,
    TL_METRIC_FRAGMENTATION,
    TL_METRICS = TL_METRIC_FRAGMENTATION + TL_METRICS_POINTS
};

struct tl_metric_values {
    double rounds[TL_METRICS][TL_METRICS_ROUNDS_MAX];
    size_t count[TL_METRICS]; /* rounds that gave this figure */
};

struct tl_metrics {
    struct tl_peer_list     peers;
    struct tl_metric_values of[TL_PEERS_MAX];
    struct tl_metric_values libc; /* what figures are compared with, whoever is chosen */
    double                  median[TL_PEERS_MAX][TL_METRICS]; /* NAN: not there */
    struct tl_pathlen       pathlen;
    unsigned                rounds;
    bool                    failed; /* some figure could not be measured: it was named */
};

static inline double tl_metrics_median(const struct tl_metric_values *values, enum tl_metric metric)
{
    return values->count[metric] != 0 ? tl_median(values->rounds[metric], values->count[metric])
                                      : NAN;
}

/* The table, and fragmentation over time, on standard output. */
void tl_metrics_print(const struct tl_metrics *all);
bool tl_metrics_write_json(const void *all, FILE *to); /* for tl_json_save, a struct tl_metrics */
/* Writes FOLDER/fragmentation.svg; false after a message. */
bool tl_metrics_plot(const struct tl_metrics *all, const char *folder);

#endif
