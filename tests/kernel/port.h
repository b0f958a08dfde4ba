/* port.h: the port of a kernel with a clock, a source of pages that may be empty or not allowed,
 * and a thread that runs on a CPU of the test's choice. One thread. */
#ifndef TALUS_TESTS_KERNEL_PORT_H
#define TALUS_TESTS_KERNEL_PORT_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Written by the test. */
extern unsigned cpu;               /* where the thread runs */
extern bool     may_block;         /* at first */
extern bool     none_left;         /* map returns NULL */
extern uint64_t now_ms;            /* the clock */
extern void (*in_map)(void);       /* called by the next map, once; NULL: nothing */
extern jmp_buf *panic_is_expected; /* where a panic goes on, once; NULL: it ends the program */

/* Written by the port. */
extern unsigned pins, maps, unmaps; /* pins: how deep the thread is pinned now */
extern char     said[512];          /* lines written, panics among them; the test empties it */

/* What the port demands of a call that may block. */
void demand_may_block(void);

#endif
