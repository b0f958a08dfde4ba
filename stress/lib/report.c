/* report.c: every line is formatted into a buffer on the stack and written at once: the heap under
 * test may be the one that stdio would use, and it may be broken by the time we speak. */
#include "stress/lib/report.h"

#include "stress/lib/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES  1024
#define STACK_BYTES     ((size_t)64 * 1024)
#define TRACES_REPORTED 12u

struct st_replay   st_replay;
static atomic_flag failed = ATOMIC_FLAG_INIT;

static unsigned char signal_stacks[ST_WORKERS_MAX + 1][STACK_BYTES];

static void write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, text, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        text += n;
        length -= (size_t)n;
    }
}

static void say_args(const char *format, va_list arguments)
{
    char line[LINE_MAX_BYTES];
    int  length = vsnprintf(line, sizeof(line) - 1, format, arguments);

    if (length < 0)
        return;
    if ((size_t)length > sizeof(line) - 2)
        length = (int)sizeof(line) - 2;
    line[length] = '\n';
    write_all(STDERR_FILENO, line, (size_t)length + 1);
}

void st_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_args(format, arguments);
    va_end(arguments);
}

void st_say_text(const char *text)
{
    write_all(STDERR_FILENO, text, strlen(text));
}

static const char *operation_name(unsigned operation)
{
    static const char *const names[] = { "?",       "alloc", "zalloc", "aligned",
                                         "realloc", "moved", "free",   "refused" };
    return operation < sizeof(names) / sizeof(names[0]) ? names[operation] : names[0];
}

static void say_trace(unsigned id)
{
    struct st_worker *worker = st_worker_get(id);

    if (worker == NULL)
        return;
    uint32_t last = atomic_load_explicit(&worker->traced, memory_order_relaxed);
    uint32_t first = last > TRACES_REPORTED ? last - TRACES_REPORTED : 0;
    st_say("  last operations of worker %u%s:", id,
           worker == st_self ? " (which reports this)" : "");
    for (uint32_t n = first; n < last; n++) {
        struct st_trace *entry = &worker->trace[n % ST_TRACE_LENGTH];
        st_say("    %" PRIu32 " %s 0x%" PRIxPTR ", %zu bytes", n,
               operation_name(atomic_load_explicit(&entry->operation, memory_order_relaxed)),
               atomic_load_explicit(&entry->address, memory_order_relaxed),
               atomic_load_explicit(&entry->size, memory_order_relaxed));
    }
}

static void say_replay(void)
{
    const struct st_replay *r = &st_replay;

    if (r->json)
        printf("{\"suite\":\"%s\",\"result\":\"failed\",\"seed\":%" PRIu64 "}\n",
               r->suite != NULL ? r->suite : "", r->seed);
    fflush(stdout);
    if (r->suite != NULL)
        st_say("  again: %s --suite %s --target %s --seed %" PRIu64
               " --threads %u --seconds %g --preempt %u --pin %s"
               " --yield %u",
               r->program, r->suite, r->target, r->seed, r->threads, r->seconds, r->preempt_us,
               r->pin, r->yield_one_in);
}

static _Noreturn void fail_args(unsigned other, const char *kind, const char *format,
                                va_list arguments)
{
    unsigned mine = st_self != NULL ? st_self->id : 0;

    if (atomic_flag_test_and_set_explicit(&failed, memory_order_relaxed))
        for (;;)
            pause(); /* somebody is reporting already, and will end the process */
    st_say("talus-stress: FAILED: %s", kind);
    say_args(format, arguments);
    say_trace(mine);
    if (other != mine)
        say_trace(other);
    say_replay();
    _exit(ST_FAILURE);
}

void st_fail(const char *kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail_args(0, kind, format, arguments);
}

void st_fail_with(unsigned other, const char *kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail_args(other, kind, format, arguments);
}

static void on_crash(int number, siginfo_t *info, void *context)
{
    (void)context;
    st_fail("crash", "  signal %d (%s) at address %p", number, sigabbrev_np(number), info->si_addr);
}

void st_report_setup(void)
{
    static const int numbers[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_sigaction = on_crash;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND;
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaction(numbers[i], &action, NULL);
}

void st_report_thread_start(unsigned worker)
{
    stack_t present;
    stack_t stack = { .ss_sp = signal_stacks[worker], .ss_size = STACK_BYTES };

    /* AddressSanitizer brings one for each thread, and takes it down again: leave it in place. */
    if (sigaltstack(NULL, &present) == 0 && (present.ss_flags & SS_DISABLE) != 0)
        sigaltstack(&stack, NULL);
}
