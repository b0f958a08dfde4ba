/* reference.h: a naive reference heap: a sorted list of the blocks that must be live, with what
 * they must hold.
 *
 * Whoever tests a heap tells it of every block got, resized and given back. Each call checks what a
 * heap promises: alignment, usable size, no overlap with any other live block, contents kept,
 * zeroes from calloc. A broken promise returns false, and `problem` says which. One thread per
 * reference. */
#ifndef TALUS_TESTS_REFERENCE_H
#define TALUS_TESTS_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reference_block {
    unsigned char *start;
    size_t         size;   /* asked for; this much is filled and checked */
    size_t         usable; /* this much must not overlap another block */
    uint64_t       key;    /* of the pattern in it */
    unsigned       owner;  /* as reference.owner was when it came; kept when it is resized */
};

struct reference {
    struct reference_block *blocks; /* sorted by start, none overlapping */
    size_t                  count;
    size_t                  capacity;
    size_t                  bytes; /* sum of size */
    uint64_t                next_key;
    unsigned                owner;        /* the tester's own: what blocks that are added get */
    char                    problem[200]; /* the first broken promise; "" when none */
};

void reference_open(struct reference *reference);
void reference_close(struct reference *reference);

/* A new block of `size` bytes, `usable` of them usable, asked with alignment `align` (0:
 * TALUS_ALIGN_MIN). Fills it. */
bool reference_add(struct reference *reference, void *block, size_t size, size_t usable,
                   size_t align);

/* The same for a block that must read as zero. */
bool reference_add_zeroed(struct reference *reference, void *block, size_t size, size_t usable,
                          size_t align);

/* Block number `index` was resized to `size` bytes and is now at `block`: the common prefix must
 * have been kept. */
bool reference_resized(struct reference *reference, size_t index, void *block, size_t size,
                       size_t usable);

/* Block number `index` is about to be freed: its contents must still be right. Returns false if
 * not; it is forgotten anyway. */
bool reference_remove(struct reference *reference, size_t index);

/* The number of the block that starts at `block`; SIZE_MAX when none does. */
size_t reference_find(const struct reference *reference, const void *block);

/* Every live block still holds what it should. */
bool reference_check_all(struct reference *reference);

#endif
