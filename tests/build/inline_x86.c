/* inline_x86.c: counts the instructions of talus/inline.h's malloc and free where they are inlined.
 * 1 Method    There is no call and no return to count between. The child stands still at an int3
 *             before and at one after each; what goes in and out is in registers at both. The
 *             parent executes what lies between one instruction at a time.
 * 2 Use       inline_x86 MALLOC_MAX CONSTANT_MAX FREE_MAX; exit status 1 when a bound is broken, 2
 *             when it could not be measured */
#include <stdio.h>
#include <stdlib.h>
#include <talus/inline.h>
#include <unistd.h>

#include "step_x86.h"

enum { SIZE_MAX_FAST = 1024, CONSTANT = 200, WARM_BLOCKS = 64, INT3 = 0xcc, STEPS_MAX = 100000 };

/* Calls of each kind, one after the other; so many of them must be fast. The others may meet a slow
 * exit: an empty list, a counter. */
enum { CALLS = 8, FAST_CALLS_MIN = 5 };

enum kind { MALLOC, MALLOC_CONSTANT, FREE, KINDS };
static const char *const kind_names[KINDS] = { "malloc", "malloc of a constant", "free" };

/* The kind is in %eax at the first stop, for the parent. */
#define BEGIN(kind, input) \
    __asm__ volatile("int3" : [in] "+r"(input) : "a"((unsigned)(kind)) : "memory")
#define END(output) __asm__ volatile("int3" : : [out] "r"(output) : "memory")

/* The traced half: for each size a warm cache, then CALLS of each kind. */
static void child(void)
{
    static void *warm[WARM_BLOCKS];
    void        *block[CALLS], *constant[CALLS];

    if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
        _exit(2);
    for (size_t size = 1; size <= SIZE_MAX_FAST; size += size % 16 == 0 ? 1 : 15) {
        for (int i = 0; i < WARM_BLOCKS; i++)
            warm[i] = talus_malloc(i % 2 == 0 ? size : CONSTANT);
        for (int i = 0; i < WARM_BLOCKS; i++)
            talus_free(warm[i]);
        for (int i = 0; i < CALLS; i++) {
            size_t asked = size;
            BEGIN(MALLOC, asked);
            void *got = talus_malloc_inline(asked);
            END(got);
            block[i] = got;
        }
        for (int i = 0; i < CALLS; i++) {
            size_t none = 0;
            BEGIN(MALLOC_CONSTANT, none);
            void *got = talus_malloc_inline(CONSTANT);
            END(got);
            constant[i] = got;
        }
        for (int i = 0; i < CALLS; i++) {
            void *given = block[i];
            BEGIN(FREE, given);
            talus_free_inline(given);
            END(given);
            talus_free(constant[i]);
        }
    }
    _exit(0);
}

/* Runs the child until it stands behind an int3. False when it is gone. */
static bool next_stop(pid_t pid, int *status, struct user_regs_struct *registers)
{
    if (waitpid(pid, status, 0) != pid || !WIFSTOPPED(*status))
        return false;
    return ptrace(PTRACE_GETREGS, pid, 0, registers) == 0;
}

static int parent(pid_t pid, const unsigned *bounds)
{
    unsigned within[KINDS] = { 0 }, counted[KINDS] = { 0 }, worst[KINDS] = { 0 }, broken = 0;
    int      status;

    for (;;) {
        struct user_regs_struct registers;
        struct path             path = { 0 };
        if (!next_stop(pid, &status, &registers))
            break;
        unsigned kind = (unsigned)registers.rax;
        if (kind >= KINDS)
            return 2;
        while ((uint8_t)peek(pid, registers.rip) != INT3 && path.instructions < STEPS_MAX)
            if (!count_step(pid, &registers, &path))
                return 2;
        if (path.instructions <= bounds[kind] && path.locked == 0 && path.calls == 0) {
            within[kind]++;
            worst[kind] = path.instructions > worst[kind] ? path.instructions : worst[kind];
        }
        if (++counted[kind] % CALLS == 0) {
            if (within[kind] < FAST_CALLS_MIN)
                printf("%s: %u of %d calls within %u instructions; the last: %u\n",
                       kind_names[kind], within[kind], CALLS, bounds[kind], path.instructions);
            broken += within[kind] < FAST_CALLS_MIN;
            within[kind] = 0;
        }
        ptrace(PTRACE_CONT, pid, 0, 0);
        if (!next_stop(pid, &status, &registers)) /* the second int3 */
            return 2;
        ptrace(PTRACE_CONT, pid, 0, 0);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || counted[FREE] == 0)
        return 2;
    for (unsigned kind = 0; kind < KINDS; kind++)
        printf("%s takes %u instructions (at most %u); ", kind_names[kind], worst[kind],
               bounds[kind]);
    printf("%u sizes up to %d; %u broken\n", counted[MALLOC] / CALLS, SIZE_MAX_FAST, broken);
    return broken == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    unsigned bounds[KINDS];

    if (argc != 1 + KINDS) {
        fprintf(stderr, "usage: inline_x86 MALLOC_MAX CONSTANT_MAX FREE_MAX\n");
        return 2;
    }
    for (int kind = 0; kind < KINDS; kind++)
        bounds[kind] = (unsigned)atoi(argv[1 + kind]);
    pid_t pid = fork();
    if (pid < 0)
        return 2;
    if (pid == 0)
        child();
    int result = parent(pid, bounds);
    if (result == 2)
        fprintf(stderr, "could not trace the child: is ptrace allowed here?\n");
    return result;
}
