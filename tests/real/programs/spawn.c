/* spawn.c: vfork, posix_spawn, system and popen from a process whose threads are busy in malloc. */
#include "check.h"

#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/wait.h>

extern char **environ;

static atomic_bool stop;

static void *churn(void *seed)
{
    uint32_t random = (uint32_t)(uintptr_t)seed;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        char *block = malloc(1 + next_random(&random) % 5000);
        CHECK(block != NULL);
        block[0] = 1;
        free(opaque(block));
    }
    return NULL;
}

static void spawned(void)
{
    char *const arguments[] = { "/bin/sh", "-c", "x=$(echo abc); test $x = abc", NULL };
    pid_t       pid;
    int         status;
    CHECK(posix_spawn(&pid, "/bin/sh", NULL, NULL, arguments, environ) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void vforked(void)
{
    int   status;
    pid_t pid = vfork();
    CHECK(pid >= 0);
    if (pid == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(127);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void piped(void)
{
    FILE *pipe = popen("echo from the child", "r");
    CHECK(pipe != NULL);
    char  *line = NULL;
    size_t room = 0;
    CHECK(getline(&line, &room, pipe) > 0 && strcmp(line, "from the child\n") == 0);
    CHECK(pclose(pipe) == 0);
    free(line);
}

int main(void)
{
    check_talus_in_force();
    alarm(60);
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)) == 0);
    for (int round = 0; round < 20; round++) {
        spawned();
        vforked();
        piped();
        CHECK(system("exit 3") == 3 << 8);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    return 0;
}
