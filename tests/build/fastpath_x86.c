/* fastpath_x86.c: counts the instructions of malloc and free by executing them one at a time.
 * 1 Purpose   The fast path has a bound (docs/performance.md): so many instructions, no lock
 *             prefix, no call. The disassembly cannot tell which branch is the usual one; a
 *             processor that stops after each instruction can.
 * 2 Method    A child warms the cache up and then calls malloc and free; the parent traces it,
 *             waits until it stands on the first instruction of either, and counts until it is back
 *             at the return address.
 * 3 Use       fastpath_x86 LIBRARY MALLOC_MAX FREE_MAX; LIBRARY -: the malloc that the program is
 *             linked to. Exit status 1 when a bound is broken, 2 when it could not be measured */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "step_x86.h"

enum { SIZE_MAX_FAST = 1024, WARM_BLOCKS = 64, STEPS_MAX = 100000 };

/* Calls measured one after the other; so many of them must be fast. The others may meet a slow
 * exit: an empty list, a counter. */
enum { CALLS = 8, FAST_CALLS_MIN = 5 };

struct heap {
    void *(*allocate)(size_t size);
    void (*release)(void *block);
};

/* Both ends of each 16 bytes: no class is missed. */
static size_t next_size(size_t size)
{
    return size % 16 == 0 ? size + 1 : size + 15;
}

/* The traced half: for each size a warm cache, then CALLS of malloc and CALLS of free between two
 * stops. */
static void child(const struct heap *heap)
{
    static void *warm[WARM_BLOCKS];
    void        *block[CALLS];

    if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
        _exit(2);
    for (size_t size = 1; size <= SIZE_MAX_FAST; size = next_size(size)) {
        for (int i = 0; i < WARM_BLOCKS; i++)
            warm[i] = heap->allocate(size);
        for (int i = 0; i < WARM_BLOCKS; i++)
            heap->release(warm[i]);
        __asm__ volatile("int3");
        for (int i = 0; i < CALLS; i++)
            block[i] = heap->allocate(size);
        for (int i = 0; i < CALLS; i++)
            heap->release(block[i]);
        __asm__ volatile("int3");
    }
    _exit(0);
}

/* The child stands before a call of `entry`: counts from its first instruction to its return, both
 * included. */
static bool measure(pid_t pid, uint64_t entry, struct path *path)
{
    struct user_regs_struct registers;

    *path = (struct path){ 0 };
    for (int i = 0; i < STEPS_MAX; i++) {
        if (!step(pid, &registers))
            return false;
        if (registers.rip == entry)
            break;
    }
    uint64_t back = peek(pid, registers.rsp);
    while (registers.rip != back && path->instructions < STEPS_MAX) {
        if (!count_step(pid, &registers, path))
            return false;
    }
    return true;
}

/* CALLS calls of `entry`. Returns how many of them stayed within the bound, or -1; the worst of
 * those in *fast. */
static int measure_calls(pid_t pid, uint64_t entry, unsigned bound, unsigned *fast)
{
    struct path path, least = { UINT32_MAX, 0, 0 };
    int         within = 0;

    for (int i = 0; i < CALLS; i++) {
        if (!measure(pid, entry, &path))
            return -1;
        if (path.instructions < least.instructions)
            least = path;
        if (path.instructions <= bound && path.locked == 0 && path.calls == 0) {
            within++;
            *fast = path.instructions > *fast ? path.instructions : *fast;
        }
    }
    if (within < FAST_CALLS_MIN)
        printf(
            "%d of %d calls within %u instructions; the shortest: %u, %u lock prefixes, %u calls\n",
            within, CALLS, bound, least.instructions, least.locked, least.calls);
    return within;
}

static int parent(pid_t pid, const struct heap *heap, unsigned malloc_max, unsigned free_max)
{
    unsigned sizes = 0, broken = 0, malloc_worst = 0, free_worst = 0;
    int      status;

    for (size_t size = 1; size <= SIZE_MAX_FAST; size = next_size(size), sizes++) {
        if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
            return 2;
        int fast = measure_calls(pid, (uintptr_t)heap->allocate, malloc_max, &malloc_worst);
        if (fast < FAST_CALLS_MIN)
            printf("    malloc, %zu bytes\n", size);
        broken += fast < FAST_CALLS_MIN;
        fast = measure_calls(pid, (uintptr_t)heap->release, free_max, &free_worst);
        if (fast < FAST_CALLS_MIN)
            printf("    free, %zu bytes\n", size);
        broken += fast < FAST_CALLS_MIN;
        ptrace(PTRACE_CONT, pid, 0, 0);
        if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) /* the second stop */
            return 2;
        ptrace(PTRACE_CONT, pid, 0, 0);
    }
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return 2;
    printf("%u sizes up to %d: malloc takes %u instructions (at most %u), free %u (at most %u); "
           "%u broken\n",
           sizes, SIZE_MAX_FAST, malloc_worst, malloc_max, free_worst, free_max, broken);
    return broken == 0 && sizes > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: fastpath_x86 LIBRARY MALLOC_MAX FREE_MAX\n");
        return 2;
    }
    struct heap heap = { malloc, free };
    if (strcmp(argv[1], "-") != 0) {
        void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) {
            fprintf(stderr, "%s\n", dlerror());
            return 2;
        }
        *(void **)&heap.allocate = dlsym(library, "malloc");
        *(void **)&heap.release = dlsym(library, "free");
        if (heap.allocate == NULL || heap.release == NULL)
            return 2;
    }
    pid_t pid = fork();
    if (pid < 0)
        return 2;
    if (pid == 0)
        child(&heap);
    int result = parent(pid, &heap, (unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
    if (result == 2)
        fprintf(stderr, "could not trace the child: is ptrace allowed here?\n");
    return result;
}
