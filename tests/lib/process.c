#include "lib/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/rng.h"

/* What runs programs of this CPU here, words between spaces; empty: the machine itself. */
#ifndef TALUS_EMULATOR
#define TALUS_EMULATOR ""
#endif

#define WORDS_MAX 32

size_t process_resident(void)
{
    char          text[128] = { 0 };
    unsigned long total = 0;
    unsigned long resident = 0;
    int           fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    if (read(fd, text, sizeof text - 1) <= 0 || sscanf(text, "%lu %lu", &total, &resident) != 2)
        resident = 0;
    close(fd);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

bool process_limit_address_space(size_t bytes)
{
    struct rlimit limit = { bytes, bytes };

    return setrlimit(RLIMIT_AS, &limit) == 0 && getrlimit(RLIMIT_AS, &limit) == 0 &&
           limit.rlim_cur == bytes;
}

uint64_t process_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool process_wait_until(bool (*done)(void *context), void *context, uint64_t timeout_ms)
{
    uint64_t              start = process_now_ms();
    const struct timespec pause = { 0, 5 * 1000 * 1000 };

    while (!done(context)) {
        if (process_now_ms() - start >= timeout_ms)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

static void read_to_end(int fd, char *output, size_t size)
{
    size_t used = 0;
    char   rest[256];

    for (;;) {
        bool    keep = used + 1 < size;
        ssize_t got = keep ? read(fd, output + used, size - 1 - used) : read(fd, rest, sizeof rest);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        if (keep)
            used += (size_t)got;
    }
    output[used] = '\0';
}

struct process_result process_await(struct process process)
{
    struct process_result result = { .exit_code = -1 };
    int                   status = 0;

    read_to_end(process.output, result.output, sizeof result.output);
    close(process.output);
    while (waitpid(process.child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status))
        result.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status))
        result.signal = WTERMSIG(status);
    return result;
}

/* Forks; in the child standard error is the pipe's writing end, and `child` is 0. The reading end
 * is no program's that is started meanwhile. */
static struct process fork_with_pipe(void)
{
    int   ends[2];
    pid_t child;

    fflush(NULL);
    if (pipe(ends) != 0 || fcntl(ends[0], F_SETFD, FD_CLOEXEC) != 0)
        abort();
    child = fork();
    if (child < 0)
        abort();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
    }
    close(ends[1]);
    return (struct process){ child, ends[0] };
}

struct process_result process_run_child(int (*body)(void *context), void *context)
{
    struct process process = fork_with_pipe();

    if (process.child == 0)
        _exit(body(context));
    return process_await(process);
}

void process_become(char *const argv[])
{
    char   emulator[] = TALUS_EMULATOR;
    char  *words[WORDS_MAX + 1];
    size_t count = 0;

    for (char *word = strtok(emulator, " "); word != NULL; word = strtok(NULL, " "))
        words[count++] = word;
    while (*argv != NULL && count < WORDS_MAX)
        words[count++] = *argv++;
    words[count] = NULL;
    execvp(words[0], words);
}

struct process process_start_program(char *const argv[], const char *options)
{
    struct process process = fork_with_pipe();

    if (process.child == 0) {
        if (options != NULL)
            setenv("TALUS_OPTIONS", options, 1);
        else
            unsetenv("TALUS_OPTIONS");
        process_become(argv);
        _exit(127);
    }
    return process;
}

struct process_result process_run_program(char *const argv[], const char *options)
{
    return process_await(process_start_program(argv, options));
}

uint64_t test_seed(void)
{
    static uint64_t seed;
    static bool     known;

    if (!known) {
        const char     *text = getenv("TALUS_TEST_SEED");
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        seed = text != NULL ? strtoull(text, NULL, 0)
                            : (uint64_t)now.tv_sec * 1000003 ^ (uint64_t)now.tv_nsec;
        known = true;
        printf("seed %llu (repeat with TALUS_TEST_SEED=%llu)\n", (unsigned long long)seed,
               (unsigned long long)seed);
        fflush(stdout);
    }
    return seed;
}
