/* port.h: the images' side of talus/port.h: their memory, and their clock. */
#ifndef TALUS_TESTS_BARE_PORT_H
#define TALUS_TESTS_BARE_PORT_H

#include <stdbool.h>
#include <stdint.h>

/* All memory that heaps of an image get. */
enum { PORT_MEMORY_BYTES = 16 << 20 };
extern char port_memory[PORT_MEMORY_BYTES];

/* Starts the default heap for the CPUs of the run, with one block of static memory, and adds a
 * second one. Context: CPU 0, before the first job. */
bool port_start(void);

/* Between these the calling thread must not block, and is not preempted. Context: thread. */
void port_atomic_begin(void);
void port_atomic_end(void);

/* Blocks given to heaps, and taken back, so far. Context: any. */
uintptr_t port_maps(void);
uintptr_t port_unmaps(void);

/* A millisecond of the heap's time is over. Context: any. */
void port_tick(void);

#endif
