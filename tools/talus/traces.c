/* traces.c: recorded traces as workloads of `talus bench`, and `talus traces`, which records the
 * real programs of the bench (tools/talus/real). */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/talus/bench.h"
#include "tools/talus/record/tape.h"

#define SUFFIX              ".trace"
#define RECORD_SECONDS_MAX  600u
#define EVENTS_A_SECOND_MIN 100000u /* on a slow machine */

/* --- in the bench ----------------------------------------------------------------------------- */

/* What is between the last slash and SUFFIX, or the end. */
static void trace_name(const char *path, char name[32])
{
    const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
    const char *suffix = strstr(base, SUFFIX);
    snprintf(name, 32, "trace-%.*s", suffix != NULL ? (int)(suffix - base) : 25, base);
}

bool tl_bench_trace_row(struct tl_row *row, const char *path)
{
    struct tl_tape tape = { 0 };
    const char    *problem = tl_tape_open(&tape, path);
    if (problem != NULL) {
        tl_tool_error("%s: %s", path, problem);
        return false;
    }
    row->trace = strdup(path);
    snprintf(row->group, sizeof row->group, "real");
    uint64_t events = tl_tape_allocations(&tape) + tl_tape_frees(&tape);
    row->trace_seconds_max = (unsigned)(events / EVENTS_A_SECOND_MIN);
    trace_name(path, row->name);
    snprintf(row->about, sizeof row->about, "%llu threads, %llu calls of %.90s",
             (unsigned long long)tape.threads, (unsigned long long)events, tape.command);
    tl_tape_close(&tape);
    return row->trace != NULL;
}

static int is_trace(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name), suffix = sizeof SUFFIX - 1;
    return length > suffix && strcmp(entry->d_name + length - suffix, SUFFIX) == 0;
}

bool tl_bench_trace_rows(const char *folder, struct tl_row *rows, size_t room, size_t *count)
{
    struct dirent **entries = NULL;
    int             found = scandir(folder, &entries, is_trace, alphasort);
    bool            read = found > 0;
    *count = 0;
    if (found < 0)
        tl_tool_error("%s: %s", folder, strerror(errno));
    else if (found == 0)
        tl_tool_error("%s: there is no *" SUFFIX " in it; talus traces makes some", folder);
    for (int e = 0; e < found; e++) {
        char path[TL_TOOL_PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", folder, entries[e]->d_name);
        free(entries[e]);
        if (read && *count == room)
            tl_tool_error("%s: more than %zu traces", folder, room);
        read = read && *count < room && tl_bench_trace_row(&rows[*count], path);
        *count += read;
    }
    free(entries);
    return read;
}

/* --- talus traces ----------------------------------------------------------------------------- */

static int traces_help(FILE *to)
{
    fputs("usage: talus traces [--scale X] DIR [NAME...]\n"
          "\n"
          "Records the real programs of talus bench, each into DIR/NAME.trace, for talus bench "
          "--traces DIR and talus replay.\n"
          "  NAME       redis, sqlite, python, ... (all that are installed; talus bench --list "
          "names them)\n"
          "  --scale X  multiplies their work (1)\n"
          "Exit status: 0 all recorded, 1 one could not be (it is named), 2 wrong usage.\n",
          to);
    return to == stdout ? TL_TOOL_OK : TL_TOOL_USAGE;
}

static bool is_chosen(char *const *names, int count, const char *name)
{
    bool chosen = count == 0;
    for (int n = 0; n < count; n++)
        chosen = chosen || strcmp(names[n], name) == 0;
    return chosen;
}

/* `workload` is real-NAME. `talus record` says what it has written. */
static bool record(char *load, char *workload, char *program, char *scale, const char *folder)
{
    char  talus[TL_TOOL_PATH_MAX], path[TL_TOOL_PATH_MAX], text[4096];
    char *argv[] = { talus, "record", "-o",     path,      "--program", program,
                     "--",  load,     workload, "--scale", scale,       NULL };
    if (!tl_tool_locate("talus", talus))
        return false;
    snprintf(path, sizeof path, "%s/%s" SUFFIX, folder, workload + strlen("real-"));
    const char *problem = tl_process_run(argv, NULL, RECORD_SECONDS_MAX, text, sizeof text);
    if (problem != NULL)
        tl_tool_error("%s: %s", workload, problem);
    return problem == NULL;
}

static int record_all(char *scale, const char *folder, char *const *names, int count)
{
    char        load[TL_TOOL_PATH_MAX], text[4096], *save = NULL;
    int         status = TL_TOOL_OK, done = 0;
    char       *argv[] = { load, "--programs", NULL };
    const char *problem;
    if (!tl_tool_locate("talus-bench-load", load))
        return TL_TOOL_USAGE;
    problem = tl_process_run(argv, NULL, RECORD_SECONDS_MAX, text, sizeof text);
    if (problem != NULL)
        return tl_tool_error("%s --programs: %s", load, problem);
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return tl_tool_error("cannot make %s: %s", folder, strerror(errno));
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        char *program = strchr(line, '\t');
        if (program == NULL)
            continue;
        *program++ = '\0';
        if (!is_chosen(names, count, line + strlen("real-")))
            continue;
        done++;
        if (!record(load, line, program, scale, folder))
            status = TL_TOOL_FAILED;
    }
    if (done < count || done == 0)
        return tl_tool_error("%d of %d programs are not installed, or none of talus bench --list",
                             count - done, count);
    return status;
}

int tl_command_traces(int argc, char **argv)
{
    char *scale = "1";
    int   at = 1;
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--help") == 0)
            return traces_help(stdout);
        if (strcmp(argv[at], "--scale") != 0 || at + 1 == argc) {
            tl_tool_error("traces: what is '%s'?", argv[at]);
            return traces_help(stderr);
        }
        scale = argv[++at];
    }
    if (at == argc)
        return traces_help(stderr);
    return record_all(scale, argv[at], argv + at + 1, argc - at - 1);
}
