/* report.c: every line is formatted into a buffer on the stack and written at once: the heap under
 * test may be the one that stdio would use, and it may be broken by the time we speak. */
#include "stress/hosted/report.h"

#include "stress/hosted/record.h"
#include "stress/lib/host.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024
#define STACK_BYTES    ((size_t)64 * 1024)

static const char   *speaker; /* what lines begin with; NULL: nothing */
static bool          failing; /* who reports a failure: what is said now belongs to it */
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

void st_host_write(const char *text, size_t bytes)
{
    write_all(STDERR_FILENO, text, bytes);
}

bool st_for_want_of_time(const char *kind)
{
    return strcmp(kind, "pressure") == 0 || strcmp(kind, "memory") == 0;
}

/* `line` belongs to a failure's report. */
static void keep_failure(const char *line, size_t length)
{
    static const char head[] = "FAILED: ";
    const char       *kind = strstr(line, head);

    st_record_failure(line, length);
    st_record_failure("\n", 1);
    if (kind != NULL && st_record_stopped() && st_for_want_of_time(kind + sizeof(head) - 1))
        _exit(ST_FAILURE); /* nobody is to be alarmed by it */
}

void st_report_name(const char *name)
{
    speaker = name;
}

/* Writes the line at once, behind the speaker's name: others may speak, too. */
static void write_line(const char *line)
{
    char whole[LINE_MAX_BYTES + ST_REPLAY_BYTES];
    int  length = speaker != NULL ? snprintf(whole, sizeof(whole), "%-9s %s\n", speaker, line)
                                  : snprintf(whole, sizeof(whole), "%s\n", line);

    if (length > 0)
        write_all(STDERR_FILENO, whole, (size_t)length);
}

void st_say_arguments(const char *format, va_list arguments)
{
    char line[LINE_MAX_BYTES];
    int  length = vsnprintf(line, sizeof(line), format, arguments);

    if (length < 0)
        return;
    if (failing)
        keep_failure(line, strlen(line));
    write_line(line);
}

void st_host_failing(bool first)
{
    if (first) {
        failing = true;
        return;
    }
    for (;;)
        pause(); /* who reports will end the process */
}

void st_host_failed(void)
{
    if (st_record->replay[0] != '\0') {
        char line[ST_REPLAY_BYTES + 16]; /* longer than other lines */
        snprintf(line, sizeof(line), "  again: %s", st_record->replay);
        write_line(line);
    }
    _exit(ST_FAILURE);
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
