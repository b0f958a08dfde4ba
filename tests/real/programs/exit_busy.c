/* exit_busy.c: a process ends, by exit, quick_exit or _exit, while its threads are in the midst of
 * malloc; nothing hangs, nothing crashes, exit handlers may still allocate. D13. */
#include "check.h"

#include <pthread.h>
#include <sys/wait.h>

static void *churn(void *seed)
{
    uint32_t random = (uint32_t)(uintptr_t)seed;
    void    *blocks[32] = { NULL };
    for (;;) {
        void **one = &blocks[next_random(&random) % 32];
        free(*one);
        *one = malloc(1 + next_random(&random) % (next_random(&random) % 32 == 0 ? 200000 : 1000));
        CHECK(*one != NULL);
        *(char *)*one = 1;
    }
    return NULL;
}

static void at_exit(void)
{
    for (int i = 0; i < 1000; i++) {
        char *block = malloc((size_t)i * 7 + 1);
        CHECK(block != NULL);
        block[0] = 1;
        free(opaque(block));
    }
}

static void *leave(void *unused)
{
    (void)unused;
    exit(0);
}

static void process(int number)
{
    alarm(20);
    CHECK(atexit(at_exit) == 0);
    CHECK(at_quick_exit(at_exit) == 0);
    pthread_t thread;
    for (uintptr_t i = 0; i < 4; i++)
        CHECK(pthread_create(&thread, NULL, churn, (void *)(i + 1)) == 0);
    usleep((useconds_t)(number * 37 % 2000));
    switch (number % 4) {
    case 0:
        exit(0);
    case 1:
        quick_exit(0);
    case 2: /* exit from another thread than the first, which goes on */
        CHECK(pthread_create(&thread, NULL, leave, NULL) == 0);
        churn((void *)9);
        break;
    default:
        _exit(0);
    }
}

int main(void)
{
    check_talus_in_force();
    for (int number = 0; number < 120; number++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0)
            process(number);
        int status;
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(status == 0);
    }
    return 0;
}
