/* shadow.c: the oracle's shadow of one range of addresses, an array. */
#include "stress/kernel/shadow.h"

#include "stress/lib/oracle.h"

static uintptr_t         first;    /* these three: constant while workers run */
static size_t            granules; /* covered, from `first` on */
static _Atomic uint32_t *words;

void st_shadow_place(const void *start, size_t bytes, _Atomic uint32_t *shadow)
{
    first = (uintptr_t)start / ST_GRANULE;
    granules = bytes / ST_GRANULE;
    words = shadow;
}

_Atomic uint32_t *st_oracle_word(uintptr_t granule)
{
    return granule - first < granules ? &words[granule - first] : NULL;
}
