/* provider.c: the host's provider behind a counter. All counters are relaxed: they order nothing
 * between the heap's threads. */
#include "stress/lib/provider.h"

#include "stress/lib/report.h"
#include "stress/lib/rng.h"

static bool fails_now(struct st_provider *p)
{
    size_t        n = atomic_fetch_add_explicit(&p->asked, 1, memory_order_relaxed);
    struct st_rng rng = { p->seed + n };
    if (p->fail_one_in == 0 || atomic_load_explicit(&p->reliable, memory_order_relaxed) ||
        !st_rng_one_in(&rng, p->fail_one_in))
        return false;
    atomic_fetch_add_explicit(&p->failures, 1, memory_order_relaxed);
    return true;
}

static void add(struct st_provider *p, size_t bytes)
{
    size_t now = atomic_fetch_add_explicit(&p->outstanding, bytes, memory_order_relaxed) + bytes;
    size_t peak = atomic_load_explicit(&p->peak, memory_order_relaxed);
    while (now > peak && !atomic_compare_exchange_weak_explicit(
                             &p->peak, &peak, now, memory_order_relaxed, memory_order_relaxed))
        continue;
}

static void *map(void *context, size_t bytes)
{
    struct st_provider   *p = context;
    const talus_provider *system = st_provider_system();
    void                 *block = fails_now(p) ? NULL : system->map(system->context, bytes);

    if (block != NULL)
        add(p, bytes);
    return block;
}

static void unmap(void *context, void *block, size_t bytes)
{
    struct st_provider   *p = context;
    const talus_provider *system = st_provider_system();

    if (bytes > atomic_load_explicit(&p->outstanding, memory_order_relaxed))
        st_fail("pages", "  the heap returns %zu bytes at %p, more than the provider gave", bytes,
                block);
    /* Before the system call: another thread may get the same addresses as soon as it returns. */
    atomic_fetch_sub_explicit(&p->outstanding, bytes, memory_order_relaxed);
    system->unmap(system->context, block, bytes);
}

static bool purge(void *context, void *pages, size_t bytes)
{
    const talus_provider *system = st_provider_system();

    (void)context;
    return system->purge(system->context, pages, bytes);
}

/* Both ends stay mapped, so nothing is counted. */
static bool move(void *context, void *from, void *to, size_t bytes)
{
    struct st_provider   *p = context;
    const talus_provider *system = st_provider_system();

    return !fails_now(p) && system->move(system->context, from, to, bytes);
}

void st_provider_start(struct st_provider *provider, uint64_t seed, unsigned fail_one_in)
{
    *provider = (struct st_provider){ .seed = st_mix(seed), .fail_one_in = fail_one_in };
    provider->calls.map = map;
    provider->calls.unmap = unmap;
    provider->calls.purge = st_provider_system()->purge != NULL ? purge : NULL;
    provider->calls.move = st_provider_system()->move != NULL ? move : NULL;
    provider->calls.context = provider;
    provider->calls.zeroed = st_provider_system()->zeroed;
}

void st_provider_check_empty(struct st_provider *provider)
{
    size_t left = atomic_load_explicit(&provider->outstanding, memory_order_relaxed);
    if (left != 0)
        st_fail("pages", "  the heap is destroyed, but %zu bytes were not returned to its provider",
                left);
}
