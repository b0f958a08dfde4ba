/* bench_limits.c: `talus bench`, where talus is behind the others by more than it may be.
 * 1 Purpose     A limit is on the ratio of talus's figure to the best of the other allocators.
 *               Those of one workload hold on each; those of means on the geometric means of the
 *               ratios to the best of each row, over all workloads that every allocator has
 *               finished.
 * 2 Invariants  What talus does not miss, it was measured for: a row where it failed is no miss,
 *               but a problem, and ends the command with status 1 as well. */
#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/talus/bench.h"

#define SETTLE_MS_MIN 1000u

struct limit {
    const char    *name, *help;
    enum tl_figure figure;
    const char    *group;   /* NULL: all */
    const char    *without; /* an allocator that this limit leaves out, or NULL */
    bool           of_mean;
    double         ratio_max;
};

static const struct limit limits[] = {
    { "time", "time, one thread", TL_FIGURE_TIME, "one", NULL, false, 1.10 },
    { "time", "time, many threads", TL_FIGURE_TIME, "many", NULL, false, 1.20 },
    { "time", "time, real programs", TL_FIGURE_TIME, "real", NULL, false, 1.20 },
    { "peak memory", "peak memory", TL_FIGURE_PEAK, NULL, NULL, false, 1.25 },
    { "settled memory", "settled memory, with --settle of a second or more", TL_FIGURE_SETTLED,
      NULL, NULL, false, 1.10 },
    { "malloc p99", "latency of malloc, p99", TL_FIGURE_LATENCY + TL_P99, NULL, NULL, false, 1 },
    { "malloc p99.9", "latency of malloc, p99.9", TL_FIGURE_LATENCY + TL_P999, NULL, NULL, false,
      1 },
    { "free p99", "latency of free, p99", TL_FIGURE_LATENCY + TL_QUANTILES + TL_P99, NULL, NULL,
      false, 1 },
    { "free p99.9", "latency of free, p99.9", TL_FIGURE_LATENCY + TL_QUANTILES + TL_P999, NULL,
      NULL, false, 1 },
    { "time", "geometric mean of time", TL_FIGURE_TIME, NULL, NULL, true, 0.88 },
    { "peak memory", "geometric mean of peak memory, to all but libc", TL_FIGURE_PEAK, NULL, "libc",
      true, 1 },
};
#define LIMITS (sizeof limits / sizeof limits[0])

void tl_bench_limits_help(FILE *to)
{
    for (size_t l = 0; l < LIMITS; l++)
        fprintf(to, "  %-50s at most %.2f\n", limits[l].help, limits[l].ratio_max);
}

struct miss {
    const struct limit *limit;
    const char         *where, *best;  /* the workload; the allocator that is ahead */
    double              ratio, spread; /* of talus's rounds */
};

struct misses {
    struct miss *list;
    size_t       count, checked;
};

/* What limit `l` compares: a figure of the row, or (NULL) the mean over all rows. */
static double value_of(const struct tl_bench *bench, const struct limit *limit,
                       const struct tl_row *row, size_t peer)
{
    return row != NULL ? tl_bench_figure(bench, &row->cells[peer], limit->figure)
                       : tl_bench_mean(bench, peer, limit->group, limit->figure, NULL);
}

/* What has settled says nothing before there was time to give memory back. */
static bool holds(const struct tl_bench *bench, const struct limit *limit)
{
    return limit->figure != TL_FIGURE_SETTLED || bench->settle_ms >= SETTLE_MS_MIN;
}

static void check_limit(const struct tl_bench *bench, const struct limit *limit,
                        const struct tl_row *row, size_t talus, struct misses *misses)
{
    double      own = value_of(bench, limit, row, talus), best = 0;
    const char *ahead = NULL;
    for (size_t p = 0; p < bench->peers.count; p++) {
        const char *name = bench->peers.peers[p].name;
        double      value = value_of(bench, limit, row, p);
        if (p == talus || !(value > 0) || (limit->without != NULL && !strcmp(name, limit->without)))
            continue;
        if (ahead == NULL || value < best) {
            best = value;
            ahead = name;
        }
    }
    if (!(own > 0) || ahead == NULL || !holds(bench, limit))
        return;
    misses->checked++;
    double spread = row != NULL ? tl_bench_spread(bench, &row->cells[talus], limit->figure) : 0;
    const char *where = row != NULL ? row->name : "geometric mean";
    if (own > best * limit->ratio_max && misses->list != NULL)
        misses->list[misses->count++] = (struct miss){ limit, where, ahead, own / best, spread };
}

/* The caller frees the list. */
static struct misses find_misses(const struct tl_bench *bench)
{
    struct misses misses = { calloc((bench->row_count + 1) * LIMITS, sizeof(struct miss)), 0, 0 };
    size_t        talus = tl_peers_index(&bench->peers, "talus");
    for (size_t l = 0; talus < bench->peers.count && l < LIMITS; l++) {
        if (limits[l].of_mean)
            check_limit(bench, &limits[l], NULL, talus, &misses);
        for (size_t r = 0; r < bench->row_count && !limits[l].of_mean; r++) {
            if (limits[l].group == NULL || strcmp(limits[l].group, bench->rows[r].group) == 0)
                check_limit(bench, &limits[l], &bench->rows[r], talus, &misses);
        }
    }
    return misses;
}

size_t tl_bench_missed(const struct tl_bench *bench)
{
    struct misses misses = find_misses(bench);
    free(misses.list);
    return misses.count;
}

void tl_bench_print_limits(const struct tl_bench *bench, FILE *to)
{
    struct misses misses = find_misses(bench);
    if (misses.checked != 0)
        fprintf(to, "\nLimits of talus, to the best of the others: %zu of %zu missed\n",
                misses.count, misses.checked);
    for (size_t m = 0; m < misses.count; m++) {
        const struct miss *miss = &misses.list[m];
        fprintf(to, "%-26s%-16s%7.3f of %s's", miss->where, miss->limit->name, miss->ratio,
                miss->best);
        if (miss->spread > 0)
            fprintf(to, " (+-%.0f %%)", miss->spread * 100);
        fprintf(to, ", at most %.2f\n", miss->limit->ratio_max);
    }
    free(misses.list);
}

void tl_bench_write_limits(const struct tl_bench *bench, struct tl_json *json)
{
    struct misses misses = find_misses(bench);
    tl_json_whole(json, "limits_checked", misses.checked);
    tl_json_open(json, "limits_missed", '[');
    for (size_t m = 0; m < misses.count; m++) {
        const struct miss *miss = &misses.list[m];
        tl_json_open(json, NULL, '{');
        tl_json_text(json, "where", miss->where);
        tl_json_text(json, "figure", miss->limit->name);
        tl_json_number(json, "ratio", miss->ratio);
        tl_json_number(json, "spread", miss->spread);
        tl_json_number(json, "limit", miss->limit->ratio_max);
        tl_json_text(json, "best", miss->best);
        tl_json_close(json, '}');
    }
    tl_json_close(json, ']');
    free(misses.list);
}
