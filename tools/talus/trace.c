/* trace.c: single-steps another process through chosen calls; see trace.h.
 * 1 Purpose     Exact instruction counts without hardware counters. The load stops at an int3; the
 *               next instruction is the call, r8 its kind. From the callee's first instruction on
 *               each step counts one, until the return address is reached with the stack as it was.
 *               Between calls the load runs freely, and so do its other threads always.
 * 2 What counts A string instruction with a repeat prefix traps once per element and counts once.
 *               The instructions of the kernel do not count; its calls are counted apart.
 *               "Locked" is a lock prefix, or xchg with memory. */
#define _GNU_SOURCE
#include "tools/talus/trace.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)

#include <sched.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

struct instruction {
    bool locked, repeated, system_call;
};

/* Looks at the prefixes and the opcode. `bytes` holds the first eight, the lowest first. */
static struct instruction decode(uint64_t bytes)
{
    struct instruction found = { false, false, false };
    for (unsigned i = 0; i < 7; i++, bytes >>= 8) {
        uint8_t byte = bytes & 0xff, next = (bytes >> 8) & 0xff;
        if (byte == 0xf0)
            found.locked = true;
        else if (byte == 0xf2 || byte == 0xf3)
            found.repeated = true;
        else if (byte == 0x86 || byte == 0x87) {
            found.locked |= next < 0xc0; /* xchg with memory locks by itself */
            break;
        } else if (byte == 0x0f) {
            found.system_call = next == 0x05;
            break;
        } else if (byte != 0x66 && byte != 0x64 && byte != 0x65 && byte != 0x2e && byte != 0x3e &&
                   (byte & 0xf0) != 0x40)
            break;
    }
    return found;
}

/* Waits for the child's next stop. Returns the signal it stopped for, or 0 when it is gone
 * (`*status` says how). */
static int wait_stop(pid_t child, int *status)
{
    while (waitpid(child, status, 0) < 0) {
        if (errno != EINTR)
            return 0;
    }
    return WIFSTOPPED(*status) ? WSTOPSIG(*status) : 0;
}

/* One instruction; other signals are passed on. Returns false when the child is gone. */
static bool step(pid_t child, struct user_regs_struct *registers, int *status)
{
    int signal = 0;
    do {
        if (ptrace(PTRACE_SINGLESTEP, child, NULL, (void *)(intptr_t)signal) != 0)
            return false;
        signal = wait_stop(child, status);
        if (signal == 0)
            return false;
    } while (signal != SIGTRAP);
    return ptrace(PTRACE_GETREGS, child, NULL, registers) == 0;
}

/* The child stands behind the int3, before its call. Returns false when it is gone. */
static bool trace_call(pid_t child, struct user_regs_struct *registers, struct tl_trace *trace,
                       int *status)
{
    uint64_t count = 0, before = 0;
    uint64_t stack = registers->rsp;
    if (!step(child, registers, status))
        return false;
    uint64_t back =
        (uint64_t)ptrace(PTRACE_PEEKDATA, child, (void *)(uintptr_t)registers->rsp, NULL);
    while (registers->rip != back || registers->rsp != stack) {
        struct instruction next = decode(
            (uint64_t)ptrace(PTRACE_PEEKTEXT, child, (void *)(uintptr_t)registers->rip, NULL));
        if (!next.repeated || registers->rip != before) {
            count++;
            trace->locked += next.locked;
            trace->system_calls += next.system_call;
        }
        before = registers->rip;
        if (!step(child, registers, status))
            return false;
    }
    trace->instructions += count;
    trace->counts[trace->calls++] = (double)count;
    return true;
}

/* Returns when the child is gone, or enough was counted. */
static void trace_all(pid_t child, struct tl_trace *traces, uint64_t steps_max, int *status)
{
    int  signal = wait_stop(child, status); /* the exec */
    bool first = true;
    while (signal != 0) {
        struct user_regs_struct registers;
        int                     pass_on = signal == SIGTRAP ? 0 : signal;
        if (signal == SIGTRAP && !first) {
            if (ptrace(PTRACE_GETREGS, child, NULL, &registers) != 0 ||
                registers.r8 >= TL_TRACE_KINDS)
                return;
            if (!trace_call(child, &registers, &traces[registers.r8], status))
                return;
            if (traces[0].calls == traces[0].calls_max || traces[1].calls == traces[1].calls_max ||
                traces[0].instructions + traces[1].instructions > steps_max)
                return;
        }
        first = false;
        if (ptrace(PTRACE_CONT, child, NULL, (void *)(intptr_t)pass_on) != 0)
            return;
        signal = wait_stop(child, status);
    }
}

const char *tl_trace_run(char *const *argv, const struct tl_peer *peer,
                         struct tl_trace traces[TL_TRACE_KINDS], uint64_t steps_max)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return "no process";
    if (child == 0) {
        cpu_set_t here; /* both on one CPU: a step is then a switch, not a wake-up of another CPU */
        CPU_ZERO(&here);
        CPU_SET(sched_getcpu(), &here);
        sched_setaffinity(0, sizeof here, &here);
        tl_peer_enter(peer);
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(126);
        execv(argv[0], argv);
        _exit(127);
    }
    trace_all(child, traces, steps_max, &status);
    if (WIFEXITED(status))
        return WEXITSTATUS(status) == 126 ? "ptrace is not allowed here"
               : WEXITSTATUS(status) != 0 ? "talus-pathlen-load failed"
                                          : NULL;
    if (WIFSIGNALED(status))
        return strsignal(WTERMSIG(status));
    kill(child, SIGKILL); /* enough was counted */
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return NULL;
}

#else

const char *tl_trace_run(char *const *argv, const struct tl_peer *peer,
                         struct tl_trace traces[TL_TRACE_KINDS], uint64_t steps_max)
{
    (void)argv, (void)peer, (void)traces, (void)steps_max;
    return "instructions can be counted on x86-64 only";
}

#endif
