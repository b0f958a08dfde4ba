/* idle.c: programs at rest.
 * 1 Purpose     After the load nearly everything is free: who gives it back, and when? Once with a
 *               trickle of small calls, in which an allocator can do it, and once without a single
 *               call.
 * 2 States      Phases. A phase fills BURST_BYTES, replaces random blocks twice over, frees all but
 *               a random hundredth, and rests. What survived goes when the next phase fills its
 *               place.
 *               The last phase leaves nothing, and rests longest.
 * 3 Time        of the active parts alone; the resident size is noted all along (rss.h) */
#define _GNU_SOURCE
#include "tools/talus/load/load.h"
#include "tools/talus/load/rss.h"

#include <time.h>

#define BURST_BYTES  (UINT64_C(64) << 20)
#define REST_MS      300u  /* shorter than what most allocators wait before they give back */
#define LAST_REST_MS 1500u /* longer than some of them wait */
#define SURVIVORS    100u  /* one block in so many, before the last phase */
#define LOOK_EVERY   64u   /* calls */

static uint32_t sizes[TL_SIZES_COUNT]; /* the one thread */

void tl_load_idle(uint64_t ms, bool silent)
{
    const struct timespec pause = { 0, 10000000 };
    void                 *blocks[64];
    uint64_t              end = tl_load_now() + ms * 1000000;
    while (tl_load_now() < end) {
        nanosleep(&pause, NULL);
        for (unsigned i = 0; !silent && i < 64; i++)
            blocks[i] = tl_load_take(16 + i * 8);
        for (unsigned i = 0; !silent && i < 64; i++)
            tl_load_give(blocks[i]);
        tl_rss_look();
    }
}

static uint32_t burst_blocks(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < TL_SIZES_COUNT; i++)
        sum += sizes[i];
    return (uint32_t)(BURST_BYTES * TL_SIZES_COUNT / sum);
}

static void replace(void **slot, uint64_t i)
{
    if (*slot != NULL)
        tl_load_give(*slot);
    *slot = tl_load_take(sizes[i % TL_SIZES_COUNT]);
    if (i % LOOK_EVERY == 0)
        tl_rss_look();
}

/* One block in `survivors` survives; 0: none. */
static void phase(void **slots, uint32_t n, struct tl_rng *rng, uint32_t survivors)
{
    for (uint32_t i = 0; i < n; i++)
        replace(&slots[i], i);
    for (uint32_t i = 0; i < 2 * n; i++)
        replace(&slots[tl_rng_below(rng, n)], i);
    for (uint32_t i = 0; i < n; i++) {
        if (survivors != 0 && tl_rng_below(rng, survivors) == 0)
            continue;
        tl_load_give(slots[i]);
        slots[i] = NULL;
        if (i % LOOK_EVERY == 0)
            tl_rss_look();
    }
}

/* As many phases as `ops` says; peers = 1: no call at all at rest. */
void tl_run_phases(const struct tl_load *load, struct tl_load_result *result)
{
    struct tl_rng rng = { load->seed };
    uint64_t      phases = tl_load_ops(load);
    tl_load_sizes(sizes, load);
    uint32_t n = burst_blocks();
    void   **slots = tl_load_map(n * sizeof *slots);
    tl_rss_begin();
    for (uint64_t p = 0; p < phases; p++) {
        bool     last = p + 1 == phases;
        uint64_t start = tl_load_now();
        phase(slots, n, &rng, last ? 0 : SURVIVORS);
        result->ns += tl_load_now() - start;
        uint64_t cpu_start = tl_load_cpu_now();
        tl_load_idle(last ? LAST_REST_MS : REST_MS, load->peers == 1);
        result->cpu_apart_ns += tl_load_cpu_now() - cpu_start;
    }
    result->ops = phases * 3 * n;
    tl_load_unmap(slots, n * sizeof *slots);
}
