/* rng.h: repeatable random numbers for tests (splitmix64). One struct per thread; nothing is
 * shared.
 *
 * The seed comes from TALUS_TEST_SEED, or from the clock when that is not set; test_seed prints it
 * either way, so that every run can be repeated. */
#ifndef TALUS_TESTS_RNG_H
#define TALUS_TESTS_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline struct rng rng_seeded(uint64_t seed)
{
    return (struct rng){ seed };
}

static inline uint64_t rng_next(struct rng *rng)
{
    uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A number from 0 to bound - 1. */
static inline size_t rng_below(struct rng *rng, size_t bound)
{
    return (size_t)(rng_next(rng) % bound);
}

/* A size from 1 to `max`, each power of two as likely as the next: small sizes are common, large
 * ones not rare. */
static inline size_t rng_size(struct rng *rng, size_t max)
{
    unsigned bits = 0;
    size_t   size;

    while (bits + 1 < 8 * sizeof(size_t) && max >> (bits + 1) != 0)
        bits++;
    size = (size_t)1 << rng_below(rng, bits + 1);
    size += rng_below(rng, size);
    return size < max ? size : max;
}

/* The seed of this run, printed on first use. */
uint64_t test_seed(void);

#endif
