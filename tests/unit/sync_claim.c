/* sync_claim.c: sync/claim.h. R30: a cache has one user at a time, who sees what the one before
 * left. */
#include "sync_stubs.h"

#include "sync/claim.h"

enum { CACHES = 2, ROUNDS = TEST_ROUNDS(200000) };

struct cache {
    struct tl_claim claim;
    uintptr_t       uses;  /* holder of the claim */
    uintptr_t       twice; /* holder of the claim: 2 x uses */
    tl_atomic_word  users; /* at this moment */
};

struct caches {
    struct cache   caches[CACHES];
    tl_atomic_word claims; /* that succeeded */
    tl_atomic_word crowds; /* times that somebody was not alone */
};

static void use(struct caches *all, struct cache *cache)
{
    if (tl_add_relaxed(&cache->users, 1) != 0 || cache->twice != 2 * cache->uses)
        tl_add_relaxed(&all->crowds, 1);
    cache->uses++;
    cache->twice += 2;
    tl_add_relaxed(&cache->users, (uintptr_t)-1);
}

static void claim_and_leave(int index, void *shared)
{
    struct caches *all = shared;

    for (int i = 0; i < ROUNDS; i++) {
        struct cache *cache = &all->caches[(i + index) % CACHES];
        if (!tl_claim_try(&cache->claim))
            continue;
        tl_add_relaxed(&all->claims, 1);
        use(all, cache);
        if (i % 2 == 0) {
            tl_claim_drop(&cache->claim);
        } else {
            tl_claim_enter(&cache->claim);
            use(all, cache);
            tl_claim_leave(&cache->claim);
        }
    }
}

static void one_user_at_a_time(void **state)
{
    static struct caches all;
    uintptr_t            uses = 0;

    (void)state;
    sync_run_threads(SYNC_THREADS, claim_and_leave, &all);
    assert_int_equal(tl_load_relaxed(&all.crowds), 0);
    for (int i = 0; i < CACHES; i++) {
        assert_int_equal(tl_claim_state(&all.caches[i].claim), TL_IDLE);
        assert_int_equal(all.caches[i].twice, 2 * all.caches[i].uses);
        uses += all.caches[i].uses;
    }
    assert_in_range(uses, tl_load_relaxed(&all.claims), 2 * tl_load_relaxed(&all.claims));
    assert_true(tl_load_relaxed(&all.claims) > 0);
}

static void only_an_idle_one_is_claimed(void **state)
{
    struct tl_claim claim = { TL_ATOMIC_INIT(TL_IDLE) };

    (void)state;
    assert_true(tl_claim_try(&claim));
    assert_int_equal(tl_claim_state(&claim), TL_CLAIMED);
    assert_false(tl_claim_try(&claim));
    tl_claim_drop(&claim);
    assert_true(tl_claim_try(&claim));
    tl_claim_enter(&claim);
    assert_int_equal(tl_claim_state(&claim), TL_LIVE);
    assert_false(tl_claim_try(&claim));
    tl_claim_leave(&claim);
    assert_int_equal(tl_claim_state(&claim), TL_IDLE);
    tl_claim_lose(&claim);
    assert_int_equal(tl_claim_state(&claim), TL_LOST);
    assert_false(tl_claim_try(&claim));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_an_idle_one_is_claimed),
        cmocka_unit_test(one_user_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
