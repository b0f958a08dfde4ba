/* sync_stubs.h: what the unit tests of arch and sync share: threads that start together, and a core
 * that only counts. */
#ifndef TALUS_TESTS_SYNC_STUBS_H
#define TALUS_TESTS_SYNC_STUBS_H

#include "lib/test.h"

#include "arch/atomic.h"

enum { SYNC_THREADS = 4 }; /* more than a small machine's CPUs: holders get preempted */

/* Runs `body(0, shared)` to `body(threads - 1, shared)`, each in a thread, and returns when all
 * have ended. */
void sync_run_threads(int threads, void (*body)(int index, void *shared), void *shared);

/* How often the port called the core back. */
extern tl_atomic_word sync_thread_exits;
extern tl_atomic_word sync_fork_prepares;
extern tl_atomic_word sync_fork_parents;
extern tl_atomic_word sync_fork_children;

/* Called at the end of tl_thread_exit, if set. */
extern void (*sync_at_thread_exit)(void);

#endif
