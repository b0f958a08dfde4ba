/* rss.h: resident size over the time of a run.
 * 1 Purpose     A workload that wants it says so once and then looks in often; a sample is taken
 *               when the last one is old enough. No thread of its own: one more thread would make
 *               every allocator take its locks.
 * 2 Limits      A full table drops every second sample and doubles the distance. The size is that
 *               of /proc/self/statm, which may lag by some 100 KiB (the kernel counts per CPU).
 * 3 Contexts    one thread at a time */
#ifndef TALUS_TOOLS_RSS_H
#define TALUS_TOOLS_RSS_H

#include <stdio.h>

void tl_rss_begin(void);     /* from now on; time counts from here */
void tl_rss_look(void);      /* costs a reading of the clock; nothing before tl_rss_begin */
void tl_rss_print(FILE *to); /* "rss MS KIB" for each sample */

#endif
