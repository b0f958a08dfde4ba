/* watch.h: crashes, and loops that come to no point. */
#ifndef STRESS_EXPLORE_WATCH_H
#define STRESS_EXPLORE_WATCH_H

#include <stdbool.h>

/* From now on such a signal is told to `crashed`, on a stack of its own, as "crash: ..." or
 * "livelock: ...". It does not return, or returns false where nothing runs. */
void ex_watch_begin(bool (*crashed)(const char *text));

/* Five seconds of CPU time from now on, without another call, are a livelock. */
void ex_watch_again(void);

/* So many milliseconds instead. To be called before ex_engine_begin: each run puts static data back
 * to what it was then. */
void ex_watch_bound(unsigned ms);

#endif
