/* bench.h: what `talus bench` has measured, from the loop (bench.c) to the tables
 * (bench_report.c) and charts (bench_plot.c). */
#ifndef TALUS_TOOLS_BENCH_H
#define TALUS_TOOLS_BENCH_H

#include "tools/talus/tool.h"

#define TL_ROUNDS_MAX          99u
#define TL_BENCH_WORKLOADS_MAX 128u

/* One workload on one allocator. */
struct tl_cell {
    double   ns[TL_ROUNDS_MAX];       /* wall time of each round */
    double   cpu_ns[TL_ROUNDS_MAX];   /* CPU time of each round, all threads */
    double   peak_kib[TL_ROUNDS_MAX]; /* of each round */
    double   settled_kib;             /* of the last round, after settle_ms; 0 when not measured */
    double   ops;
    unsigned rounds;
    char     problem[160]; /* "" when every round went well; then nothing else here counts */
};

struct tl_row {
    char           name[32];
    char           group[8]; /* "one" or "many" */
    char           about[160];
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

/* Runs a load program (argv) on a peer and appends its line of figures to the cell, or the problem.
 * The settled size is kept of the `last` round alone. */
void tl_bench_take(struct tl_cell *cell, const struct tl_peer *peer, char *const *argv,
                   unsigned seconds_max, bool last);

/* The figures that tables compare. */
enum tl_figure { TL_FIGURE_TIME, TL_FIGURE_PEAK, TL_FIGURE_SETTLED, TL_FIGURES };

/* Median over the rounds; 0 when there is none. */
double tl_bench_figure(const struct tl_bench *bench, const struct tl_cell *cell,
                       enum tl_figure figure);
/* Half the distance between the quartiles of the time, as a share of the median. */
double tl_bench_spread(const struct tl_bench *bench, const struct tl_cell *cell);
/* The lowest figure of the row among all allocators; 0 when none has one. */
double tl_bench_best(const struct tl_bench *bench, const struct tl_row *row, enum tl_figure figure);
/* Geometric mean of `peer`'s ratio to the best over the rows of `group` (NULL: all rows) that
 * every allocator has finished; `used` (may be NULL) is how many those are. 0 for none. */
double tl_bench_mean(const struct tl_bench *bench, size_t peer, const char *group,
                     enum tl_figure figure, size_t *used);

/* A figure of the row in the unit of its table: ns per allocation, or MiB. */
double tl_bench_in_unit(const struct tl_bench *bench, const struct tl_row *row, double value,
                        enum tl_figure figure);

void tl_bench_print(const struct tl_bench *bench, FILE *to);
bool tl_bench_write_json(const struct tl_bench *bench, FILE *to);

/* Makes the directory if it is not there, its parent being there; false after a message. */
bool tl_bench_plot_folder(const char *folder);
/* Writes the charts into it; false after a message when one could not be written. */
bool tl_bench_plot(const struct tl_bench *bench, const char *folder);

#endif
