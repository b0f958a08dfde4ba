/* oracle.h: who owns which granule of the address space. Theory: oracle.c. */
#ifndef STRESS_LIB_ORACLE_H
#define STRESS_LIB_ORACLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talus/talus.h>

/* An owner as one word: the worker's number and the size of its block in granules. Never 0, which
 * means nobody. */
#define ST_OWNER_SIZE_BITS 20
#define ST_OWNER_SIZE_MAX  ((UINT32_C(1) << ST_OWNER_SIZE_BITS) - 1)
#define ST_GRANULE         ((size_t)TALUS_ALIGN_MIN) /* so that no two blocks share one */

static inline uint32_t st_owner_make(unsigned worker, size_t size)
{
    size_t granules = (size + ST_GRANULE - 1) / ST_GRANULE;
    return ((uint32_t)worker << ST_OWNER_SIZE_BITS) |
           (uint32_t)(granules < ST_OWNER_SIZE_MAX ? granules : ST_OWNER_SIZE_MAX);
}

static inline unsigned st_owner_worker(uint32_t owner)
{
    return owner >> ST_OWNER_SIZE_BITS;
}

/* Size of the owner's block in bytes, rounded up to granules; a million granules stand for that and
 * more. */
static inline size_t st_owner_size(uint32_t owner)
{
    return (size_t)(owner & ST_OWNER_SIZE_MAX) * ST_GRANULE;
}

/* Two who own the same granule, or one who does not own what it should. */
struct st_conflict {
    uintptr_t address; /* of the granule */
    uintptr_t start;   /* the run of granules around it that carry the same owner word */
    uintptr_t end;
    uint32_t  owner; /* who owns it; 0: nobody */
};

/* The word of `granule` (an address divided by ST_GRANULE), at first 0: nobody. NULL: there is
 * none. The host's (hosted/shadow.c, kernel/shadow.c); it orders nothing. */
_Atomic uint32_t *st_oracle_word(uintptr_t granule);

/* Takes [block, block + size) from nobody to `owner`. False: somebody owns a part of it; `conflict`
 * says who. */
bool st_oracle_claim(const void *block, size_t size, uint32_t owner, struct st_conflict *conflict);

/* Gives [block, block + size) back to nobody. False: a part of it is not `owner`'s. */
bool st_oracle_release(const void *block, size_t size, uint32_t owner,
                       struct st_conflict *conflict);

/* How many of the granules that a block of `size` bytes at `block` claims are `owner`'s; 0:
 * nobody's. */
size_t st_oracle_count(const void *block, size_t size, uint32_t owner);

/* Granules that the shadow had no room for, number: 0 in every run that means something. */
size_t st_oracle_untracked(void);

#endif
