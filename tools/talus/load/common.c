/* common.c: time, memory and threads of the harness; see load.h. */
#define _GNU_SOURCE
#include "tools/talus/load/load.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

void tl_load_die(int status, const char *what)
{
    char line[160] = "";
    strncat(line, program_invocation_short_name, 40);
    strcat(line, ": ");
    strncat(line, what, 100);
    strcat(line, "\n");
    ssize_t written = write(2, line, strlen(line));
    (void)written;
    _exit(status);
}

uint64_t tl_load_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void *tl_load_map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        tl_load_die(5, "no memory for the harness");
    return memory;
}

void tl_load_unmap(void *memory, size_t bytes)
{
    munmap(memory, bytes);
}

uint64_t tl_load_proc_kib(const char *path, const char *key)
{
    static char text[8192];
    int         file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    size_t  length = 0;
    ssize_t got;
    while (length < sizeof text - 1 &&
           (got = read(file, text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    close(file);
    text[length] = '\0';
    const char *line = strstr(text, key);
    return line != NULL ? strtoull(line + strlen(key), NULL, 10) : 0;
}

uint64_t tl_load_cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

const char *tl_load_malloc_object(void)
{
    Dl_info info;
    void   *symbol = dlsym(RTLD_DEFAULT, "malloc");
    return symbol != NULL && dladdr(symbol, &info) != 0 && info.dli_fname != NULL ? info.dli_fname
                                                                                  : "?";
}

static pthread_barrier_t start_line;

void tl_load_start_line(void)
{
    pthread_barrier_wait(&start_line);
}

uint64_t tl_load_threads(unsigned count, void *(*main_function)(void *), void *arguments,
                         size_t argument_bytes)
{
    pthread_t threads[TL_LOAD_THREADS_MAX];
    if (count > TL_LOAD_THREADS_MAX)
        tl_load_die(5, "too many threads");
    pthread_barrier_init(&start_line, NULL, count + 1);
    for (unsigned i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, main_function,
                           (char *)arguments + i * argument_bytes) != 0)
            tl_load_die(5, "cannot start a thread");
    }
    uint64_t start = tl_load_now();
    pthread_barrier_wait(&start_line);
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    uint64_t end = tl_load_now();
    pthread_barrier_destroy(&start_line);
    return end - start;
}
