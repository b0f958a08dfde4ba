/* bench.h: what `talus bench` has measured, from the loop (bench.c) and the lines of a run
 * (bench_cell.c) to tables (bench_report.c), limits (bench_limits.c), JSON (bench_json.c) and
 * charts (bench_plot.c, bench_lines.c). `talus replay` is a bench of one row. */
#ifndef TALUS_TOOLS_BENCH_H
#define TALUS_TOOLS_BENCH_H

#include "tools/talus/tool.h"

#define TL_ROUNDS_MAX          99u
#define TL_BENCH_WORKLOADS_MAX 128u

enum tl_call { TL_CALL_MALLOC, TL_CALL_FREE, TL_CALLS };
enum tl_quantile { TL_P50, TL_P99, TL_P999, TL_SLOWEST, TL_QUANTILES };

/* The figures that are compared, each with a median over the rounds. The first ones have a table
 * of ratios and a chart of bars each; then every quantile of every call's latency. */
enum tl_figure {
    TL_FIGURE_TIME,
    TL_FIGURE_PEAK,
    TL_FIGURE_SETTLED,
    TL_FIGURE_FAULTS,
    TL_TABLES,
    TL_FIGURE_LATENCY = TL_TABLES,
    TL_FIGURES = TL_FIGURE_LATENCY + TL_CALLS * TL_QUANTILES
};

static inline enum tl_figure tl_figure_latency(unsigned call, unsigned quantile)
{
    return (enum tl_figure)(TL_FIGURE_LATENCY + call * TL_QUANTILES + quantile);
}

/* Resident size of one round, in the order of time. */
struct tl_rss_point {
    uint32_t ms; /* since the workload began */
    uint32_t kib;
};

struct tl_rss {
    struct tl_rss_point *points; /* freed by tl_bench_free */
    size_t               count;
};

/* One workload on one allocator. What a workload does not report is 0. */
struct tl_cell {
    double        ns[TL_ROUNDS_MAX];       /* wall time of each round */
    double        cpu_ns[TL_ROUNDS_MAX];   /* CPU time of each round, all threads */
    double        peak_kib[TL_ROUNDS_MAX]; /* of each round */
    double        minor_faults[TL_ROUNDS_MAX];
    double        major_faults[TL_ROUNDS_MAX];
    double        latency_ns[TL_CALLS][TL_QUANTILES][TL_ROUNDS_MAX];
    double        latency_samples[TL_CALLS]; /* of the last round */
    double        clock_ns;                  /* what taking the time adds to each latency */
    double        settled_kib; /* of the last round, after settle_ms; 0 when not measured */
    double        ops;
    unsigned      rounds;
    char          problem[160]; /* "" when every round went well; then nothing else here counts */
    struct tl_rss rss[TL_ROUNDS_MAX];
};

struct tl_row {
    char           name[32];
    char           group[8]; /* "one" or "many" threads, or a "real" program */
    char           about[160];
    char          *trace;             /* that it plays; NULL: none; freed by tl_bench_free */
    unsigned       trace_seconds_max; /* how long that may take besides what any run may */
    struct tl_cell cells[TL_PEERS_MAX];
};

struct tl_bench {
    struct tl_peer_list peers;
    struct tl_row      *rows;
    size_t              row_count;
    unsigned            rounds;
    double              scale;
    unsigned            settle_ms;
    uint64_t            seed;
    size_t              base;      /* index of the allocator to compare with */
    bool                show_base; /* a table against the base besides */
    bool   cpu_clock; /* compare by CPU time: steadier where other programs run, blind to waiting */
    double load;      /* load average when it began */
};

/* --- one cell (bench_cell.c) ------------------------------------------------------------------ */

/* Runs a load program (argv) on a peer and appends its line of figures to the cell, or the problem.
 * The settled size is kept of the `last` round alone. */
void tl_bench_take(struct tl_cell *cell, const struct tl_peer *peer, char *const *argv,
                   unsigned seconds_max, bool last);
/* Notes the first problem of the cell. */
void tl_bench_problem(struct tl_cell *cell, const char *problem);
/* Says each problem on standard error; returns TL_TOOL_FAILED if there is one, else TL_TOOL_OK. */
int  tl_bench_problems(const struct tl_bench *bench);
void tl_bench_free(struct tl_bench *bench); /* the rows and what they hold */

/* Median over the rounds; 0 when there is none. */
double tl_bench_figure(const struct tl_bench *bench, const struct tl_cell *cell,
                       enum tl_figure figure);
/* Half the distance between the quartiles of a figure, as a share of the median. */
double tl_bench_spread(const struct tl_bench *bench, const struct tl_cell *cell,
                       enum tl_figure figure);
/* The lowest figure of the row among all allocators; 0 when none has one. */
double tl_bench_best(const struct tl_bench *bench, const struct tl_row *row, enum tl_figure figure);
/* Whether any allocator has this figure. */
bool tl_bench_has(const struct tl_bench *bench, const struct tl_row *row, enum tl_figure figure);
/* Geometric mean of `peer`'s ratio to the best over the rows of `group` (NULL: all rows) that
 * every allocator has finished; `used` (may be NULL) is how many those are. 0 for none. */
double tl_bench_mean(const struct tl_bench *bench, size_t peer, const char *group,
                     enum tl_figure figure, size_t *used);

/* --- traces (traces.c) ------------------------------------------------------------------------ */

/* Makes a row of a trace; false after a message. */
bool tl_bench_trace_row(struct tl_row *row, const char *path);
/* The same of all traces in a folder, which must hold one, `room` at most. */
bool tl_bench_trace_rows(const char *folder, struct tl_row *rows, size_t room, size_t *count);

/* --- output ----------------------------------------------------------------------------------- */

extern const char *const tl_bench_calls[TL_CALLS];         /* "malloc", "free" */
extern const char *const tl_bench_quantiles[TL_QUANTILES]; /* "p50", "p99", "p99.9", "max" */

/* "malloc p99.9" and so on; static. `figure` is one of latency. */
const char *tl_bench_latency_name(enum tl_figure figure);

/* A figure of the row in the unit of its table: ns per allocation, MiB, faults, ns. */
double tl_bench_in_unit(const struct tl_bench *bench, const struct tl_row *row, double value,
                        enum tl_figure figure);

void tl_bench_print(const struct tl_bench *bench, FILE *to);

/* Where talus is behind the best of the others by more than it may be. */
size_t tl_bench_missed(const struct tl_bench *bench); /* how many limits */
void   tl_bench_print_limits(const struct tl_bench *bench, FILE *to);
void   tl_bench_write_limits(const struct tl_bench *bench, struct tl_json *json);
void   tl_bench_limits_help(FILE *to);

bool tl_bench_write_json(const void *bench, FILE *to); /* a tl_json_save of a struct tl_bench */
void tl_bench_write_cell(const struct tl_bench *bench, struct tl_json *json,
                         const struct tl_row *row, size_t peer);

/* Writes the charts into the folder; false after a message when one could not be written. */
bool tl_bench_plot(const struct tl_bench *bench, const char *folder);
bool tl_bench_plot_rss(const struct tl_bench *bench, const char *folder);
bool tl_bench_plot_latency(const struct tl_bench *bench, const char *folder);
/* Below the title of every chart: how the figures were made. */
void tl_bench_plot_note(const struct tl_bench *bench, char *note, size_t size);

#endif
