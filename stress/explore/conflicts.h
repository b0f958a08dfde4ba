/* conflicts.h: which operations of different threads can matter to each other (engine.h, 6). What
 * is noted counts from the next call of ex_conflicts_learn on, so that it stays the same for a
 * search.
 */
#ifndef STRESS_EXPLORE_CONFLICTS_H
#define STRESS_EXPLORE_CONFLICTS_H

#include <stdbool.h>
#include <stdint.h>

struct ex_conflicts;

struct ex_conflicts *ex_conflicts_new(void); /* free() ends it */

/* `thread` reads or writes at the address, with these locks held, as bits. */
void ex_conflicts_note(struct ex_conflicts *conflicts, unsigned thread, uintptr_t address,
                       bool writes, uint32_t locks);

/* Whether such an operation conflicts with one of another thread, as far as was learnt. */
bool ex_conflicts_has(const struct ex_conflicts *conflicts, unsigned thread, uintptr_t address,
                      bool writes);

/* Takes in what was noted. False: it shows no conflict that was not known. */
bool ex_conflicts_learn(struct ex_conflicts *conflicts);

#endif
