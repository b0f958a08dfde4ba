/* step_x86.h: executing a traced child one instruction at a time. */
#ifndef TALUS_TESTS_STEP_X86_H
#define TALUS_TESTS_STEP_X86_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

struct path {
    unsigned instructions;
    unsigned locked;
    unsigned calls;
};

static inline uint64_t peek(pid_t pid, uint64_t address)
{
    return (uint64_t)ptrace(PTRACE_PEEKDATA, pid, (void *)address, 0);
}

/* One instruction onwards. False when the child is gone. */
static inline bool step(pid_t pid, struct user_regs_struct *registers)
{
    int status;

    if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0) != 0 || waitpid(pid, &status, 0) != pid)
        return false;
    return WIFSTOPPED(status) && ptrace(PTRACE_GETREGS, pid, 0, registers) == 0;
}

/* Adds the instruction that the child stands before, and executes it. */
static inline bool count_step(pid_t pid, struct user_regs_struct *registers, struct path *path)
{
    uint64_t code = peek(pid, registers->rip);
    uint8_t  first = (uint8_t)code;
    uint8_t  second = (uint8_t)(code >> 8);

    path->instructions++;
    path->locked += first == 0xf0;
    path->calls += first == 0xe8 || (first == 0xff && (second >> 3 & 7) == 2);
    return step(pid, registers);
}

#endif
