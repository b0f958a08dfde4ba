/* pathlen.c: `talus pathlen`, instructions per call of talus and other allocators. */
#define _GNU_SOURCE
#include "tools/talus/pathlen.h"
#include "tools/talus/trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALLS_MAX 100000u
/* A step costs 3 to 60 us, so long calls are counted fewer times: instructions of one scenario on
 * one allocator, for each call that was asked for. */
#define STEPS_PER_CALL_MAX 150u

struct pathlen {
    struct tl_pathlen counted;
    bool              detail;
    const char       *json;

    struct tl_peer_choice choice;
};

static int pathlen_help(FILE *to)
{
    fputs("usage: talus pathlen [OPTIONS]\n"
          "\n"
          "Counts the instructions of malloc calls by single-stepping them (x86-64), on talus and "
          "on what else is installed.\n"
          "  --only TEXT         calls whose scenario contains TEXT (talus-pathlen-load --list "
          "names them)\n"
          "  --allocators NAMES  of libc, mimalloc, jemalloc, tcmalloc, tbbmalloc, talus; with "
          "commas\n"
          "  --peer NAME=PATH[,VAR=VALUE...]  one more allocator\n"
          "  --calls N           measured calls of each kind (500); fewer where they are long\n"
          "  --detail            one line per call and allocator: median, mean, p99.9, max, "
          "locked, system calls\n"
          "  --json FILE         writes every figure to FILE (-: standard output, instead of the "
          "table)\n"
          "Exit status: 0 all counted, 1 some call could not be counted, 2 wrong usage or nothing "
          "to measure.\n",
          to);
    return to == stdout ? TL_TOOL_OK : TL_TOOL_USAGE;
}

static struct tl_pathlen_figures summarize(const struct tl_trace *trace)
{
    struct tl_pathlen_figures of = { .calls = trace->calls };
    if (of.calls == 0)
        return of;
    of.median = tl_median(trace->counts, of.calls);
    of.p999 = tl_quantile(trace->counts, of.calls, 0.999);
    of.max = tl_quantile(trace->counts, of.calls, 1);
    of.mean = (double)trace->instructions / (double)of.calls;
    of.locked = (double)trace->locked / (double)of.calls;
    of.system_calls = (double)trace->system_calls / (double)of.calls;
    return of;
}

/* Counts one scenario, whose kinds are `kinds` rows from `row` on, on one allocator. */
static void count_scenario(struct tl_pathlen *all, char *load, struct tl_pathlen_row *row,
                           size_t kinds, size_t peer)
{
    struct tl_trace traces[TL_TRACE_KINDS];
    char            calls[16];
    snprintf(calls, sizeof calls, "%u", all->calls);
    char *argv[] = { load, row->scenario, calls, NULL };
    bool  ready = true;
    for (size_t k = 0; k < TL_TRACE_KINDS; k++) {
        traces[k] = (struct tl_trace){ .calls_max = CALLS_MAX };
        traces[k].counts = malloc(CALLS_MAX * sizeof(double));
        ready = ready && traces[k].counts != NULL;
    }
    const char *problem = ready ? tl_trace_run(argv, &all->peers.peers[peer], traces,
                                               (uint64_t)all->calls * STEPS_PER_CALL_MAX)
                                : "no memory";
    for (size_t k = 0; k < kinds; k++) {
        row[k].of[peer] = summarize(&traces[k]);
        if (problem == NULL && traces[k].calls == 0)
            problem = "the call was never made";
    }
    if (problem != NULL) {
        tl_tool_error("%s on %s: %s", row->name, all->peers.peers[peer].name, problem);
        all->failed = true;
        for (size_t k = 0; k < kinds; k++)
            row[k].of[peer].calls = 0;
    }
    for (size_t k = 0; k < TL_TRACE_KINDS; k++)
        free(traces[k].counts);
}

/* Single-stepping makes the clock run thousands of times too fast for the allocator: what it does
 * after a time, such as giving memory back, would fall into nearly every call. So it is put off,
 * unless the user has chosen for himself. */
