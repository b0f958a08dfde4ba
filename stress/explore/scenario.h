/* scenario.h: what a scenario is made of: a heap in a small arena, blocks in slots, and threads
 * that take and free them.
 *
 * A new scenario is a struct ex_scenario in a file of scenarios/, and its line in scenarios.c: what
 * is there before the threads begin, and the threads, as functions of a few ex_... calls each.
 * Blocks are in numbered slots, which any thread may use; a slot that is empty is passed over. Each
 * block's granules have one owner at most, and hold a pattern while it is out; after each run all
 * that is left is freed, the books are looked at, and the heap must have all its pages again. */
#ifndef STRESS_EXPLORE_SCENARIO_H
#define STRESS_EXPLORE_SCENARIO_H

#include "explore/engine.h"

#include <talus/heap.h>
#include <talus/reserve.h>
#include <talus/talus.h>

enum { EX_SLOTS = 16 };

struct ex_scenario {
    const char       *name;
    const char       *hunts;
    struct ex_program program;
};

/* Threads and interrupts are numbered in the order in which they are listed. */
#define EX_THREAD(name, run, cpu) \
    {                             \
        name, run, cpu, false     \
    }
#define EX_INTERRUPT(name, run, cpu) \
    {                                \
        name, run, cpu, true         \
    }

extern const struct ex_scenario *const ex_scenarios[];
extern const size_t                    ex_scenario_count;

/* The size that most scenarios use: a span is a page of 4 such blocks. */
#define EX_SIZE ((size_t)256)

/* Set by a thread that is an idle loop, and so may not block. */
extern bool ex_idling;

/* The heap begins; `pages` are in it. It can have as many again where `grows`. */
void ex_heap_begin(size_t pages, bool grows, talus_heap_options options);

/* The same without options; CPU 0 has all four blocks of a span, in slots 0 to 3, and the others of
 * `cpus` have caches. */
void ex_heap_begin_span(unsigned cpus, size_t pages);

/* The bounds of all classes, turned down so far that a handful of calls comes through every slow
 * path: spans of 4 blocks, 2 of which are carved at a time; and, as ex_heap_begin leaves it, each
 * foreign block is sent home by itself. Here: in chains of `foreign_max`, but for the first
 * `credit` after a refill, which a cache keeps. */
void ex_class_bounds(unsigned foreign_max, unsigned credit);

/* A block for the slot; false: no memory. */
bool ex_alloc(unsigned slot, size_t size);
bool ex_alloc_in(talus_heap *heap, unsigned slot, size_t size, size_t align);
bool ex_alloc_pages(unsigned slot, size_t pages); /* with a run to itself, aligned to 2 pages */
void ex_realloc(unsigned slot, size_t size);
void ex_free(unsigned slot);
void ex_free_from_interrupt(unsigned slot);
bool ex_take(talus_reserve *reserve, unsigned slot);
void ex_put(talus_reserve *reserve, unsigned slot);

/* Whole pages that nobody has, or NULL; and their end as the heap's: no block may be in them. */
void *ex_memory(size_t bytes);
void  ex_memory_is_back(void *block, size_t bytes);

/* The block, which a call of the scenario's own returned, is in the slot. */
void ex_own(void *block, size_t bytes, unsigned slot);

/* Gives up the block's granules, for who frees it by a call of his own; NULL: the slot is empty. */
void *ex_give(unsigned slot);

/* The slot's block, or NULL; no point. */
void *ex_block(unsigned slot);

/* After a run: frees what is left, empties all caches, and looks at the books. */
void ex_heap_check(void);

/* In front of an operation: fails if it is on a descriptor that is spare, so nobody's. */
void ex_heap_look(uintptr_t address, bool writes);

/* Fails unless the page pool, the page map, spans and caches agree (books.c). Nothing runs. */
void ex_books_check(void);

#endif
