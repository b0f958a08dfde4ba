/* bench_cell.c: one workload on one allocator: what a run prints, and medians over the rounds.
 * 1 Form        A load program prints, each on a line of its own:
 *                   latency malloc p50 N p99 N p999 N max N samples N      ns; or free
 *                   rss MS KIB                     as often as it looked, in the order of time
 *                   load NAME ns N cpu_ns N ops N peak_kib N settled_kib N [minor_faults N]
 *                       [major_faults N] [clock_ns N] malloc PATH          the last line
 *               Only the last one must be there; keys that are not known are skipped.
 * 2 Invariants  A run counts only if its malloc came from the library that was to be measured. */
#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/talus/bench.h"

const char *const tl_bench_calls[TL_CALLS] = { "malloc", "free" };
const char *const tl_bench_quantiles[TL_QUANTILES] = { "p50", "p99", "p99.9", "max" };

const char *tl_bench_latency_name(enum tl_figure figure)
{
    static char names[TL_CALLS * TL_QUANTILES][16];
    unsigned    at = figure - TL_FIGURE_LATENCY;
    snprintf(names[at], sizeof names[at], "%s %s", tl_bench_calls[at / TL_QUANTILES],
             tl_bench_quantiles[at % TL_QUANTILES]);
    return names[at];
}

#define RUN_TEXT_MAX (1u << 20) /* a line of rss each few ms, for as long as a run may take */

/* --- what a run prints ------------------------------------------------------------------------ */

/* The number behind " KEY " in the line; false when it is not there. */
static bool find_number(const char *line, const char *key, double *number)
{
    char text[48], *end;
    snprintf(text, sizeof text, " %s ", key);
    const char *at = strstr(line, text);
    if (at == NULL)
        return false;
    *number = strtod(at + strlen(text), &end);
    return end != at + strlen(text) && *number >= 0;
}

static bool read_latency(struct tl_cell *cell, const char *line)
{
    static const char *const keys[TL_QUANTILES] = { "p50", "p99", "p999", "max" };
    for (unsigned c = 0; c < TL_CALLS; c++) {
        char start[32];
        snprintf(start, sizeof start, "latency %s ", tl_bench_calls[c]);
        if (strncmp(line, start, strlen(start)) != 0)
            continue;
        bool read = find_number(line, "samples", &cell->latency_samples[c]);
        for (unsigned q = 0; q < TL_QUANTILES; q++)
            read = find_number(line, keys[q], &cell->latency_ns[c][q][cell->rounds]) && read;
        return read;
    }
    return false;
}

static bool read_rss(struct tl_rss *rss, const char *line)
{
    struct tl_rss_point point;
    if (sscanf(line, "rss %u %u", &point.ms, &point.kib) != 2)
        return false;
    if ((rss->count & (rss->count - 1)) == 0) { /* full: twice the room */
        size_t               room = rss->count != 0 ? 2 * rss->count : 1;
        struct tl_rss_point *points = realloc(rss->points, room * sizeof *points);
        if (points == NULL)
            return false;
        rss->points = points;
    }
    rss->points[rss->count++] = point;
    return true;
}

static bool read_load(struct tl_cell *cell, const char *line, bool last,
                      char object[TL_TOOL_PATH_MAX])
{
    unsigned round = cell->rounds;
    double   settled = 0;
    if (sscanf(line, "load %*s ns %lf cpu_ns %lf ops %lf peak_kib %lf", &cell->ns[round],
               &cell->cpu_ns[round], &cell->ops, &cell->peak_kib[round]) != 4 ||
        !(cell->ns[round] > 0 && cell->cpu_ns[round] > 0 && cell->ops > 0) ||
        !find_number(line, "settled_kib", &settled))
        return false;
    cell->settled_kib = last ? settled : 0;
    find_number(line, "minor_faults", &cell->minor_faults[round]);
    find_number(line, "major_faults", &cell->major_faults[round]);
    find_number(line, "clock_ns", &cell->clock_ns);
    const char *from = strstr(strstr(line, " settled_kib "), " malloc ");
    snprintf(object, TL_TOOL_PATH_MAX, "%s", from != NULL ? from + strlen(" malloc ") : "");
    return from != NULL;
}

void tl_bench_problem(struct tl_cell *cell, const char *problem)
{
    if (cell->problem[0] == '\0')
        snprintf(cell->problem, sizeof cell->problem, "%s", problem);
}

