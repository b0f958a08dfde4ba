/* pathlen_load.c: talus-pathlen-load makes the calls whose instructions `talus pathlen` counts.
 *     talus-pathlen-load --list             scenario, and the names of its kinds of call
 *     talus-pathlen-load SCENARIO CALLS     to be run under the tracer only
 * 1 Purpose     Each measured call goes through tl_measured_call, which stops at an int3 right
 *               before its call instruction; r8 says which kind of call it is. Everything else,
 *               warming up and the other thread's part, runs at full speed.
 * 2 Contexts    thread; the main thread makes every measured call, a helper thread plays the other
 *               side of remote frees.
 * 3 Ordering    the semaphores order what the two threads do */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__x86_64__)

#define WARM_UP 5000u
#define SET     500u /* blocks that cross between the threads at once */
#define BATCH   10u
#define ROOM    (32u << 20) /* bytes that a process may still have before it has no memory left */

/* Calls function(a, b) and returns what it returns; the tracer counts the instructions of the
 * callee under `kind`. */
void *tl_measured_call(void *function, uintptr_t a, uintptr_t b, uintptr_t unused, uintptr_t kind);
__asm__(".text\n"
        ".type tl_measured_call, @function\n"
        "tl_measured_call:\n"
        "    subq $8, %rsp\n"
        "    movq %rdi, %rax\n"
        "    movq %rsi, %rdi\n"
        "    movq %rdx, %rsi\n"
        "    int3\n"
        "    call *%rax\n"
        "    addq $8, %rsp\n"
        "    ret\n"
        ".size tl_measured_call, . - tl_measured_call\n");

static struct {
    void *malloc, *free, *calloc, *realloc, *aligned_alloc;
} calls; /* the functions themselves, past any linkage table */

static void *count_1(unsigned kind, void *function, uintptr_t a)
{
    return tl_measured_call(function, a, 0, 0, kind);
}

static void *count_2(unsigned kind, void *function, uintptr_t a, uintptr_t b)
{
    return tl_measured_call(function, a, b, 0, kind);
}

static void warm_up(size_t size)
{
    static void *blocks[WARM_UP];
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < WARM_UP; i++)
            blocks[i] = malloc(size);
        for (unsigned i = 0; i < WARM_UP; i++)
            free(blocks[i]);
    }
}

/* `batch` allocations, then as many frees: all measured. */
static void pairs(unsigned count, size_t size, unsigned batch)
{
    void *blocks[BATCH];
    if (size <= 1024)
        warm_up(size);
    for (unsigned i = 0; i < BATCH; i++)
        free(malloc(size));
    for (unsigned done = 0; done < count; done += batch) {
        for (unsigned i = 0; i < batch; i++)
            blocks[i] = count_1(0, calls.malloc, size);
        for (unsigned i = 0; i < batch; i++)
            count_1(1, calls.free, (uintptr_t)blocks[i]);
    }
}

static void small_pairs(unsigned count, uintptr_t size)
{
    pairs(count, size, BATCH);
}

static void large_pairs(unsigned count, uintptr_t size)
{
    pairs(count, size, 1);
}

/* Nothing is freed. Four times as many calls: what is rare here, a new page or run, shows in the
 * mean. */
static void growing(unsigned count, uintptr_t size)
{
    for (unsigned i = 0; i < BATCH; i++)
        free(malloc(size));
    for (unsigned i = 0; i < 4 * count; i++)
        count_1(0, calls.malloc, size);
}

/* --- two threads ------------------------------------------------------------------------------ */

static struct {
    sem_t  go, done;
    void  *blocks[SET];
    size_t size;
    void (*part)(void);
} other;

static void other_allocates(void)
{
    for (unsigned i = 0; i < SET; i++)
        other.blocks[i] = malloc(other.size);
}

static void other_frees(void)
{
    for (unsigned i = 0; i < SET; i++)
        free(other.blocks[i]);
}

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        continue; /* EINTR */
}

