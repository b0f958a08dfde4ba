/* claim.cpp: sync/claim.h under relacy. R30: an idle cache has one user at a time, who sees all
 * that the one before left.
 *
 * An owner who works and leaves, and two who want the cache: one takes it over whole, the other
 * adopts a span out of it. The cache's contents are plain fields, so two users at once, or one who
 * sees half of what was left, are races. */
#include "sync/claim.h"
#include "model.h"

struct claim_test : rl::test_suite<claim_test, 3> {
    enum { preemptions_max = 2 };

    struct tl_claim claim;
    TL_PLAIN(int)   spans;      /* holder of the claim */
    TL_PLAIN(int)   generation; /* holder of the claim: users so far */
    int             users;      /* as generation, unknown to relacy */
    int             adopted;    /* spans taken out */

    void before()
    {
        tl_store32_relaxed(&claim.state, TL_IDLE);
        tl_put(&spans, 0);
        tl_put(&generation, 0);
        users = 0;
        adopted = 0;
        RL_ASSERT(tl_claim_try(&claim));
        tl_claim_enter(&claim); /* for thread 0 */
    }

    void use()
    {
        RL_ASSERT(tl_get(&generation) == users);
        users++;
        tl_put(&generation, tl_get(&generation) + 1);
    }

    void live_and_leave()
    {
        use();
        tl_put(&spans, tl_get(&spans) + 2);
        tl_claim_leave(&claim);
    }

    void take_over()
    {
        if (!tl_claim_try(&claim))
            return;
        RL_ASSERT(tl_claim_state(&claim) == TL_CLAIMED || TL_MUTANT_claim_no_cas);
        tl_claim_enter(&claim);
        live_and_leave();
    }

    void adopt()
    {
        if (!tl_claim_try(&claim))
            return;
        use();
        RL_ASSERT(tl_get(&spans) >= 1); /* the owner left two, and we took one at most */
        tl_put(&spans, tl_get(&spans) - 1);
        adopted++;
        tl_claim_drop(&claim);
    }

    void thread(unsigned index)
    {
        if (index == 0) {
            live_and_leave();
        } else if (index == 1) {
            take_over();
            take_over();
        } else {
            adopt();
            adopt();
        }
    }

    void after()
    {
        RL_ASSERT(tl_claim_state(&claim) == TL_IDLE);
        RL_ASSERT(tl_get(&generation) == users);
        RL_ASSERT(tl_get(&spans) == 2 * (users - adopted) - adopted);
    }
};

int main(int argc, char **argv)
{
    return model_main<claim_test>(argc, argv);
}
