/* main.c: the `talus` command: which subcommand, and the short ones (run, stress, version). */
#define _GNU_SOURCE
#include "tools/talus/tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "talus/talus.h"

static int help(FILE *to)
{
    fputs("usage: talus COMMAND [OPTIONS]\n"
          "\n"
          "  run -- CMD ARGS...   runs a program with talus as its malloc\n"
          "  bench                time and memory of talus and other allocators, side by side\n"
          "  pathlen              instructions per call of talus and other allocators\n"
          "  metrics              speed, path length, metadata, fragmentation: one table\n"
          "  record -- CMD        writes a trace of a program's malloc and free calls\n"
          "  replay TRACE         plays a trace on talus and other allocators, side by side\n"
          "  traces DIR           records the real programs of the bench\n"
          "  stress               the stress suites (talus stress --help)\n"
          "  explore              all schedules, all memory orders (talus explore --help)\n"
          "  version              prints the version\n"
          "\n"
          "Each command explains its options: talus COMMAND --help. What the figures mean: "
          "tools/talus/README.md\n",
          to);
    return to == stdout ? TL_TOOL_OK : TL_TOOL_USAGE;
}

static int run_help(FILE *to)
{
    fputs("usage: talus run [--options TEXT] [--] CMD ARGS...\n"
          "\n"
          "Runs CMD with libtalus-malloc.so in front of its malloc (LD_PRELOAD; what was in it "
          "stays behind talus).\n"
          "  --options TEXT   sets TALUS_OPTIONS for CMD, for example stats=1,decay_ms=500\n"
          "Exit status: that of CMD; 127 if there is no such program, 126 if it cannot be run.\n",
          to);
    return to == stdout ? TL_TOOL_OK : TL_TOOL_USAGE;
}

int tl_command_run(int argc, char **argv)
{
    int  at = 1;
    char library[TL_TOOL_PATH_MAX];
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--help") == 0)
            return run_help(stdout);
        if (strcmp(argv[at], "--") == 0) {
            at++;
            break;
        }
        if (strcmp(argv[at], "--options") != 0 || at + 1 == argc) {
            tl_tool_error("run: what is '%s'?", argv[at]);
            return run_help(stderr);
        }
        setenv("TALUS_OPTIONS", argv[++at], 1);
    }
    if (at >= argc)
        return run_help(stderr);
    if (!tl_tool_locate("libtalus-malloc.so", library))
        return TL_TOOL_USAGE;
    const char *before = getenv("LD_PRELOAD");
    char       *preload = NULL;
    if (before != NULL && before[0] != '\0') {
        if (asprintf(&preload, "%s:%s", library, before) < 0)
            return tl_tool_error("no memory");
    }
    setenv("LD_PRELOAD", preload != NULL ? preload : library, 1);
    free(preload);
    execvp(argv[at], argv + at);
    int error = errno;
    tl_tool_error("cannot run %s: %s", argv[at], strerror(error));
    return error == ENOENT ? 127 : 126;
}

int tl_command_explore(int argc, char **argv)
{
    char program[TL_TOOL_PATH_MAX];
    (void)argc;
    if (!tl_tool_locate("talus-explore", program))
        return TL_TOOL_USAGE;
    argv[0] = program; /* for the lines that replay: `talus` may be in no search path */
    execv(program, argv);
    return tl_tool_error("cannot run %s: %s", program, strerror(errno));
}

static int version(void)
{
    printf("talus %d.%d.%d\n", TALUS_VERSION_MAJOR, TALUS_VERSION_MINOR, TALUS_VERSION_PATCH);
    return TL_TOOL_OK;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return help(stderr);
    if (strcmp(argv[1], "run") == 0)
        return tl_command_run(argc - 1, argv + 1);
    if (strcmp(argv[1], "bench") == 0)
        return tl_command_bench(argc - 1, argv + 1);
    if (strcmp(argv[1], "pathlen") == 0)
        return tl_command_pathlen(argc - 1, argv + 1);
    if (strcmp(argv[1], "metrics") == 0)
        return tl_command_metrics(argc - 1, argv + 1);
    if (strcmp(argv[1], "record") == 0)
        return tl_command_record(argc - 1, argv + 1);
    if (strcmp(argv[1], "replay") == 0)
        return tl_command_replay(argc - 1, argv + 1);
    if (strcmp(argv[1], "traces") == 0)
        return tl_command_traces(argc - 1, argv + 1);
    if (strcmp(argv[1], "stress") == 0)
        return tl_command_stress(argc - 1, argv + 1);
    if (strcmp(argv[1], "explore") == 0)
        return tl_command_explore(argc - 1, argv + 1);
    if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0)
        return version();
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0)
        return help(stdout);
    tl_tool_error("there is no command '%s'", argv[1]);
    return help(stderr);
}
