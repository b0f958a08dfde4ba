/* states.h: where the search for the worst call begins: states made on purpose, and random ones. */
#ifndef TALUS_TESTS_REALTIME_STATES_H
#define TALUS_TESTS_REALTIME_STATES_H

#include <stddef.h>
#include <stdint.h>

/* The call of its row: by size, and by whether it returned a block. */
void *counted_malloc(size_t bytes);
void  counted_free(void *block, size_t bytes);

/* All that CPUs hold goes back to the pool. */
void trim_all(void);

/* The same where the program has no block: ends the image unless all pages are free again. */
void demand_all_free(void);

/* One after the other, each state from all memory free. */
void states_made(void);

/* `rounds` sequences of calls drawn from `seed`: sizes, CPUs, orders of frees, until memory is
 * short and after. */
void states_drawn(unsigned rounds, uint64_t seed);

/* Calls whose cost depends on a number. */
void calls_of_many(void);

#endif
