/* watch.c: see watch.h. */
#define _GNU_SOURCE
#include "explore/watch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

enum { STACK_BYTES = 64 * 1024, TEXT_MAX = 100 };

static bool (*tell)(const char *text);
static unsigned bound_ms = 5000;

static void on_signal(int signal, siginfo_t *info, void *context)
{
    char text[TEXT_MAX];
    (void)context;
    if (signal == SIGVTALRM)
        snprintf(text, sizeof text, "livelock: %u ms of CPU time without a point", bound_ms);
    else
        snprintf(text, sizeof text, "crash: signal %d at address %p", signal, info->si_addr);
    if (!tell(text) && signal != SIGVTALRM)
        _Exit(2); /* a crash of our own */
}

void ex_watch_begin(bool (*crashed)(const char *text))
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGVTALRM };
    char            *memory = malloc(STACK_BYTES); /* no static data, which is put back */
    struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK };
    if (memory == NULL)
        abort();
    sigaltstack(&(stack_t){ .ss_sp = memory, .ss_size = STACK_BYTES }, NULL);
    tell = crashed;
    action.sa_sigaction = on_signal;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, NULL);
}

void ex_watch_bound(unsigned ms)
{
    bound_ms = ms;
}

void ex_watch_again(void)
{
    struct itimerval timer = { .it_value = { bound_ms / 1000, bound_ms % 1000 * 1000 } };
    setitimer(ITIMER_VIRTUAL, &timer, NULL);
}
