/* stress.c: `talus stress`, which hands over to the program talus-stress; `talus stress --mutants`,
 * which hands over to tools/mutants; and `talus stress --compare`, which runs the suites on each
 * allocator that is installed and says as a Markdown table what held. */
#define _GNU_SOURCE
#include "tools/talus/tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_MAX 32u
#define SUITES_MAX    64u
#define OUTPUT_BYTES  ((size_t)4 << 20)
#define SECONDS_MAX   (24u * 3600u)

/* One cell, from one object of talus-stress --json. */
struct cell {
    char result[16], why[64], replay[TL_TOOL_PATH_MAX];
    bool there;
};

struct comparison {
    struct tl_peer_list peers;
    char                suites[SUITES_MAX][32]; /* rows, as the first allocator lists them */
    size_t              suite_count;
    struct cell         cells[SUITES_MAX][TL_PEERS_MAX];
    char                program[TL_TOOL_PATH_MAX];
    char               *arguments[ARGUMENTS_MAX]; /* of the program, behind --target */
    size_t              argument_count;
};

static int compare_help(FILE *to)
{
    fputs("usage: talus stress --compare [OPTIONS] [OPTIONS of talus stress]\n"
          "\n"
          "Runs the suites on talus and on what else is installed; prints a Markdown table of what "
          "held,\n"
          "and the lines that repeat what did not.\n"
          "  --allocators NAMES  of libc, mimalloc, jemalloc, tcmalloc, tbbmalloc, talus; with "
          "commas\n"
          "  --peer NAME=PATH    one more allocator\n"
          "Exit status: 0 all suites ran, whatever they found; 2 wrong usage, or one could not "
          "run.\n",
          to);
    return to == stdout ? TL_TOOL_OK : TL_TOOL_USAGE;
}

/* The text of "key":"..." in the object, up to the next quote; the keys asked for have none in
 * them. */
static bool text_of(const char *object, const char *key, char *text, size_t size)
{
    char        start[32];
    const char *at;
    snprintf(start, sizeof start, "\"%s\":\"", key);
    at = strstr(object, start);
    if (at == NULL)
        return false;
    at += strlen(start);
    snprintf(text, size, "%.*s", (int)strcspn(at, "\""), at);
    return true;
}

static size_t row_of(struct comparison *all, const char *suite)
{
    size_t row = 0;
    while (row < all->suite_count && strcmp(all->suites[row], suite) != 0)
        row++;
    if (row == all->suite_count && row < SUITES_MAX)
        snprintf(all->suites[all->suite_count++], sizeof all->suites[row], "%s", suite);
    return row;
}

static void read_object(struct comparison *all, size_t peer, const char *object)
{
    char suite[32];
    if (!text_of(object, "suite", suite, sizeof suite))
        return;
    size_t row = row_of(all, suite);
    if (row == SUITES_MAX)
        return;
    struct cell *cell = &all->cells[row][peer];
    cell->there = text_of(object, "result", cell->result, sizeof cell->result);
    if (!text_of(object, "kind", cell->why, sizeof cell->why))
        text_of(object, "lacks", cell->why, sizeof cell->why);
    text_of(object, "replay", cell->replay, sizeof cell->replay);
}

static const char *target_of(const struct tl_peer *peer)
{
    if (strcmp(peer->name, "talus") == 0)
        return "talus"; /* itself, so that nothing is skipped */
    return peer->library[0] != '\0' ? peer->library : "system";
}

/* Whether talus-stress takes what is handed on; it says what it does not take. */
static bool takes_arguments(struct comparison *all, char *output)
{
    char  *argv[ARGUMENTS_MAX + 3];
    size_t n = 0;
    argv[n++] = all->program;
    for (size_t i = 0; i < all->argument_count; i++)
        argv[n++] = all->arguments[i];
    argv[n++] = (char[]){ "--list" };
    argv[n] = NULL;
    return tl_process_run(argv, NULL, SECONDS_MAX, output, OUTPUT_BYTES) == NULL;
}

