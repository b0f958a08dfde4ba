/* redis.c: redis-server under redis-benchmark, over a socket in a folder of its own. Values of one
 * size take the place of values of another, so that holes of one size are left where blocks of
 * others are wanted. One thread serves: threads that wait would be measured too. redis-benchmark
 * chooses its keys at random, whatever the seed. */
#define _GNU_SOURCE
#include "tools/talus/load/load.h"
#include "tools/talus/real/real.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_SECONDS_MAX 20u

/* The commands of redis-benchmark, in this order against one server. */
struct step {
    const char *tests;
    unsigned    tests_count;
    unsigned    bytes;    /* of a value */
    unsigned    requests; /* of each test, at scale 1 */
    unsigned    keys;     /* at scale 1 */
    unsigned    pipelined;
};

static const struct step steps[] = {
    { "set", 1, 16, 60000, 60000, 16 },
    { "set", 1, 100, 60000, 60000, 16 },
    { "set", 1, 1000, 24000, 20000, 8 },
    { "set", 1, 10000, 4000, 4000, 4 },
    { "get", 1, 3, 30000, 60000, 16 },
    { "lpush,lpop", 2, 64, 20000, 1, 16 },
    { "hset,sadd,zadd", 3, 200, 10000, 30000, 16 },
    { "mset", 1, 300, 4000, 40000, 4 },
    { "set", 1, 500, 20000, 60000, 16 },
};

static char  folder[PATH_MAX];
static char  address[] = "socket"; /* there: a path of any length would not fit a socket */
static pid_t server;

static void clear_up(void)
{
    if (server > 0)
        kill(server, SIGKILL);
    if (folder[0] != '\0') {
        unlink(address);
        rmdir(folder);
    }
}

static void end_on_signal(int number)
{
    clear_up(); /* kill, unlink and rmdir are async-signal-safe */
    _exit(128 + number);
}

/* And makes it the current one, also of the children. */
static void make_folder(void)
{
    const char *temporary = getenv("TMPDIR");
    char        made[PATH_MAX];
    snprintf(made, sizeof made, "%s/talus-real.XXXXXX", temporary != NULL ? temporary : "/tmp");
    if (mkdtemp(made) == NULL || chdir(made) != 0)
        tl_real_die("cannot make a folder %s: %s", made, strerror(errno));
    memcpy(folder, made, sizeof made);
    atexit(clear_up);
    signal(SIGINT, end_on_signal);
    signal(SIGTERM, end_on_signal);
}

static bool answers(void)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int                end = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(to.sun_path, address, sizeof address);
    bool connected = end >= 0 && connect(end, (struct sockaddr *)&to, sizeof to) == 0;
    close(end);
    return connected;
}

static void start_server(void)
{
    const struct timespec pause = { 0, 5000000 };
    char                  path[PATH_MAX];
    if (!tl_real_find("redis-server", path))
        tl_real_die("there is no redis-server");
    char *argv[] = { path,      "--port",      "0",  "--unixsocket",
                     address,   "--save",      "",   "--appendonly",
                     "no",      "--daemonize", "no", "--loglevel",
                     "warning", NULL };
    server = tl_real_start(argv, -1, -1, true);
    uint64_t start = tl_load_now();
    while (!answers()) {
        if (tl_load_now() - start > START_SECONDS_MAX * UINT64_C(1000000000))
            tl_real_die("redis-server did not answer within %u s", START_SECONDS_MAX);
        siginfo_t ended = { 0 };
        if (waitid(P_PID, (id_t)server, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            ended.si_pid != 0)
            tl_real_wait(server, "redis-server", -1);
        nanosleep(&pause, NULL);
    }
}

static unsigned scaled(unsigned count, double scale)
{
    double product = (double)count * scale;
    return product >= 1 ? (unsigned)product : 1;
}

/* Returns the number of requests. */
static uint64_t run_step(const struct step *step, char *benchmark, const struct tl_real_run *run)
{
    char bytes[16], requests[16], keys[16], pipelined[16], tests[32];
    snprintf(bytes, sizeof bytes, "%u", step->bytes);
    snprintf(requests, sizeof requests, "%u", scaled(step->requests, run->scale));
    snprintf(keys, sizeof keys, "%u", scaled(step->keys, run->scale));
    snprintf(pipelined, sizeof pipelined, "%u", step->pipelined);
    snprintf(tests, sizeof tests, "%s", step->tests);
    char *argv[] = { benchmark, "-s",     address, "-c", "20", "-t",      tests, "-d", bytes,
                     "-n",      requests, "-r",    keys, "-P", pipelined, "-q",  NULL };
    tl_real_help(argv, -1, -1);
    return (uint64_t)step->tests_count * scaled(step->requests, run->scale);
}

void tl_real_redis(const struct tl_real_run *run, struct tl_real_figures *figures)
{
    char benchmark[PATH_MAX], rollup[64];
    if (!tl_real_find("redis-benchmark", benchmark))
        tl_real_die("there is no redis-benchmark");
    make_folder();
    start_server();
    uint64_t start = tl_load_now();
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++)
        figures->ops += run_step(&steps[s], benchmark, run);
    figures->ns = tl_load_now() - start;
    struct timespec settle = { (time_t)(run->settle_ms / 1000),
                               (long)(run->settle_ms % 1000) * 1000000 };
    while (nanosleep(&settle, &settle) != 0 && errno == EINTR)
        continue;
    snprintf(rollup, sizeof rollup, "/proc/%ld/smaps_rollup", (long)server);
    figures->settled_kib = tl_load_proc_kib(rollup, "Rss:");
    if (kill(server, SIGTERM) != 0)
        tl_real_die("redis-server: %s", strerror(errno));
    tl_real_wait(server, "redis-server", 0);
    server = 0;
}
