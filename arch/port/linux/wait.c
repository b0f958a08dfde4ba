/* wait.c: sleeping and waking by futex (contract: arch/port.h). Private futexes: no word of talus
 * is shared by processes. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "arch/port.h"

void tl_port_wait(tl_atomic_u32 *word, uint32_t expected)
{
    int saved = errno;

    /* Ends by a wake, a signal, or at once if *word differs: the caller looks again in each
     * case. */
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
    errno = saved;
}

void tl_port_wake(tl_atomic_u32 *word, uint32_t count)
{
    int saved = errno;

    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count > INT_MAX ? INT_MAX : (int)count, NULL, NULL,
            0);
    errno = saved;
}

void tl_port_sleep(uint64_t ms)
{
    int             saved = errno;
    struct timespec left = { (time_t)(ms / 1000u), (long)(ms % 1000u) * 1000000 };

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
    errno = saved;
}
