/* record.c: `talus record`: runs a program with libtalus-record.so in front of its malloc, and
 * makes a trace of what that left behind. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/talus/record/convert.h"
#include "tools/talus/record/raw.h"
#include "tools/talus/record/tape.h"
#include "tools/talus/tool.h"

struct options {
    const char *output, *program;
    char      **command;
};

static int record_help(FILE *to)
{
    fputs(
        "usage: talus record [-o FILE] [--program NAME] [--] CMD ARGS...\n"
        "\n"
        "Runs CMD and writes a trace of its malloc and free calls, of all its threads, for talus "
        "replay.\n"
        "  -o FILE          the trace (talus.trace); while CMD runs, FILE.raw grows by 32 bytes a "
        "call\n"
        "  --program NAME   records the first process that runs a program of this name, instead "
        "of CMD's own;\n"
        "                   for compilers and scripts that start what is of interest\n"
        "Children that CMD forks are not recorded; a program that it executes in its place is.\n"
        "Exit status: that of CMD (128 + signal if it was killed); 127 if there is no such "
        "program, 126 if it\n"
        "cannot be run, 2 if there is no trace.\n",
        to);
    return to == stdout ? TL_TOOL_OK : TL_TOOL_USAGE;
}

/* Returns -1 to go on, else the exit status. */
static int read_options(struct options *options, int argc, char **argv)
{
    int at = 1;
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--help") == 0)
            return record_help(stdout);
        if (strcmp(argv[at], "--") == 0) {
            at++;
            break;
        }
        bool output = strcmp(argv[at], "-o") == 0 || strcmp(argv[at], "--output") == 0;
        if ((!output && strcmp(argv[at], "--program") != 0) || at + 1 == argc) {
            tl_tool_error("record: what is '%s'?", argv[at]);
            return record_help(stderr);
        }
        *(output ? &options->output : &options->program) = argv[++at];
    }
    options->command = argv + at;
    return at < argc ? -1 : record_help(stderr);
}

/* In the child: does not return. What hinders it goes into `report` as an errno. */
static void run_recorded(const struct options *options, const char *library, const char *raw,
                         int report)
{
    const char *before = getenv("LD_PRELOAD");
    char        pid[32], *preload = NULL;
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    if (before != NULL && before[0] != '\0' && asprintf(&preload, "%s:%s", library, before) < 0)
        _exit(126);
    setenv("LD_PRELOAD", preload != NULL ? preload : library, 1);
    setenv(TL_RECORD_FILE, raw, 1);
    setenv(TL_RECORD_PID, pid, 1);
    if (options->program != NULL)
        setenv(TL_RECORD_PROGRAM, options->program, 1);
    else
        unsetenv(TL_RECORD_PROGRAM);
    execvp(options->command[0], options->command);
    int     error = errno;
    ssize_t written = write(report, &error, sizeof error);
    (void)written;
    _exit(error == ENOENT ? 127 : 126);
}

static volatile pid_t recorded; /* 0: none */

/* What is to end the recording ends the program; then the trace is written. */
static void hand_on(int number)
{
    if (recorded > 0)
        kill(recorded, number);
}

/* Runs the command to its end. Returns its exit status; `*started` says whether there was one. An
 * interrupt from the keyboard is for the command: the trace of what it did is kept. */
static int run(const struct options *options, const char *library, const char *raw, bool *started)
{
    int ends[2], status = 0, error = 0;
    *started = false;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return tl_tool_error("no pipe");
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return tl_tool_error("no process");
    if (child == 0)
        run_recorded(options, library, raw, ends[1]);
    recorded = child;
    signal(SIGTERM, hand_on);
    signal(SIGINT, SIG_IGN);
    void (*quit)(int) = signal(SIGQUIT, SIG_IGN);
    close(ends[1]);
    *started = read(ends[0], &error, sizeof error) != sizeof error;
    close(ends[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    recorded = 0; /* the same signal may come once more, to the whole group: it is for nobody */
    signal(SIGQUIT, quit);
    if (!*started)
        tl_tool_error("cannot run %s: %s", options->command[0], strerror(error));
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int write_trace(const struct options *options, const char *raw)
{
    struct tl_convert_result result;
    char                     command[TL_TAPE_COMMAND_MAX] = "";
    for (char **word = options->command; *word != NULL; word++) {
        size_t length = strlen(command);
        snprintf(command + length, sizeof command - length, "%s%s", length != 0 ? " " : "", *word);
    }
    FILE *file = fopen(options->output, "w+e");
    if (file == NULL)
        return tl_tool_error("cannot write %s: %s", options->output, strerror(errno));
    const char *problem = tl_convert(raw, file, command, &result);
    if (fclose(file) != 0 && problem == NULL)
        problem = strerror(errno);
    if (problem != NULL) {
        unlink(options->output);
        return tl_tool_error("%s: no trace: %s", options->output, problem);
    }
    fprintf(stderr, "talus: %s: %llu events of %llu threads, %llu KiB\n", options->output,
            (unsigned long long)result.events, (unsigned long long)result.threads,
            (unsigned long long)(result.bytes + 1023) / 1024);
    if (result.unknown + result.implicit != 0)
        fprintf(stderr,
                "talus: left out: %llu calls on blocks from before the recording; put in: %llu "
                "frees that were not seen\n",
                (unsigned long long)result.unknown, (unsigned long long)result.implicit);
    return TL_TOOL_OK;
}

int tl_command_record(int argc, char **argv)
{
    struct options options = { .output = "talus.trace" };
    char           library[TL_TOOL_PATH_MAX], folder[PATH_MAX] = "", *raw = NULL;
    bool           started = false;
    int            status = read_options(&options, argc, argv);
    if (status >= 0)
        return status;
    if (!tl_tool_locate("libtalus-record.so", library))
        return TL_TOOL_USAGE;
    if (options.output[0] != '/' && getcwd(folder, sizeof folder) == NULL)
        return tl_tool_error("the current folder is not there");
    if (asprintf(&raw, "%s%s%s.raw", folder, folder[0] != '\0' ? "/" : "", options.output) < 0)
        return tl_tool_error("no memory");
    unlink(raw);
    int probe = open(raw, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (probe < 0) {
        status = tl_tool_error("cannot write %s: %s", raw, strerror(errno));
        free(raw);
        return status;
    }
    close(probe);
    if (options.program != NULL)
        unlink(raw); /* whoever creates it is the one that is recorded */
    status = run(&options, library, raw, &started);
    if (started && access(raw, R_OK) != 0) {
        tl_tool_error("%s: no trace: no process ran a program called %s", options.output,
                      options.program);
        status = TL_TOOL_USAGE;
    } else if (started && write_trace(&options, raw) != TL_TOOL_OK) {
        status = TL_TOOL_USAGE;
    }
    unlink(raw);
    free(raw);
    return status;
}
