/* owner.cpp: a span changes its owner while others free its blocks, over sync/claim.h and
 * sync/mpsc.h under relacy, as core/adopt.c does it. R30: whoever finds himself its owner is its
 * only user; each block that was freed is found once, on the span's list or in an inbox.
 *
 * The first owner frees a block, by the look at `owner` that every free begins with, and leaves.
 * One cache adopts the span out of the one that was left; another thread takes the cache over whole
 * and frees a block of the span in its turn: the look must tell it whether the span has gone. A
 * stranger frees a block meanwhile, to whichever owner he sees. `owner` is relaxed throughout: the
 * claims alone must order it. */
#include "model.h"
#include "sync/claim.h"
#include "sync/mpsc.h"

enum { FIRST, ADOPTER, HEIR, STRANGER, THREADS, BLOCKS = THREADS };

struct cache {
    struct tl_claim claim;
    struct tl_inbox inbox;
    TL_PLAIN(int)   has_span; /* holder of the claim: the span is on its lists */
};

struct owner_test : rl::test_suite<owner_test, THREADS> {
    enum { preemptions_max = 2 };

    struct cache    left, fresh;
    tl_atomic_word  owner; /* struct cache * */
    TL_PLAIN(int)   freed; /* owner: blocks on the span's list */
    struct tl_block blocks[BLOCKS];

    void before()
    {
        tl_store32_relaxed(&left.claim.state, TL_LIVE);
        tl_store32_relaxed(&fresh.claim.state, TL_LIVE);
        tl_store_relaxed(&owner, (uintptr_t)&left);
        tl_put(&left.has_span, 1);
        tl_put(&fresh.has_span, 0);
        tl_put(&freed, 0);
    }

    /* A free by a thread whose cache is `self`. */
    void release(struct cache *self, struct tl_block *block)
    {
        struct cache *now = (struct cache *)tl_load_relaxed(&owner);

        if (now == self) {
            RL_ASSERT(tl_get(&self->has_span) == 1);
            tl_put(&freed, tl_get(&freed) + 1);
            return;
        }
        tl_put(&block->next, (struct tl_block *)NULL);
        tl_inbox_push_mpsc(&now->inbox, block);
    }

    void adopt()
    {
        if (!tl_claim_try(&left.claim))
            return;
        if (tl_get(&left.has_span) == 1) {
            tl_put(&left.has_span, 0);
            tl_put(&freed, tl_get(&freed)); /* what the one before left on it */
            tl_store_relaxed(&owner, (uintptr_t)&fresh);
            tl_put(&fresh.has_span, 1);
        }
        tl_claim_drop(&left.claim);
    }

    void thread(unsigned index)
    {
        if (index == FIRST) {
            release(&left, &blocks[FIRST]);
            tl_claim_leave(&left.claim);
        } else if (index == ADOPTER) {
            adopt();
            release(&fresh, &blocks[ADOPTER]);
        } else if (index == HEIR) {
            if (!tl_claim_try(&left.claim))
                return;
            tl_claim_enter(&left.claim);
            release(&left, &blocks[HEIR]);
            tl_claim_leave(&left.claim);
        } else {
            struct cache none;

            release(&none, &blocks[STRANGER]);
        }
    }

    int arrived(struct cache *cache)
    {
        int count = 0;

        for (struct tl_block *batch = tl_inbox_drain(&cache->inbox); batch != NULL;
             batch = tl_get(&batch->next_batch))
            for (struct tl_block *block = batch; block != NULL; block = tl_get(&block->next))
                count++;
        return count;
    }

    void after()
    {
        int found = tl_get(&freed) + arrived(&left) + arrived(&fresh);

        RL_ASSERT(tl_get(&left.has_span) + tl_get(&fresh.has_span) == 1);
        RL_ASSERT(found == THREADS || found == THREADS - 1); /* the heir may have found no cache */
    }
};

int main(int argc, char **argv)
{
    return model_main<owner_test>(argc, argv);
}
