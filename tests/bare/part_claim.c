/* part_claim.c: sync/claim.h under preemption: plain data behind each claim has one user at a
 * time. */
#include "arch/port/bare/machine.h"
#include "sync/claim.h"
#include "tests/bare/parts.h"

enum { ROOMS = 3 };

static struct {
    TL_CACHE_LINE
    struct tl_claim claim;
    tl_atomic_u32   user;   /* atomic: thread + 1 that holds the claim; relaxed: orders nothing */
    uint32_t        visits; /* holder of the claim */
} rooms[ROOMS];

static uint32_t visits[THREADS_MAX]; /* their thread */

static BARE_WATCHED bool try_claim(struct tl_claim *claim)
{
    return tl_claim_try(claim);
}

/* Holds what the claim guards for a while. */
static void visit(unsigned room, unsigned thread, struct st_rng *rng)
{
    uint32_t visits_before = rooms[room].visits;
    uint32_t other = tl_swap32_relaxed(&rooms[room].user, thread + 1);

    if (other != 0)
        finding("claim: thread %u has it beside thread %u", thread, other - 1);
    linger(st_rng_below(rng, 16));
    rooms[room].visits = visits_before + 1;
    other = tl_swap32_relaxed(&rooms[room].user, 0);
    if (other != thread + 1)
        finding("claim: thread %u had it, and another came", thread);
}

static void work(unsigned thread, struct st_rng *rng)
{
    for (uint32_t i = 0; i < 8 * run.iterations; i++) {
        unsigned         room = st_rng_below(rng, ROOMS);
        struct tl_claim *claim = &rooms[room].claim;

        if (!try_claim(claim))
            continue;
        if (st_rng_one_in(rng, 2)) {
            tl_claim_enter(claim);
            visit(room, thread, rng);
            tl_claim_leave(claim);
        } else {
            visit(room, thread, rng);
            tl_claim_drop(claim);
        }
        visits[thread]++;
    }
    count_operations(8 * run.iterations);
}

static void judge(void)
{
    uintptr_t got = 0, wanted = 0;

    for (unsigned room = 0; room < ROOMS; room++) {
        got += rooms[room].visits;
        expect_equal("state of a claim", tl_claim_state(&rooms[room].claim), TL_IDLE);
    }
    for (unsigned thread = 0; thread < run.threads; thread++)
        wanted += visits[thread];
    expect_equal("claim: visits", got, wanted);
    if (wanted == 0)
        finding("claim: nobody ever got in");
}

const struct part part_claim = { "claim", NULL, work, NULL, judge };
