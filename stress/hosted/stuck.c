/* stuck.c: see stuck.h. */
#include "stress/hosted/stuck.h"

#include "stress/hosted/report.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define STUCK_CPU_MS 2.0 /* who has more gets on */

struct times {
    double cpu, queued, all; /* milliseconds: on a CPU, ready for one, and since some moment */
};

static struct times          last;    /* at the last look */
static volatile sig_atomic_t excused; /* it waits on purpose */

static double clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* In a signal handler, too. Where the system does not tell it, 0. */
static double queued_ms(void)
{
    char    text[96];
    char   *behind_cpu;
    int     fd = open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0)
        close(fd);
    text[length > 0 ? length : 0] = '\0';
    strtoull(text, &behind_cpu, 10);
    return (double)strtoull(behind_cpu, NULL, 10) * 1e-6;
}

static struct times look_at_clocks(void)
{
    return (struct times){ clock_ms(CLOCK_PROCESS_CPUTIME_ID), queued_ms(),
                           clock_ms(CLOCK_MONOTONIC) };
}

static void on_alarm(int number)
{
    struct times now = look_at_clocks();
    double       cpu = now.cpu - last.cpu, queued = now.queued - last.queued;
    double       all = now.all - last.all;

    (void)number;
    if (!excused && cpu < STUCK_CPU_MS && all - cpu - queued > all / 2)
        st_fail("stuck",
                "  a process waits for what will not come: of %.0f ms it ran for %.1f, and "
                "was ready to run for %.0f",
                all, cpu, queued);
    last = now;
}

void st_stuck_begin(unsigned look_ms)
{
    const struct timeval   each = { look_ms / 1000, 1000L * (look_ms % 1000) };
    const struct itimerval looks = { each, each };
    struct sigaction       action;

    excused = 0;
    last = look_at_clocks();
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_alarm;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &looks, NULL);
}

void st_stuck_excuse(bool waits)
{
    excused = waits;
}
