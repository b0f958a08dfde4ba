/* reserve_x86.c: counts the instructions of the calls that interrupt handlers make, by executing
 * them one at a time (R31, R51).
 * 1 Purpose   Each is bounded by the number of slots (docs/design.md, "Memory for interrupts"): so
 *             many instructions, and so many more for each slot that it passes by.
 * 2 Method    A child with a reserve of SLOTS takes them all: the nth take passes by n - 1 empty
 *             slots, since one thread's search always starts at the same place. Then it misses, and
 *             puts them back in the same way. The parent traces it and counts each call, those that
 *             go below the mark included. Nothing else runs, so nothing is tried again.
 * 3 Use       reserve_x86 TAKE PUT FREE SLOT MISS. Exit status 1 when a bound is broken, 2 when it
 *             could not be measured */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <talus/reserve.h>

#include "step_x86.h"

enum { SLOTS = 64, MARK = 16, MISSES = 2, FREES = 16, STEPS_MAX = 1000000, SMALL = 100 };

static void child(void)
{
    talus_reserve *reserve =
        talus_reserve_create(talus_heap_default(), SMALL, 0, SLOTS, MARK, NULL, NULL);
    void *blocks[SLOTS], *others[FREES];

    for (int i = 0; i < FREES; i++)
        others[i] = talus_malloc(i % 2 == 0 ? (size_t)SMALL << i / 2 : (size_t)100000 * (size_t)i);
    if (reserve == NULL || ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
        _exit(2);
    __asm__ volatile("int3");
    for (int i = 0; i < SLOTS; i++)
        blocks[i] = talus_reserve_take(reserve);
    for (int i = 0; i < MISSES; i++)
        if (talus_reserve_take(reserve) != NULL)
            _exit(3);
    for (int i = 0; i < SLOTS; i++)
        talus_reserve_put(reserve, blocks[i]);
    for (int i = 0; i < FREES; i++)
        talus_free_from_interrupt(others[i]);
    __asm__ volatile("int3");
    _exit(0);
}

static bool measure(pid_t pid, uint64_t entry, struct path *path)
{
    struct user_regs_struct registers = { 0 };

    *path = (struct path){ 0 };
    for (int i = 0; i < STEPS_MAX && registers.rip != entry; i++)
        if (!step(pid, &registers))
            return false;
    uint64_t back = peek(pid, registers.rsp);
    while (registers.rip != back && path->instructions < STEPS_MAX)
        if (!count_step(pid, &registers, path))
            return false;
    return true;
}

/* `calls` calls of `entry`, of which the nth may take `base` + n * `slot` instructions. Adds those
 * that took more to *broken. */
static bool measure_calls(pid_t pid, const char *what, uint64_t entry, unsigned calls,
                          unsigned base, unsigned slot, unsigned *broken)
{
    struct path path;
    unsigned    most = 0, first = 0, last = 0, over = 0;

    for (unsigned n = 0; n < calls; n++) {
        if (!measure(pid, entry, &path))
            return false;
        first = n == 0 ? path.instructions : first;
        last = path.instructions;
        most = last > most ? last : most;
        over += last > base + n * slot;
    }
    printf("%-5s %2u calls: %u instructions at first, %u at last, %u at most; the nth at most %u + "
           "%u n: %u over\n",
           what, calls, first, last, most, base, slot, over);
    *broken += over;
    return true;
}

static int parent(pid_t pid, const unsigned *most)
{
    uint64_t take = (uintptr_t)talus_reserve_take, put = (uintptr_t)talus_reserve_put;
    uint64_t release = (uintptr_t)talus_free_from_interrupt;
    unsigned slot = most[3], broken = 0;
    int      status;

    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
        !measure_calls(pid, "take", take, SLOTS, most[0], slot, &broken) ||
        !measure_calls(pid, "miss", take, MISSES, most[4] + SLOTS * slot, 0, &broken) ||
        !measure_calls(pid, "put", put, SLOTS, most[1], slot, &broken) ||
        !measure_calls(pid, "free", release, FREES, most[2], 0, &broken))
        return 2;
    ptrace(PTRACE_CONT, pid, 0, 0);
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) /* the second stop */
        return 2;
    ptrace(PTRACE_CONT, pid, 0, 0);
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return 2;
    printf("a reserve of %d slots: %u broken\n", SLOTS, broken);
    return broken == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    unsigned most[5];

    if (argc != 6) {
        fprintf(stderr, "usage: reserve_x86 TAKE PUT FREE SLOT MISS\n");
        return 2;
    }
    for (int i = 0; i < 5; i++)
        most[i] = (unsigned)atoi(argv[i + 1]);
    pid_t pid = fork();
    if (pid < 0)
        return 2;
    if (pid == 0)
        child();
    int result = parent(pid, most);
    if (result == 2)
        fprintf(stderr, "could not trace the child: is ptrace allowed here?\n");
    return result;
}
