/* judge.c: a child process does the damage, the parent reads its report. */
#include "stress/hosted/judge.h"

#include "stress/hosted/host.h"
#include "stress/hosted/report.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAIL_BYTES 8192u /* the last of what the child said: the report is at its end */
#define STARVED    4.0   /* times as long as was asked for, where a busy machine gives it no CPU */

struct child {
    pid_t  pid;
    int    fd;
    int    status;
    bool   killed;
    size_t length;
    char   tail[TAIL_BYTES + 1];
};

static void start(struct child *child, uint64_t seed, int (*attempt)(uint64_t seed))
{
    int ends[2];

    if (pipe(ends) != 0)
        st_fail("setup", "  pipe: %s", strerror(errno));
    child->pid = fork();
    if (child->pid < 0)
        st_fail("setup", "  fork: %s", strerror(errno));
    if (child->pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        exit(attempt(seed)); /* not _exit: sanitizers speak here */
    }
    close(ends[1]);
    child->fd = ends[0];
}

static void keep(struct child *child, const char *text, size_t bytes)
{
    if (child->length + bytes > TAIL_BYTES) {
        size_t kept = TAIL_BYTES - bytes < child->length ? TAIL_BYTES - bytes : child->length;
        memmove(child->tail, child->tail + child->length - kept, kept);
        child->length = kept;
    }
    memcpy(child->tail + child->length, text, bytes);
    child->length += bytes;
    child->tail[child->length] = '\0';
}

/* Reads what the child says until it ends or the time is over; then it is killed. */
static void follow(struct child *child, double deadline)
{
    char    text[TAIL_BYTES / 4];
    ssize_t n;

    for (;;) {
        struct pollfd ready = { .fd = child->fd, .events = POLLIN };
        double        left = deadline - st_now();
        if (left <= 0) {
            kill(child->pid, SIGKILL);
            child->killed = true;
            break;
        }
        if (poll(&ready, 1, (int)(left * 1000) + 1) <= 0)
            continue;
        n = read(child->fd, text, sizeof(text));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        keep(child, text, (size_t)n);
    }
    close(child->fd);
    while (waitpid(child->pid, &child->status, 0) < 0 && errno == EINTR)
        continue;
}

/* Of the attempts that have ended. */
static double cpu_seconds(void)
{
    struct rusage used;

    getrusage(RUSAGE_CHILDREN, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int st_expect_caught(double seconds, uint64_t seed, int (*attempt)(uint64_t seed))
{
    double begin = st_now(), cpu_begin = cpu_seconds(), most = begin + STARVED * seconds;

    for (unsigned n = 0;
         st_now() - begin < seconds || (cpu_seconds() - cpu_begin < seconds && st_now() < most);
         n++) {
        static struct child child;
        memset(&child, 0, sizeof(child));
        start(&child, seed + n, attempt);
        follow(&child, most);
        if (child.killed)
            break;
        int code = WIFEXITED(child.status) ? WEXITSTATUS(child.status) : -1;
        if (code == ST_PASSED)
            continue;
        st_host_write(child.tail, strlen(child.tail));
        if (code == ST_USAGE || strstr(child.tail, "FAILED: setup") != NULL)
            return ST_FAILURE;
        const char *kind = strstr(child.tail, "SUMMARY: "); /* of a sanitizer, which speaks first */
        if (kind == NULL)
            kind = strstr(child.tail, "FAILED: ");
        int kind_length = kind != NULL ? (int)strcspn(kind, "\n") : 0;
        if (kind != NULL)
            st_say("caught in %.1f s, seed %" PRIu64 ": %.*s", st_now() - begin, seed + n,
                   kind_length, kind);
        else
            st_say("caught in %.1f s, seed %" PRIu64 ": status %d, signal %d", st_now() - begin,
                   seed + n, code, WIFSIGNALED(child.status) ? WTERMSIG(child.status) : 0);
        return ST_PASSED;
    }
    st_say("NOT caught in %.0f s, %.0f s of CPU, seeds from %" PRIu64, st_now() - begin,
           cpu_seconds() - cpu_begin, seed);
    return ST_FAILURE;
}

bool st_judge_once(int (*attempt)(uint64_t seed), uint64_t seed, const char *kind)
{
    static struct child child;
    char                want[64];

    memset(&child, 0, sizeof(child));
    start(&child, seed, attempt);
    follow(&child, st_now() + 60);
    int code = WIFEXITED(child.status) ? WEXITSTATUS(child.status) : -1;
    strcpy(want, "FAILED: ");
    strncat(want, kind != NULL ? kind : "", sizeof(want) - strlen(want) - 1);
    bool right =
        kind == NULL ? code == ST_PASSED : code == ST_FAILURE && strstr(child.tail, want) != NULL;
    if (!right)
        st_host_write(child.tail, strlen(child.tail));
    return right;
}