static void *other_main(void *argument)
{
    for (;;) {
        wait_for(&other.go);
        other.part();
        sem_post(&other.done);
    }
    return argument;
}

static void start_other(size_t size, void (*part)(void))
{
    pthread_t thread;
    other.size = size;
    other.part = part;
    sem_init(&other.go, 0, 0);
    sem_init(&other.done, 0, 0);
    if (pthread_create(&thread, NULL, other_main, NULL) != 0)
        exit(5);
}

static void run_other(void)
{
    sem_post(&other.go);
    wait_for(&other.done);
}

/* The other thread allocates, this one frees and allocates nothing. The first rounds warm up. */
static void remote_free(unsigned count, uintptr_t size)
{
    start_other(size, other_allocates);
    for (unsigned round = 0; round < 10; round++) {
        run_other();
        for (unsigned i = 0; i < SET; i++)
            free(other.blocks[i]);
    }
    for (unsigned done = 0; done < count; done += SET) {
        run_other();
        for (unsigned i = 0; i < SET; i++)
            count_1(0, calls.free, (uintptr_t)other.blocks[i]);
    }
}

/* This thread allocates, the other frees; then this one allocates again, measured. */
static void after_remote(unsigned count, uintptr_t size)
{
    start_other(size, other_frees);
    for (unsigned i = 0; i < SET; i++)
        other.blocks[i] = malloc(size);
    for (unsigned round = 0; round < 10; round++) {
        run_other();
        for (unsigned i = 0; i < SET; i++)
            other.blocks[i] = malloc(size);
    }
    for (unsigned done = 0; done < count; done += SET) {
        run_other();
        for (unsigned i = 0; i < SET; i++)
            other.blocks[i] = count_1(0, calls.malloc, size);
    }
}

static void *swapped[SET]; /* this thread's blocks, which the other frees as it allocates its own */

static void other_swaps(void)
{
    for (unsigned i = 0; i < SET; i++) {
        void *block = malloc(other.size);
        free(swapped[i]);
        other.blocks[i] = block;
    }
}

/* Each thread frees the other's blocks and allocates as many of its own. */
static void swapping(unsigned count, uintptr_t size)
{
    start_other(size, other_swaps);
    for (unsigned done = 0; done < 10 * SET + count; done += SET) {
        run_other();
        for (unsigned i = 0; i < SET; i++) {
            if (done < 10 * SET) {
                swapped[i] = malloc(size);
                free(other.blocks[i]);
            } else {
                swapped[i] = count_1(0, calls.malloc, size);
                count_1(1, calls.free, (uintptr_t)other.blocks[i]);
            }
        }
    }
}

/* --- the other calls -------------------------------------------------------------------------- */

static void call_calloc(unsigned count, uintptr_t size)
{
    warm_up(size);
    for (unsigned i = 0; i < count; i++)
        free(count_2(0, calls.calloc, 1, size));
}

static void call_aligned(unsigned count, uintptr_t align)
{
    for (unsigned i = 0; i < WARM_UP; i++)
        free(aligned_alloc(align, align));
    for (unsigned i = 0; i < count; i++)
        free(count_2(0, calls.aligned_alloc, align, align));
}

/* A few bytes more, a few bytes less: the block may stay where it is. */
static void call_realloc(unsigned count, uintptr_t size)
{
    warm_up(size);
    void *block = malloc(size);
    for (unsigned i = 0; i < count; i++)
        block = count_2(0, calls.realloc, (uintptr_t)block, i % 2 == 0 ? size + 4 : size);
    free(block);
}

static void call_too_large(unsigned count, uintptr_t size)
{
    for (unsigned i = 0; i < count; i++) {
        if (count_1(0, calls.malloc, size) != NULL)
            exit(5);
    }
}