static void be_patient(struct tl_peer *peer)
{
    char name[sizeof peer->patient];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(peer->patient, "="), peer->patient);
    if (name[0] != '\0' && getenv(name) == NULL && peer->environment[0] == '\0')
        snprintf(peer->environment, sizeof peer->environment, "%s", peer->patient);
}

bool tl_pathlen_count(struct tl_pathlen *all)
{
    char        load[TL_TOOL_PATH_MAX];
    static char text[8192];
    char       *argv[] = { load, "--list", NULL };
    char       *save = NULL;
    if (!tl_tool_locate("talus-pathlen-load", load))
        return false;
    const char *problem = tl_process_run(argv, NULL, 10, text, sizeof text);
    if (problem != NULL) {
        tl_tool_error("%s --list: %s", load, problem);
        return false;
    }
    for (size_t p = 0; p < all->peers.count; p++)
        be_patient(&all->peers.peers[p]);
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        struct tl_pathlen_row *row = &all->rows[all->row_count];
        if (all->row_count + TL_TRACE_KINDS > TL_PATHLEN_ROWS_MAX ||
            sscanf(line, "%31[^\t]\t%39[^\t]\t%39[^\n]", row[0].scenario, row[0].name,
                   row[1].name) != 3) {
            tl_tool_error("%s --list: cannot read '%s'", load, line);
            return false;
        }
        if (all->only != NULL && strstr(row->scenario, all->only) == NULL)
            continue;
        size_t kinds = strcmp(row[1].name, "-") == 0 ? 1 : 2;
        memcpy(row[1].scenario, row[0].scenario, sizeof row[0].scenario);
        for (size_t p = 0; p < all->peers.count; p++) {
            fprintf(stderr, "%s%s on %s%s", isatty(2) ? "\r\033[K" : "", row->scenario,
                    all->peers.peers[p].name, isatty(2) ? "" : "\n");
            count_scenario(all, load, row, kinds, p);
        }
        all->row_count += kinds;
    }
    if (isatty(2))
        fputs("\r\033[K", stderr);
    if (all->row_count == 0)
        tl_tool_error("no scenario contains '%s'; talus-pathlen-load --list names them", all->only);
    return all->row_count != 0;
}

/* --- output ----------------------------------------------------------------------------------- */

#define NAME_WIDTH 29
#define CELL_WIDTH 18

/* "13", "14 (22.5)" where the mean is elsewhere, "27 L1" with locked instructions per call. */
static void print_cell(const struct tl_pathlen_figures *of)
{
    char text[64] = "failed", mean[24] = "", locked[24] = "";
    if (of->calls != 0) {
        if (fabs(of->mean - of->median) > 0.05 * of->median)
            snprintf(mean, sizeof mean, of->mean < 100 ? " (%.1f)" : " (%.0f)", of->mean);
        if (of->locked > 0)
            snprintf(locked, sizeof locked, " L%.2g", of->locked);
        snprintf(text, sizeof text, "%.0f%s%s", of->median, mean, locked);
    }
    printf("%*s", CELL_WIDTH, text);
}

static void print_table(const struct tl_pathlen *all)
{
    printf("Instructions per call: median (mean where it differs by more than 5 %%), L: locked "
           "instructions per call\n%-*s",
           NAME_WIDTH, "");
    for (size_t p = 0; p < all->peers.count; p++)
        printf("%*.*s", CELL_WIDTH, CELL_WIDTH - 1, all->peers.peers[p].name);
    putchar('\n');
    for (size_t r = 0; r < all->row_count; r++) {
        printf("%-*s", NAME_WIDTH, all->rows[r].name);
        for (size_t p = 0; p < all->peers.count; p++)
            print_cell(&all->rows[r].of[p]);
        putchar('\n');
    }
}

