/* provider.h: a provider that counts, and fails now and then. */
#ifndef STRESS_LIB_PROVIDER_H
#define STRESS_LIB_PROVIDER_H

#include <talus/heap.h>

#include <stdatomic.h>

/* Calls may overlap. Owned by whoever started it; it must outlive its heap. */
struct st_provider {
    talus_provider calls;       /* what the heap gets */
    uint64_t       seed;        /* constant */
    unsigned       fail_one_in; /* constant; 0: never */
    _Atomic bool   reliable;    /* true: no failures for now */
    _Atomic size_t asked;       /* map and move calls */
    _Atomic size_t failures;    /* of these, failed on purpose */
    _Atomic size_t outstanding; /* bytes given and not returned */
    _Atomic size_t peak;        /* most of these */
};

/* What the host has: talus_provider_mmap, or a kernel's talus_port_map. */
const talus_provider *st_provider_system(void);

void st_provider_start(struct st_provider *provider, uint64_t seed, unsigned fail_one_in);

/* Fails the run unless all was returned. */
void st_provider_check_empty(struct st_provider *provider);

#endif
