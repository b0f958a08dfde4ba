/* faulty_provider.h: a provider that counts what goes through it, checks the contract, and fails on
 * request.
 *
 * It stands between a heap and another provider. Requests are calls of map and move, numbered from
 * 1. */
#ifndef TALUS_TESTS_FAULTY_PROVIDER_H
#define TALUS_TESTS_FAULTY_PROVIDER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <talus/heap.h>

#define FAULTY_BLOCKS_MAX 4096

struct faulty_block {
    unsigned char *start;
    size_t         bytes;
};

struct faulty_provider {
    talus_provider provider; /* what the heap gets */
    talus_provider below;    /* where memory really comes from */

    /* Set by the test, before the calls that they are meant for. */
    uint64_t fail_at;      /* number of the request that fails; 0: none */
    bool     fail_onwards; /* every later request fails too */

    /* Under lock. */
    pthread_mutex_t     lock;
    uint64_t            requests;   /* calls of map and move, number */
    uint64_t            failures;   /* of these failed, by us or from below, number */
    uint64_t            maps;       /* calls of map that succeeded, number */
    uint64_t            unmaps;     /* number */
    uint64_t            moves;      /* calls of move that succeeded, number */
    uint64_t            purges;     /* number */
    uint64_t            violations; /* calls that broke the contract in heap.h, number */
    const char         *violation;  /* the first of them; NULL when none */
    size_t              bytes;      /* given out now */
    size_t              bytes_peak;
    unsigned            mapping; /* map calls running now, number */
    size_t              count;
    struct faulty_block blocks[FAULTY_BLOCKS_MAX]; /* given out now, in no order */
};

/* Starts from nothing over `below` (NULL: talus_provider_mmap()). Without move where `below`
 * refuses to move a page. */
void faulty_provider_open(struct faulty_provider *faulty, const talus_provider *below);

void faulty_provider_close(struct faulty_provider *faulty);

#endif
