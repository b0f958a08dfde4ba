/* stuck.h: whether a process of one thread waits for what will not come.
 * 1 Judged   At each look, by what it did since the last one: it slept for most of the time. One
 *            that a busy machine keeps waiting is ready to run, which the system counts
 *            (schedstat).
 * 2 Looks    by SIGALRM, which nobody else uses then. */
#ifndef STRESS_HOSTED_STUCK_H
#define STRESS_HOSTED_STUCK_H

#include <stdbool.h>

/* From now on the calling process fails ("stuck") where it is, looked at each so many ms. */
void st_stuck_begin(unsigned look_ms);

/* It waits, on purpose, for somebody who looks after himself. */
void st_stuck_excuse(bool waits);

#endif
