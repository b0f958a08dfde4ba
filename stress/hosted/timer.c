/* timer.c: POSIX timers that signal one thread (SIGEV_THREAD_ID). */
#include "stress/hosted/timer.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

bool st_timer_make(struct st_timer *timer, int signal_number)
{
    struct sigevent event;

    memset(&event, 0, sizeof(event));
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = signal_number;
    event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    /* EAGAIN: the limit of pending signals */
    timer->made = timer_create(CLOCK_MONOTONIC, &event, &timer->timer) == 0;
    return timer->made;
}

void st_timer_set(const struct st_timer *timer, unsigned us)
{
    struct itimerspec once = { { 0, 0 }, { us / 1000000, (long)(us % 1000000) * 1000 } };

    if (timer->made)
        timer_settime(timer->timer, 0, &once, NULL);
}

void st_timer_drop(struct st_timer *timer)
{
    if (timer->made)
        timer_delete(timer->timer);
    timer->made = false;
}
