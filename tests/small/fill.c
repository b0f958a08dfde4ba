/* fill.c: how much of a region the small heap serves. tools/sizes runs it, and says what the
 * figures mean.
 *
 * Usage: fill BYTES WORKLOAD. A number: blocks of so many bytes until one is refused. "mix", "any":
 * blocks of the sizes below, taken and freed at random: two of three steps allocate until the first
 * refusal, then one of two. 8 such sequences, one after the other, each ends with all freed; the
 * worst counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <talus/port.h>

#include "tests/lib/rng.h"

#define REGION_MAX ((size_t)64 * 1024)
#define BLOCKS_MAX 8192u
#define SEQUENCES  8u
#define STEPS      10000u
#define ANY_MAX    256u

/* The mix: the smaller, the more often. */
static const struct {
    unsigned bytes, parts;
} mix[] = { { 16, 4 }, { 32, 3 }, { 64, 2 }, { 128, 1 } };
#define MIX_PARTS 10u

static _Alignas(512) unsigned char region[REGION_MAX];
static struct {
    unsigned char *block;
    size_t         bytes;
} live[BLOCKS_MAX];
static unsigned   count;
static struct rng rng = { 1 };

void talus_port_panic(const char *line)
{
    fprintf(stderr, "panic: %s\n", line);
    abort();
}

void talus_port_write(const char *text, size_t length)
{
    fwrite(text, 1, length, stderr);
    abort();
}

static size_t of_mix(void)
{
    size_t   part = rng_below(&rng, MIX_PARTS);
    unsigned at = 0;
    while (part >= mix[at].parts)
        part -= mix[at++].parts;
    return mix[at].bytes;
}

/* A block, written to its last byte, or NULL. */
static unsigned char *allocate(size_t bytes)
{
    unsigned char *block = talus_malloc(bytes);
    if (block != NULL)
        memset(block, 0x5a, bytes);
    return block;
}

static size_t release(unsigned which)
{
    size_t bytes = live[which].bytes;
    talus_free(live[which].block);
    live[which] = live[--count];
    return bytes;
}

/* Bytes asked for and live: at the first refusal, and at most. */
static void play(bool any, size_t *first, size_t *most)
{
    size_t asked = 0;
    bool   refused = false;
    *first = 0; /* stays so where it never is full */
    *most = 0;
    for (unsigned step = 0; step < STEPS; step++) {
        if (count > 0 && rng_below(&rng, refused ? 2 : 3) == 0) {
            asked -= release((unsigned)rng_below(&rng, count));
            continue;
        }
        size_t         bytes = any ? 1 + rng_below(&rng, ANY_MAX) : of_mix();
        unsigned char *block = count < BLOCKS_MAX ? allocate(bytes) : NULL;
        if (block == NULL) {
            if (!refused)
                *first = asked;
            refused = true;
            continue;
        }
        live[count].block = block;
        live[count++].bytes = bytes;
        asked += bytes;
        if (asked > *most)
            *most = asked;
    }
    while (count > 0)
        release(count - 1);
}

static void print_sequences(bool any)
{
    size_t least_first = SIZE_MAX, least_most = SIZE_MAX;
    for (unsigned n = 0; n < SEQUENCES; n++) {
        size_t first, most;
        play(any, &first, &most);
        least_first = first < least_first ? first : least_first;
        least_most = most < least_most ? most : least_most;
    }
    printf("first=%zu most=%zu\n", least_first, least_most);
}

static void print_one_size(size_t bytes, size_t region_bytes)
{
    talus_heap_stats_t start, full;
    size_t             blocks = 0;
    talus_heap_stats(talus_heap_default(), &start);
    while (allocate(bytes) != NULL)
        blocks++;
    talus_heap_stats(talus_heap_default(), &full);
    printf("blocks=%zu asked=%zu metadata_start=%zu metadata_full=%zu\n", blocks, blocks * bytes,
           region_bytes - start.free_pages, region_bytes - full.mapped);
}

int main(int argc, char **argv)
{
    size_t bytes = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    if (bytes == 0 || bytes > REGION_MAX) {
        fprintf(stderr, "usage: fill BYTES WORKLOAD\n");
        return 2;
    }
    if (!talus_kernel_start(&(talus_kernel_options){ .block = region, .bytes = bytes })) {
        fprintf(stderr, "%zu bytes are too few\n", bytes);
        return 1;
    }
    if (strcmp(argv[2], "mix") == 0 || strcmp(argv[2], "any") == 0)
        print_sequences(argv[2][0] == 'a');
    else
        print_one_size(strtoul(argv[2], NULL, 10), bytes);
    return 0;
}
