/* child.c: processes of the real programs; see real.h. Peak memory is ru_maxrss, which begins with
 * what this process had when it forked: two or three MiB, less than any of the programs. */
#define _GNU_SOURCE
#include "tools/talus/real/real.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct rusage usage;
static int           report = -1; /* where the probe writes; -1: not opened yet */

void tl_real_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("talus-bench-load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(5); /* redis.c clears up */
}

bool tl_real_find(const char *program, char path[PATH_MAX])
{
    const char *folders = getenv("TALUS_REAL_PATH");
    for (const char *at = folders != NULL ? folders : "/usr/bin:/usr/local/bin:/bin"; at != NULL;
         at = strchr(at, ':')) {
        at += *at == ':';
        snprintf(path, PATH_MAX, "%.*s/%s", (int)strcspn(at, ":"), at, program);
        if (access(path, X_OK) == 0)
            return true;
    }
    return false;
}

/* A file beside this program. */
static void find_own(const char *name, char path[PATH_MAX])
{
    char    folder[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    folder[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(folder, '/');
    int   written = snprintf(path, PATH_MAX, "%.*s/%s", slash != NULL ? (int)(slash - folder) : 0,
                             folder, name);
    if (written >= PATH_MAX || access(path, R_OK) != 0)
        tl_real_die("%s is not beside this program; build it, or install talus as a whole", name);
}

void tl_real_script(const char *name, char path[PATH_MAX])
{
    char own[64];
    snprintf(own, sizeof own, "real/%s", name);
    find_own(own, path);
}

int tl_real_temporary(void)
{
    const char *folder = getenv("TMPDIR");
    char        path[PATH_MAX];
    snprintf(path, sizeof path, "%s/talus-real.XXXXXX", folder != NULL ? folder : "/tmp");
    int file = mkstemp(path);
    if (file < 0)
        tl_real_die("cannot write to %s: %s", path, strerror(errno));
    unlink(path);
    return file;
}

/* In the child: the allocator, or nothing, in front of the program to come. */
static void set_preload(bool measured)
{
    const char *allocator = getenv("LD_PRELOAD");
    char        probe[PATH_MAX], all[2 * PATH_MAX], number[16];
    if (!measured) {
        unsetenv("LD_PRELOAD");
        return;
    }
    find_own("libtalus-real-probe.so", probe);
    if (allocator == NULL || allocator[0] == '\0')
        allocator = "libc.so.6";
    snprintf(all, sizeof all, "%s:%s", allocator, probe);
    snprintf(number, sizeof number, "%d", report);
    setenv("LD_PRELOAD", all, 1);
    setenv("TALUS_REAL_PROBE", number, 1);
}

static void put_at(int file, int place, int flags)
{
    if (file < 0)
        file = open("/dev/null", flags);
    if (file < 0 || dup2(file, place) < 0)
        _exit(126);
}

pid_t tl_real_start(char *const *argv, int input, int output, bool measured)
{
    pid_t parent = getpid();
    if (measured && report < 0)
        report = tl_real_temporary();
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        tl_real_die("no process");
    if (child > 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(126);
    set_preload(measured);
    if (input >= 0)
        lseek(input, 0, SEEK_SET);
    put_at(input, 0, O_RDONLY);
    put_at(output, 1, O_WRONLY);
    execv(argv[0], argv);
    _exit(127);
}

void tl_real_wait(pid_t child, const char *how, int wanted)
{
    int status = 0;
    while (wait4(child, &status, 0, &usage) < 0) {
        if (errno != EINTR)
            tl_real_die("%s: %s", how, strerror(errno));
    }
    if (WIFSIGNALED(status))
        tl_real_die("%s: killed by signal %d (%s)", how, WTERMSIG(status),
                    strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) != wanted)
        tl_real_die("%s: ended with status %d", how, WEXITSTATUS(status));
}

void tl_real_help(char *const *argv, int input, int output)
{
    struct rusage kept = usage;
    tl_real_wait(tl_real_start(argv, input, output, false), argv[0], 0);
    usage = kept;
}

const struct rusage *tl_real_usage(void)
{
    return &usage;
}

const char *tl_real_malloc_object(void)
{
    static char path[PATH_MAX];
    ssize_t     length = pread(report, path, sizeof path - 1, 0);
    if (length <= 0)
        tl_real_die(
            "nothing can be put in front of its malloc: it is linked statically, or setuid");
    path[length] = '\0';
    return path;
}
