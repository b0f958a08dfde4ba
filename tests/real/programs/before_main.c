/* before_main.c: malloc before main (preinit array, constructors, a thread started by one) and
 * after exit began (atexit handlers, destructors, stream buffers); blocks of each phase are freed
 * in a later one. D13. */
#include "check.h"

#include <pthread.h>
#include <sys/wait.h>

static char *from_preinit, *from_constructor, *from_thread, *from_main, *from_atexit;

static char *made(const char *text)
{
    char *block = malloc(200);
    CHECK(block != NULL && is_talus_block(block));
    strcpy(block, text);
    return block;
}

static void check_and_free(char *block, const char *text)
{
    CHECK(block != NULL && strcmp(block, text) == 0);
    free(block);
}

static void *thread_body(void *unused)
{
    (void)unused;
    from_thread = made("thread");
    return NULL;
}

static void preinit(void)
{
    from_preinit = made("preinit");
}

/* Runs before the constructors of every library. */
__attribute__((section(".preinit_array"), used)) static void (*preinit_entry)(void) = preinit;

__attribute__((constructor(101))) static void construct(void)
{
    check_and_free(from_preinit, "preinit");
    from_constructor = made("constructor");
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, thread_body, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

static int reached_end[2]; /* pipe: the last destructor says that it ran */

/* Among the last code of the program that runs. */
__attribute__((destructor(101))) static void destruct(void)
{
    check_and_free(from_atexit, "atexit");
    check_and_free(from_main, "main");
    for (int i = 0; i < 10000; i++)
        free(made("after exit"));
    CHECK(write(reached_end[1], "!", 1) == 1);
}

static void at_exit(void)
{
    check_and_free(from_constructor, "constructor");
    from_atexit = made("atexit");
    printf("this stream got its buffer after exit began\n");
}

/* The child is the program proper: it leaves by exit. */
int main(void)
{
    CHECK(pipe(reached_end) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        check_talus_in_force();
        check_and_free(from_thread, "thread");
        from_main = made("main");
        CHECK(atexit(at_exit) == 0);
        return 0;
    }
    int  status;
    char said = 0;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(read(reached_end[0], &said, 1) == 1 && said == '!');
    _exit(0);
}
