/* process.c: child processes with an allocator in front, and medians; see tool.h. */
#define _GNU_SOURCE
#include "tools/talus/tool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void tl_peer_enter(const struct tl_peer *peer)
{
    char *save = NULL, text[sizeof peer->environment];
    if (peer->library[0] != '\0')
        setenv("LD_PRELOAD", peer->library, 1);
    else
        unsetenv("LD_PRELOAD");
    memcpy(text, peer->environment, sizeof text);
    for (char *one = strtok_r(text, ",", &save); one != NULL; one = strtok_r(NULL, ",", &save)) {
        char *equals = strchr(one, '=');
        if (equals != NULL) {
            *equals = '\0';
            setenv(one, equals + 1, 1);
        }
    }
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads until the other end is closed; false when the time is over first. */
static bool collect(int from, int64_t deadline_ms, char *output, size_t size)
{
    size_t length = 0;
    char   rest[256];
    for (;;) {
        int64_t       left_ms = deadline_ms - now_ms();
        struct pollfd wait_for = { from, POLLIN, 0 };
        if (left_ms <= 0)
            return false;
        int ready = poll(&wait_for, 1, (int)left_ms);
        if (ready < 0 && errno != EINTR)
            return false;
        if (ready <= 0)
            continue;
        bool    full = length == size - 1;
        ssize_t got =
            read(from, full ? rest : output + length, full ? sizeof rest : size - 1 - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return true;
        length += full ? 0 : (size_t)got;
        output[length] = '\0';
    }
}

const char *tl_process_run(char *const *argv, const struct tl_peer *peer, unsigned seconds_max,
                           char *output, size_t size)
{
    static char problem[128];
    int         ends[2], status = 0;
    output[0] = '\0';
    if (pipe(ends) != 0)
        return "no pipe";
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        close(ends[0]);
        close(ends[1]);
        return "no process";
    }
    if (child == 0) {
        /* Nothing is left behind when the tool is interrupted; a program with files clears them up.
         * */
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        if (peer != NULL)
            tl_peer_enter(peer);
        execv(argv[0], argv);
        _exit(127);
    }
    close(ends[1]);
    bool in_time = collect(ends[0], now_ms() + (int64_t)seconds_max * 1000, output, size);
    close(ends[0]);
    if (!in_time)
        kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!in_time)
        snprintf(problem, sizeof problem, "took longer than %u s", seconds_max);
    else if (WIFSIGNALED(status))
        snprintf(problem, sizeof problem, "killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        snprintf(problem, sizeof problem, "ended with status %d", WEXITSTATUS(status));
    else
        return NULL;
    return problem;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double tl_quantile(const double *values, size_t count, double share)
{
    if (count == 0)
        return 0;
    double *sorted = malloc(count * sizeof *sorted);
    if (sorted == NULL)
        return 0;
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare);
    double at = share * (double)(count - 1);
    size_t below = (size_t)at;
    size_t above = below + 1 < count ? below + 1 : below;
    double result = sorted[below] + (sorted[above] - sorted[below]) * (at - (double)below);
    free(sorted);
    return result;
}

double tl_median(const double *values, size_t count)
{
    return tl_quantile(values, count, 0.5);
}