/* Returns false after a message when nothing came out. */
static bool run_peer(struct comparison *all, size_t peer, char *output)
{
    char   target[TL_TOOL_PATH_MAX];
    char  *argv[ARGUMENTS_MAX + 8];
    char  *save = NULL;
    size_t n = 0;
    snprintf(target, sizeof target, "%s", target_of(&all->peers.peers[peer]));
    argv[n++] = all->program;
    argv[n++] = (char[]){ "--json" };
    argv[n++] = (char[]){ "--target" };
    argv[n++] = target;
    for (size_t i = 0; i < all->argument_count; i++)
        argv[n++] = all->arguments[i];
    argv[n] = NULL;
    const char *problem = tl_process_run(argv, NULL, SECONDS_MAX, output, OUTPUT_BYTES);
    bool        any = false;
    for (char *line = strtok_r(output, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        read_object(all, peer, line);
        any = true;
    }
    if (!any)
        tl_tool_error("%s: %s", all->peers.peers[peer].name,
                      problem != NULL ? problem : "nothing came out");
    return any;
}

static void print_cell(const struct cell *cell)
{
    if (!cell->there)
        printf(" |");
    else if (strcmp(cell->result, "passed") == 0)
        printf(" held |");
    else if (strcmp(cell->result, "skipped") == 0)
        printf(" skipped: no %s |", cell->why);
    else
        printf(" **%s**: %s |", cell->result, cell->why);
}

static void print_table(const struct comparison *all)
{
    const struct tl_peer *peers = all->peers.peers;
    printf("| suite |");
    for (size_t p = 0; p < all->peers.count; p++)
        printf(" %s |", peers[p].name);
    printf("\n|---|");
    for (size_t p = 0; p < all->peers.count; p++)
        printf("---|");
    printf("\n");
    for (size_t s = 0; s < all->suite_count; s++) {
        printf("| `%s` |", all->suites[s]);
        for (size_t p = 0; p < all->peers.count; p++)
            print_cell(&all->cells[s][p]);
        printf("\n");
    }
    for (size_t s = 0; s < all->suite_count; s++)
        for (size_t p = 0; p < all->peers.count; p++)
            if (strcmp(all->cells[s][p].result, "failed") == 0)
                printf("\n%s, %s; again:\n\n    %s\n", peers[p].name, all->suites[s],
                       all->cells[s][p].replay);
}

/* Takes what belongs to --compare; the rest is the program's. */
static int read_arguments(struct comparison *all, struct tl_peer_choice *choice, int argc,
                          char **argv)
{
    for (int at = 1; at < argc; at++) {
        if (strcmp(argv[at], "--compare") == 0)
            continue;
        if (strcmp(argv[at], "--help") == 0)
            return compare_help(stdout);
        if (at + 1 < argc && tl_peers_option(choice, argv[at], argv[at + 1])) {
            at++;
            continue;
        }
        if (strncmp(argv[at], "--target", 8) == 0 || all->argument_count == ARGUMENTS_MAX) {
            tl_tool_error("stress --compare: what is '%s'?", argv[at]);
            return compare_help(stderr);
        }
        all->arguments[all->argument_count++] = argv[at];
    }
    return -1; /* go on */
}

static int compare(int argc, char **argv, const char *program)
{
    static struct comparison all;
    struct tl_peer_choice    choice = { 0 };
    int                      status = read_arguments(&all, &choice, argc, argv);
    if (status >= 0)
        return status;
    if (!tl_peers_find(&all.peers, &choice))
        return TL_TOOL_USAGE;
    snprintf(all.program, sizeof all.program, "%s", program);
    char *output = malloc(OUTPUT_BYTES);
    if (output == NULL)
        return tl_tool_error("no memory");
    bool taken = takes_arguments(&all, output);
    status = taken ? TL_TOOL_OK : TL_TOOL_USAGE;
    for (size_t p = 0; taken && p < all.peers.count; p++)
        if (!run_peer(&all, p, output))
            status = TL_TOOL_USAGE;
    free(output);
    if (all.suite_count != 0)
        print_table(&all);
    return status;
}

int tl_command_stress(int argc, char **argv)
{
    char program[TL_TOOL_PATH_MAX];
    bool mutants = argc > 1 && strcmp(argv[1], "--mutants") == 0;
    if (!tl_tool_locate(mutants ? "talus-mutants" : "talus-stress", program))
        return TL_TOOL_USAGE;
    for (int at = 1; at < argc; at++)
        if (strcmp(argv[at], "--compare") == 0)
            return compare(argc, argv, program);
    argv += mutants;
    argv[0] = program;
    execv(program, argv);
    return tl_tool_error("cannot run %s: %s", program, strerror(errno));
}
