/* rng.h: one seeded stream of numbers per worker (splitmix64): small, fast, and the same on every
 * machine. */
#ifndef STRESS_LIB_RNG_H
#define STRESS_LIB_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct st_rng {
    uint64_t state; /* its worker only */
};

/* Spreads every bit of `x` over the whole word. */
static inline uint64_t st_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline uint64_t st_rng_next(struct st_rng *rng)
{
    rng->state += UINT64_C(0x9e3779b97f4a7c15);
    return st_mix(rng->state);
}

/* A number in [0, bound), bound in 1 .. 2^32 - 1. */
static inline uint32_t st_rng_below(struct st_rng *rng, uint32_t bound)
{
    return (uint32_t)(((st_rng_next(rng) >> 32) * bound) >> 32);
}

/* True once in `n` calls on average. */
static inline bool st_rng_one_in(struct st_rng *rng, uint32_t n)
{
    return st_rng_below(rng, n) == 0;
}

/* A size in [low, high], each power of two about equally likely: most blocks are small, and some
 * are not. */
static inline size_t st_rng_size(struct st_rng *rng, size_t low, size_t high)
{
    unsigned low_bits = 0, high_bits = 0;
    while ((low >> low_bits) > 1)
        low_bits++;
    while ((high >> high_bits) > 1)
        high_bits++;
    unsigned bits = low_bits + st_rng_below(rng, high_bits - low_bits + 1);
    size_t   size = ((size_t)1 << bits) + (st_rng_next(rng) & (((size_t)1 << bits) - 1));
    return size < low ? low : size > high ? high : size;
}

#endif
