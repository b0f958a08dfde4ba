#include "lib/reference.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <talus/talus.h>

#include "lib/pattern.h"

static bool broken(struct reference *reference, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool broken(struct reference *reference, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (reference->problem[0] == '\0')
        vsnprintf(reference->problem, sizeof reference->problem, format, arguments);
    va_end(arguments);
    return false;
}

void reference_open(struct reference *reference)
{
    memset(reference, 0, sizeof *reference);
    reference->next_key = 1;
}

void reference_close(struct reference *reference)
{
    free(reference->blocks);
    memset(reference, 0, sizeof *reference);
}

/* The number of blocks that start below `start`. */
static size_t position_of(const struct reference *reference, const unsigned char *start)
{
    size_t low = 0;
    size_t high = reference->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (reference->blocks[middle].start < start)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert_at(struct reference *reference, size_t at, struct reference_block block)
{
    if (reference->count == reference->capacity) {
        reference->capacity = reference->capacity * 2 + 64;
        reference->blocks =
            realloc(reference->blocks, reference->capacity * sizeof *reference->blocks);
        if (reference->blocks == NULL)
            abort();
    }
    memmove(&reference->blocks[at + 1], &reference->blocks[at],
            (reference->count - at) * sizeof *reference->blocks);
    reference->blocks[at] = block;
    reference->count++;
    reference->bytes += block.size;
}

static void forget(struct reference *reference, size_t index)
{
    reference->bytes -= reference->blocks[index].size;
    reference->count--;
    memmove(&reference->blocks[index], &reference->blocks[index + 1],
            (reference->count - index) * sizeof *reference->blocks);
}

static bool check_place(struct reference *reference, size_t at, unsigned char *start, size_t size,
                        size_t usable, size_t align)
{
    if (align < TALUS_ALIGN_MIN)
        align = TALUS_ALIGN_MIN;
    if (((uintptr_t)start & (align - 1)) != 0)
        return broken(reference, "block %p of %zu bytes is not aligned to %zu", (void *)start, size,
                      align);
    if (usable < size)
        return broken(reference, "block %p of %zu bytes can hold only %zu", (void *)start, size,
                      usable);
    if (at > 0 && reference->blocks[at - 1].start + reference->blocks[at - 1].usable > start)
        return broken(reference, "block %p of %zu bytes overlaps block %p of %zu bytes",
                      (void *)start, size, (void *)reference->blocks[at - 1].start,
                      reference->blocks[at - 1].size);
    if (at < reference->count && start + usable > reference->blocks[at].start)
        return broken(reference, "block %p of %zu bytes overlaps block %p of %zu bytes",
                      (void *)start, size, (void *)reference->blocks[at].start,
                      reference->blocks[at].size);
    return true;
}

bool reference_add(struct reference *reference, void *block, size_t size, size_t usable,
                   size_t align)
{
    struct reference_block entry = { block, size, usable, reference->next_key++, reference->owner };
    size_t                 at = position_of(reference, entry.start);

    if (!check_place(reference, at, entry.start, size, usable, align))
        return false;
    pattern_fill(block, size, entry.key);
    insert_at(reference, at, entry);
    return true;
}

bool reference_add_zeroed(struct reference *reference, void *block, size_t size, size_t usable,
                          size_t align)
{
    const unsigned char *at = block;

    if (size > 0 && (at[0] != 0 || memcmp(at, at + 1, size - 1) != 0))
        return broken(reference, "block %p of %zu bytes is not zero", block, size);
    return reference_add(reference, block, size, usable, align);
}

static bool check_contents(struct reference *reference, const struct reference_block *entry,
                           const void *now_at, size_t prefix)
{
    size_t wrong = pattern_check(now_at, prefix, entry->size, entry->key);

    if (wrong != SIZE_MAX)
        return broken(reference, "block %p of %zu bytes (now at %p): byte %zu changed",
                      (void *)entry->start, entry->size, now_at, wrong);
    return true;
}

bool reference_resized(struct reference *reference, size_t index, void *block, size_t size,
                       size_t usable)
{
    struct reference_block old = reference->blocks[index];

    forget(reference, index);
    reference->owner = old.owner;
    return check_contents(reference, &old, block, size < old.size ? size : old.size) &&
           reference_add(reference, block, size, usable, 0);
}

bool reference_remove(struct reference *reference, size_t index)
{
    struct reference_block old = reference->blocks[index];

    forget(reference, index);
    return check_contents(reference, &old, old.start, old.size);
}

size_t reference_find(const struct reference *reference, const void *block)
{
    size_t at = position_of(reference, block);

    return at < reference->count && reference->blocks[at].start == block ? at : SIZE_MAX;
}

bool reference_check_all(struct reference *reference)
{
    for (size_t i = 0; i < reference->count; i++)
        if (!check_contents(reference, &reference->blocks[i], reference->blocks[i].start,
                            reference->blocks[i].size))
            return false;
    return true;
}