void tl_bench_take(struct tl_cell *cell, const struct tl_peer *peer, char *const *argv,
                   unsigned seconds_max, bool last)
{
    static char text[RUN_TEXT_MAX];
    char        object[TL_TOOL_PATH_MAX] = "", what[160], *save = NULL;
    bool        complete = false;
    const char *problem = tl_process_run(argv, peer, seconds_max, text, sizeof text);
    if (problem != NULL) {
        tl_bench_problem(cell, problem);
        return;
    }
    for (char *line = strtok_r(text, "\n", &save); line != NULL && !complete;
         line = strtok_r(NULL, "\n", &save)) {
        bool read = true;
        if (strncmp(line, "latency ", 8) == 0)
            read = read_latency(cell, line);
        else if (strncmp(line, "rss ", 4) == 0)
            read = read_rss(&cell->rss[cell->rounds], line);
        else if (strncmp(line, "load ", 5) == 0)
            complete = read = read_load(cell, line, last, object);
        if (!read) {
            snprintf(what, sizeof what, "printed what cannot be read: '%.80s'", line);
            tl_bench_problem(cell, what);
            return;
        }
    }
    if (!complete) {
        tl_bench_problem(cell, "printed no figures");
    } else if (!tl_peer_is_object(peer, object)) {
        snprintf(what, sizeof what, "not measured: malloc came from %.100s", object);
        tl_bench_problem(cell, what);
    } else {
        cell->rounds++;
    }
}

int tl_bench_problems(const struct tl_bench *bench)
{
    int status = TL_TOOL_OK;
    for (size_t r = 0; r < bench->row_count; r++) {
        for (size_t p = 0; p < bench->peers.count; p++) {
            const struct tl_cell *cell = &bench->rows[r].cells[p];
            if (cell->problem[0] == '\0')
                continue;
            tl_tool_error("%s on %s: %s", bench->rows[r].name, bench->peers.peers[p].name,
                          cell->problem);
            status = TL_TOOL_FAILED;
        }
    }
    return status;
}

void tl_bench_free(struct tl_bench *bench)
{
    for (size_t r = 0; r < bench->row_count; r++) {
        for (size_t p = 0; p < bench->peers.count; p++) {
            for (unsigned round = 0; round < TL_ROUNDS_MAX; round++)
                free(bench->rows[r].cells[p].rss[round].points);
        }
        free(bench->rows[r].trace);
    }
    free(bench->rows);
    bench->rows = NULL;
}

/* --- over the rounds -------------------------------------------------------------------------- */

/* NULL: this figure is not taken in each round. */
static const double *rounds_of(const struct tl_bench *bench, const struct tl_cell *cell,
                               enum tl_figure figure)
{
    if (figure >= TL_FIGURE_LATENCY)
        return cell->latency_ns[(figure - TL_FIGURE_LATENCY) / TL_QUANTILES]
                               [(figure - TL_FIGURE_LATENCY) % TL_QUANTILES];
    switch (figure) {
    case TL_FIGURE_TIME:
        return bench->cpu_clock ? cell->cpu_ns : cell->ns;
    case TL_FIGURE_PEAK:
        return cell->peak_kib;
    case TL_FIGURE_FAULTS:
        return cell->minor_faults;
    default:
        return NULL;
    }
}

double tl_bench_figure(const struct tl_bench *bench, const struct tl_cell *cell,
                       enum tl_figure figure)
{
    if (cell->problem[0] != '\0')
        return 0;
    if (figure == TL_FIGURE_SETTLED)
        return cell->settled_kib;
    return tl_median(rounds_of(bench, cell, figure), cell->rounds);
}

double tl_bench_spread(const struct tl_bench *bench, const struct tl_cell *cell,
                       enum tl_figure figure)
{
    const double *values = rounds_of(bench, cell, figure);
    if (values == NULL)
        return 0;
    double median = tl_median(values, cell->rounds);
    double between =
        tl_quantile(values, cell->rounds, 0.75) - tl_quantile(values, cell->rounds, 0.25);
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

bool tl_bench_has(const struct tl_bench *bench, const struct tl_row *row, enum tl_figure figure)
{
    return tl_bench_best(bench, row, figure) > 0;
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

double tl_bench_in_unit(const struct tl_bench *bench, const struct tl_row *row, double value,
                        enum tl_figure figure)
{
    if (figure == TL_FIGURE_PEAK || figure == TL_FIGURE_SETTLED)
        return value / 1024;
    if (figure != TL_FIGURE_TIME)
        return value;
    double ops = 0;
    for (size_t p = 0; p < bench->peers.count; p++)
        ops = row->cells[p].ops > 0 ? row->cells[p].ops : ops;
    return ops > 0 ? value / ops : 0;
}