/* First everything is taken that the process may have; then each call asks in vain. */
static void call_no_memory(unsigned count, uintptr_t size)
{
    char  text[64] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL || fgets(text, sizeof text, file) == NULL)
        exit(5);
    fclose(file);
    struct rlimit limit = { 0, RLIM_INFINITY };
    limit.rlim_cur = strtoul(text, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE) + ROOM;
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        exit(5);
    while (malloc(size) != NULL)
        continue;
    for (unsigned i = 0; i < count; i++) {
        if (count_1(0, calls.malloc, size) != NULL)
            exit(5);
    }
}

static const struct scenario {
    const char *name;
    void (*run)(unsigned count, uintptr_t parameter);
    uintptr_t   parameter;
    const char *kinds[2];
} scenarios[] = {
    { "small-16", small_pairs, 16, { "malloc 16", "free 16" } },
    { "small-32", small_pairs, 32, { "malloc 32", "free 32" } },
    { "small-64", small_pairs, 64, { "malloc 64", "free 64" } },
    { "small-128", small_pairs, 128, { "malloc 128", "free 128" } },
    { "small-256", small_pairs, 256, { "malloc 256", "free 256" } },
    { "small-512", small_pairs, 512, { "malloc 512", "free 512" } },
    { "small-1024", small_pairs, 1024, { "malloc 1024", "free 1024" } },
    { "growing", growing, 32, { "malloc 32, heap growing", NULL } },
    { "remote", remote_free, 32, { "free 32, remote", NULL } },
    { "after-remote", after_remote, 32, { "malloc 32 after remote frees", NULL } },
    { "swapping", swapping, 32, { "malloc 32, swapping", "free 32, swapping" } },
    { "pair-8k", large_pairs, 8192, { "malloc 8 KiB", "free 8 KiB" } },
    { "pair-64k", large_pairs, 65536, { "malloc 64 KiB", "free 64 KiB" } },
    { "pair-256k", large_pairs, 262144, { "malloc 256 KiB", "free 256 KiB" } },
    { "pair-1m", large_pairs, 1048576, { "malloc 1 MiB", "free 1 MiB" } },
    { "calloc", call_calloc, 32, { "calloc 32", NULL } },
    { "aligned", call_aligned, 64, { "aligned_alloc 64", NULL } },
    { "realloc", call_realloc, 100, { "realloc in class", NULL } },
    { "too-large", call_too_large, PTRDIFF_MAX, { "malloc that must fail", NULL } },
    { "no-memory", call_no_memory, 32, { "malloc 32, no memory left", NULL } },
};
#define SCENARIOS (sizeof scenarios / sizeof scenarios[0])

static void list(void)
{
    for (size_t i = 0; i < SCENARIOS; i++) {
        const struct scenario *one = &scenarios[i];
        printf("%s\t%s\t%s\n", one->name, one->kinds[0],
               one->kinds[1] != NULL ? one->kinds[1] : "-");
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        list();
        return 0;
    }
    calls.malloc = dlsym(RTLD_DEFAULT, "malloc");
    calls.free = dlsym(RTLD_DEFAULT, "free");
    calls.calloc = dlsym(RTLD_DEFAULT, "calloc");
    calls.realloc = dlsym(RTLD_DEFAULT, "realloc");
    calls.aligned_alloc = dlsym(RTLD_DEFAULT, "aligned_alloc");
    for (size_t i = 0; argc == 3 && i < SCENARIOS; i++) {
        if (strcmp(scenarios[i].name, argv[1]) == 0) {
            scenarios[i].run((unsigned)strtoul(argv[2], NULL, 10), scenarios[i].parameter);
            _Exit(0); /* the helper thread waits for more */
        }
    }
    fputs("usage: talus-pathlen-load --list | SCENARIO CALLS (under `talus pathlen`)\n", stderr);
    return 2;
}

#else

int main(void)
{
    fputs("talus-pathlen-load: knows x86-64 only\n", stderr);
    return 2;
}

#endif
