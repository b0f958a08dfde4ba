/* sample.c: a program to record, whose calls are known: `talus_record_sample N THREADS`.
 * Each thread takes N blocks each by malloc, calloc and posix_memalign, makes those of the first
 * kind larger by realloc, and frees the others. Those of the first kind are freed by another
 * thread, every other one after a realloc. Then a child process does some more, which is not to be
 * seen, and ten threads are started and joined one after the other, each with one block. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MAX 16u
#define COUNT_MAX   100000u

static unsigned         count, thread_count;
static _Atomic(void *) *hand_over; /* [thread][count]: mapped, so that it is not counted */

static void *work(void *argument)
{
    size_t           own = (size_t)(uintptr_t)argument;
    _Atomic(void *) *mine = hand_over + own * count;
    _Atomic(void *) *others = hand_over + (own + 1) % thread_count * count;
    for (size_t i = 0; i < count; i++) {
        void *aligned = NULL;
        char *grown = malloc(16 + i % 500);
        void *zero = calloc(3, 8 + i % 100);
        if (posix_memalign(&aligned, 64, 100) != 0 || grown == NULL || zero == NULL)
            _exit(1);
        grown = realloc(grown, 600 + i % 3000);
        free(zero);
        free(aligned);
        atomic_store(&mine[i], grown);
    }
    for (size_t i = 0; i < count; i++) {
        while (atomic_load(&others[i]) == NULL)
            usleep(100);
        char *block = atomic_load(&others[i]);
        if (i % 2 == 0)
            block = realloc(block, 10);
        free(block);
    }
    return NULL;
}

static void *one_block(void *unused)
{
    (void)unused;
    free(malloc(5));
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS_MAX];
    count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    thread_count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    if (count > COUNT_MAX || thread_count < 1 || thread_count > THREADS_MAX)
        return 2;
    hand_over = mmap(NULL, ((size_t)count * thread_count + 1) * sizeof *hand_over,
                     PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (hand_over == MAP_FAILED)
        return 1;
    for (size_t i = 0; i < thread_count; i++)
        pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)i);
    for (size_t i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    pid_t child = fork();
    if (child == 0) {
        for (size_t i = 0; i < 100; i++)
            one_block(NULL);
        _exit(0);
    }
    if (child < 0 || waitpid(child, NULL, 0) != child)
        return 1;
    for (size_t i = 0; i < 10; i++) {
        pthread_create(&threads[0], NULL, one_block, NULL);
        pthread_join(threads[0], NULL);
    }
    return 7; /* the exit status comes through */
}
