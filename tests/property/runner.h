/* runner.h: random sequences of operations on a heap, checked step by step against the naive
 * reference heap.
 *
 * A sequence is a list of operations that was drawn from a seed before anything runs, so that a
 * failing one can be run again, shorter: the part behind the failing step is cut off, then pieces
 * are left out as long as it still fails. What is left is printed, with the seed. */
#ifndef TALUS_TESTS_RUNNER_H
#define TALUS_TESTS_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The heap under test. Opened and closed around each sequence. */
struct subject {
    const char *name;
    void *(*open)(void); /* returns the context of the calls below; NULL: failed */
    void (*close)(void *context);
    void *(*alloc)(void *context, size_t size, size_t align); /* align 0: none */
    void *(*zalloc)(void *context, size_t size, size_t align);
    void *(*resize)(void *context, void *block, size_t size);
    void (*release)(void *context, void *block, size_t size); /* size: as asked for last */
    size_t (*usable)(const void *block);
    void (*tidy)(void *context); /* trim; may be NULL */
    size_t largest;              /* most bytes asked at a time */
    size_t live_max;             /* bytes; frees are favoured above this */
    bool   may_refuse;           /* NULL with ENOMEM is an answer */
    size_t surely; /* may_refuse: so much can be had, in one piece, when nothing is live */
};

enum operation_kind {
    ALLOC,
    ALLOC_ALIGNED,
    ZALLOC,
    RESIZE,
    RELEASE,
    CHECK_ALL,
    TIDY,
    EMPTY,
    KINDS
};

struct operation {
    enum operation_kind kind;
    size_t              size;
    size_t              align;
    uint64_t            pick; /* which live block, modulo their number */
};

/* Runs `count` operations drawn from `seed`. Returns true when every promise was kept; else prints
 * the shortest failing sequence it found, and returns false. */
bool run_sequence(const struct subject *subject, uint64_t seed, size_t count);

/* The number of operations of the shortest failing sequence of the last run that failed. */
extern size_t shortest_failing;

#endif
