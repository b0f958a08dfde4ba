/* random.c: random calls of every kind on a small region until it is full, and on, against a naive
 * model: who owns each byte, and what it holds. At the end everything comes back (R6, R22, R46,
 * R52).
 *
 * Usage: random KIB [ROUNDS]; the seed is TALUS_TEST_SEED's, else 1. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <talus/port.h>
#include <talus/reserve.h>

#include "tests/lib/rng.h"

#define REGION_MAX ((size_t)64 * 1024)
#define BLOCKS_MAX 4096u
#define STEPS      6000u
#define SIZE_LIMIT ((size_t)3 * TALUS_PAGE_SIZE)

struct live {
    unsigned char *block;
    size_t         bytes;
    unsigned char  value; /* of each of its bytes */
};

static unsigned char region[REGION_MAX + 64];
static bool          taken[REGION_MAX + 64]; /* by byte of the region */
static struct live   live[BLOCKS_MAX];
static unsigned      count;
static size_t        region_bytes;
static struct rng    rng;

_Noreturn static void fail(const char *what, ...)
{
    va_list arguments;
    va_start(arguments, what);
    vprintf(what, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    _Exit(1);
}

void talus_port_panic(const char *line)
{
    fail("panic: %s", line);
}

void talus_port_write(const char *text, size_t length)
{
    fail("the heap says: %.*s", (int)length, text);
}

/* The block is inside, aligned, and nobody else's. */
static void enter(unsigned char *block, size_t bytes, size_t align)
{
    size_t at = (size_t)(block - region);
    if (at >= sizeof region || bytes > sizeof region - at)
        fail("%zu bytes at %zu are outside of the region", bytes, at);
    if ((uintptr_t)block % align != 0 || (uintptr_t)block % 8 != 0)
        fail("%zu bytes at %p are not aligned to %zu", bytes, (void *)block, align);
    if (talus_usable_size(block) < bytes)
        fail("%zu bytes were asked for, %zu are usable", bytes, talus_usable_size(block));
    for (size_t i = 0; i < bytes; i++)
        if (taken[at + i])
            fail("%zu bytes at %zu overlap with another block's", bytes, at);
    memset(&taken[at], true, bytes);
}

static void leave(const struct live *one)
{
    memset(&taken[one->block - region], false, one->bytes);
}

static void check(const struct live *one, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (one->block[i] != one->value)
            fail("byte %zu of %zu is %02x, and was %02x", i, one->bytes, one->block[i], one->value);
}

static void keep(unsigned char *block, size_t bytes)
{
    live[count] = (struct live){ block, bytes, (unsigned char)rng_next(&rng) };
    memset(block, live[count].value, bytes);
    count++;
}

/* False: there was no memory. */
static bool allocate(void)
{
    size_t         bytes = rng_size(&rng, SIZE_LIMIT), align = TALUS_ALIGN_MIN;
    unsigned char *block;
    switch (rng_below(&rng, 8)) {
    case 0:
        block = talus_calloc(1, bytes);
        for (size_t i = 0; block != NULL && i < bytes; i++)
            if (block[i] != 0)
                fail("calloc: byte %zu of %zu is not zero", i, bytes);
        break;
    case 1:
        align = (size_t)1 << rng_below(&rng, TALUS_PAGE_SHIFT + 2);
        block = talus_aligned_alloc(align, bytes);
        break;
    default:
        block = talus_malloc(bytes);
    }
    if (block == NULL)
        return false;
    enter(block, bytes, align);
    keep(block, bytes);
    return true;
}

static void release(unsigned which)
{
    check(&live[which], live[which].bytes);
    leave(&live[which]);
    if (rng_below(&rng, 8) == 0)
        talus_free_from_interrupt(live[which].block);
    else
        talus_free(live[which].block);
    live[which] = live[--count];
}

static void resize(unsigned which)
{
    struct live    one = live[which];
    size_t         bytes = rng_size(&rng, SIZE_LIMIT);
    unsigned char *block = talus_realloc(one.block, bytes);
    if (block == NULL) { /* and it is untouched */
        check(&one, one.bytes);
        return;
    }
    leave(&one);
    enter(block, bytes, TALUS_ALIGN_MIN);
    one.block = block;
    check(&one, one.bytes < bytes ? one.bytes : bytes);
    live[which] = live[--count];
    keep(block, bytes);
}

/* Returns how many requests were refused. */
static unsigned play(void)
{
    unsigned refused = 0;
    for (unsigned step = 0; step < STEPS; step++) {
        size_t dice = rng_below(&rng, 8);
        if (dice < (refused == 0 ? 5u : 4u) && count < BLOCKS_MAX)
            refused += !allocate();
        else if (count > 0 && dice == 7)
            resize((unsigned)rng_below(&rng, count));
        else if (count > 0)
            release((unsigned)rng_below(&rng, count));
    }
    return refused;
}

/* Every page is free again, and serves in one piece as far as it lies in one. */
static void all_came_back(void)
{
    talus_heap_stats_t stats;
    talus_heap_trim(talus_heap_default());
    talus_heap_stats(talus_heap_default(), &stats);
    if (stats.allocated != 0 || stats.spans != 0 || stats.free_pages != stats.mapped)
        fail("all is freed, and %zu bytes are allocated, %u spans cut, %zu of %zu bytes free",
             stats.allocated, stats.spans, stats.free_pages, stats.mapped);
    if (stats.free_pages < region_bytes / 2)
        fail("%zu bytes are left of %zu", stats.free_pages, region_bytes);
    void *most = talus_malloc(stats.largest_free_run);
    if (most == NULL)
        fail("the longest free run, %zu bytes, cannot be had", stats.largest_free_run);
    if (talus_malloc(stats.largest_free_run + TALUS_PAGE_SIZE) != NULL)
        fail("more than the longest free run, %zu bytes, was given out", stats.largest_free_run);
    talus_free(most);
}

int main(int argc, char **argv)
{
    const char *seed = getenv("TALUS_TEST_SEED");
    unsigned    rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 4;
    unsigned    refused = 0;
    region_bytes = argc > 1 ? strtoul(argv[1], NULL, 10) * 1024 : 0;
    rng = rng_seeded(seed != NULL ? strtoull(seed, NULL, 0) : 1);
    if (region_bytes == 0 || region_bytes > REGION_MAX) {
        fprintf(stderr, "usage: random KIB [ROUNDS]\n");
        return 2;
    }
    memset(region, 0xa5, sizeof region);
    if (!talus_kernel_start(&(talus_kernel_options){ .block = region + 3, .bytes = region_bytes }))
        fail("%zu bytes are too few", region_bytes);
    for (unsigned round = 0; round < rounds; round++) {
        refused += play();
        while (count > 0)
            release(count - 1);
        all_came_back();
    }
    if (refused == 0)
        fail("the region was never full");
    printf("%zu KiB: %u rounds of %u steps, %u requests refused\n", region_bytes / 1024, rounds,
           STEPS, refused);
    return 0;
}
