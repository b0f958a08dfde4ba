/* count.h: the instructions of single calls of the heap, read off a clock that counts them.
 *
 * 1 Method    Under tools/qemu --icount the machine's clock stands still but for instructions, so
 *             the difference of two readings is a number of them. A block of instructions that do
 *             nothing says how many ticks one of them is.
 * 2 Without   What the kernel brings is taken out: memset and memcpy, and what the functions of
 *             talus/port.h do, which count themselves here. A call's arguments are in.
 * 3 CPUs      One CPU runs, and says that it is whichever the test wants. So nobody is in the way,
 *             and what others did is all there. */
#ifndef TALUS_TESTS_REALTIME_COUNT_H
#define TALUS_TESTS_REALTIME_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CPUS = 4 };

enum row {
    ROW_MALLOC_SMALL,
    ROW_MALLOC_MEDIUM,
    ROW_MALLOC_LARGE,
    ROW_MALLOC_NULL,
    ROW_MALLOC_FIRST,
    ROW_ALIGNED,
    ROW_CALLOC,
    ROW_HEAP_ALLOC,
    ROW_FREE,
    ROW_FREE_LARGE,
    ROW_FREE_SIZED,
    ROW_FREE_WRONG,
    ROW_REALLOC,
    ROW_REALLOC_NULL,
    ROW_LOOK,
    ROW_RESERVE_TAKE,
    ROW_RESERVE_PUT,
    ROW_FREE_INTERRUPT,
    ROW_RESERVE_PREPARE,
    ROW_RESERVE_CREATE,
    ROW_RESERVE_DESTROY,
    ROW_OBJECT_ALLOC,
    ROW_OBJECT_FREE,
    ROW_SET_LIMIT,
    ROW_STATS,
    ROW_TRIM,
    ROW_CONTRACT,
    ROW_DRAIN,
    ROW_EXPAND,
    ROW_CREATE,
    ROW_DESTROY,
    ROW_CPU_GONE,
    ROW_RETRY,
    ROWS
};

/* Finds out what a tick is, and what the counting itself costs. Once, before all else. */
void count_start(void);

/* The CPU that the next calls run on. */
void on_cpu(unsigned cpu);

void count_begin(void);

/* Ends what count_begin began: a call of the row, for `n` of the row's units. For n = 0 the most
 * instructions count, for more, which come after it, what each of them adds to that. */
void count_end(enum row row, size_t n);

/* What was counted last. */
uint32_t count_last(void);

/* Where the heap said something: a misuse, as a rule. */
extern size_t written;

void count_print(void);

#define COUNT(row, n, call)    \
    do {                       \
        count_begin();         \
        call;                  \
        count_end((row), (n)); \
    } while (0)

#endif