static void print_detail(const struct tl_pathlen *all)
{
    printf("%-*s %-10s %8s %8s %9s %9s %9s %8s %8s\n", NAME_WIDTH, "call", "allocator", "calls",
           "median", "mean", "p99.9", "max", "locked", "kernel");
    for (size_t r = 0; r < all->row_count; r++) {
        for (size_t p = 0; p < all->peers.count; p++) {
            const struct tl_pathlen_figures *of = &all->rows[r].of[p];
            printf("%-*s %-10s %8zu %8.0f %9.2f %9.0f %9.0f %8.3f %8.3f\n", NAME_WIDTH,
                   all->rows[r].name, all->peers.peers[p].name, of->calls, of->median, of->mean,
                   of->p999, of->max, of->locked, of->system_calls);
        }
    }
}

static bool write_json(const void *what, FILE *to)
{
    const struct tl_pathlen *all = what;
    struct tl_json           json;
    tl_json_begin(&json, to);
    tl_json_text(&json, "tool", "talus pathlen");
    tl_json_whole(&json, "format", 1);
    tl_json_machine(&json);
    tl_json_open(&json, "calls", '[');
    for (size_t r = 0; r < all->row_count; r++) {
        tl_json_open(&json, NULL, '{');
        tl_json_text(&json, "name", all->rows[r].name);
        tl_json_text(&json, "scenario", all->rows[r].scenario);
        tl_json_open(&json, "allocators", '{');
        for (size_t p = 0; p < all->peers.count; p++) {
            const struct tl_pathlen_figures *of = &all->rows[r].of[p];
            if (of->calls == 0)
                continue;
            tl_json_open(&json, all->peers.peers[p].name, '{');
            tl_json_whole(&json, "calls", of->calls);
            tl_json_number(&json, "median", of->median);
            tl_json_number(&json, "mean", of->mean);
            tl_json_number(&json, "p99_9", of->p999);
            tl_json_number(&json, "max", of->max);
            tl_json_number(&json, "locked", of->locked);
            tl_json_number(&json, "system_calls", of->system_calls);
            tl_json_close(&json, '}');
        }
        tl_json_close(&json, '}');
        tl_json_close(&json, '}');
    }
    tl_json_close(&json, ']');
    return tl_json_end(&json);
}

static int report(const struct pathlen *all)
{
    bool to_stdout = all->json != NULL && strcmp(all->json, "-") == 0;
    if (!to_stdout && all->detail)
        print_detail(&all->counted);
    else if (!to_stdout)
        print_table(&all->counted);
    if (all->json != NULL && tl_json_save(all->json, write_json, &all->counted) != TL_TOOL_OK)
        return TL_TOOL_USAGE;
    return all->counted.failed ? TL_TOOL_FAILED : TL_TOOL_OK;
}

/* Returns -1 to go on, else the exit status. */
static int read_options(struct pathlen *all, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        char       *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(name, "--help") == 0)
            return pathlen_help(stdout);
        if (strcmp(name, "--detail") == 0) {
            all->detail = true;
            continue;
        }
        i++;
        if (value != NULL && strcmp(name, "--only") == 0) {
            all->counted.only = value;
        } else if (value != NULL && strcmp(name, "--json") == 0) {
            all->json = value;
        } else if (value != NULL && tl_peers_option(&all->choice, name, value)) {
            continue;
        } else if (value != NULL && strcmp(name, "--calls") == 0 &&
                   tl_tool_count(value, CALLS_MAX, &all->counted.calls)) {
            continue;
        } else {
            tl_tool_error("pathlen: '%s%s%s' is no option, or its value is wrong", name,
                          value != NULL ? " " : "", value != NULL ? value : "");
            return pathlen_help(stderr);
        }
    }
    return -1;
}

int tl_command_pathlen(int argc, char **argv)
{
    static struct pathlen all = { .counted = { .calls = 500 } };
    int                   status = read_options(&all, argc, argv);
    if (status >= 0)
        return status;
    if (!tl_peers_find(&all.counted.peers, &all.choice) || !tl_pathlen_count(&all.counted))
        return TL_TOOL_USAGE;
    return report(&all);
}
