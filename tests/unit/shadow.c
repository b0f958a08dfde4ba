/* shadow.c: the oracle's shadow places its leaves while threads ask at once: each granule has one
 * word for good, or none for good (R46). */
#include <pthread.h>
#include <sched.h>
#include <sys/time.h>

#include "lib/test.h"
#include "stress/hosted/shadow.h"
#include "stress/lib/oracle.h"

enum { THREADS = 2, REGIONS = 64, ROUNDS = 10000, SECONDS = 5 };

#define REGION_GRANULES (((uintptr_t)1 << 22) / ST_GRANULE)

/* Some granule of region n of a round, the regions of which begin anywhere. */
static uintptr_t granule(unsigned round, unsigned n)
{
    return (round % 100 + n + 1) * REGION_GRANULES + 5 + n;
}

static struct {
    _Atomic unsigned  round;                  /* the last that may begin */
    _Atomic unsigned  arrived;                /* threads, in all rounds: so that they ask at once */
    _Atomic unsigned  done;                   /* the same */
    _Atomic uint32_t *said[THREADS][REGIONS]; /* its thread, until it is done */
} race;

static void wait_for(_Atomic unsigned *count, unsigned least)
{
    for (unsigned looks = 0; atomic_load_explicit(count, memory_order_acquire) < least; looks++)
        if (looks > 100)
            sched_yield();
}

static void count_in(_Atomic unsigned *count)
{
    atomic_fetch_add_explicit(count, 1, memory_order_acq_rel);
}

/* With half as many leaves as regions the threads want the same leaf all the time, for another
 * region each. */
static void ask(unsigned thread, unsigned round)
{
    count_in(&race.arrived);
    wait_for(&race.arrived, THREADS * round);
    for (unsigned i = 0; i < REGIONS; i++) {
        unsigned n = (i + thread * REGIONS / THREADS) % REGIONS;
        race.said[thread][n] = st_oracle_word(granule(round, n));
    }
    count_in(&race.done);
}

static void *other_main(void *argument)
{
    (void)argument;
    for (unsigned round = 1; round <= ROUNDS; round++) {
        wait_for(&race.round, round);
        if (atomic_load_explicit(&race.round, memory_order_relaxed) > ROUNDS)
            break;
        ask(1, round);
    }
    return NULL;
}

/* Both were told the same, and are told so again; two regions do not share; no leaf is lost. */
static void judge(unsigned round, unsigned leaves)
{
    _Atomic uint32_t *begin[REGIONS];
    unsigned          placed = 0;

    for (unsigned n = 0; n < REGIONS; n++) {
        _Atomic uint32_t *word = race.said[0][n];
        assert_ptr_equal(word, race.said[1][n]);
        assert_ptr_equal(word, st_oracle_word(granule(round, n)));
        if (word == NULL)
            continue;
        begin[placed] = word - granule(round, n) % REGION_GRANULES;
        for (unsigned other = 0; other < placed; other++)
            assert_ptr_not_equal(begin[placed], begin[other]);
        placed++;
    }
    assert_int_equal(placed, leaves);
}

static void leaves_are_placed_once(void **state)
{
    struct timeval begin, now;
    pthread_t      other;

    (void)state;
    gettimeofday(&begin, NULL);
    assert_int_equal(pthread_create(&other, NULL, other_main, NULL), 0);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        static const unsigned some[] = { REGIONS / 2, 1, REGIONS / 2, REGIONS };
        unsigned              leaves = some[round % 4];
        assert_true(st_shadow_start(leaves));
        atomic_store_explicit(&race.round, round, memory_order_release);
        ask(0, round);
        wait_for(&race.done, THREADS * round);
        judge(round, leaves);
        st_shadow_end();
        gettimeofday(&now, NULL);
        if (now.tv_sec - begin.tv_sec >= SECONDS)
            break;
    }
    atomic_store_explicit(&race.round, ROUNDS + 1, memory_order_release);
    pthread_join(other, NULL);
}

/* As many as the addresses have: a request for more is no mistake. */
static void as_many_as_are_of_use(void **state)
{
    struct st_conflict conflict;

    (void)state;
    assert_true(st_shadow_start(UINT32_MAX));
    assert_true(st_oracle_claim(&conflict, sizeof(conflict), 1, &conflict));
    assert_int_equal(st_oracle_count(&conflict, sizeof(conflict), 1),
                     (sizeof(conflict) + ST_GRANULE - 1) / ST_GRANULE);
    assert_int_equal(st_oracle_untracked(), 0);
    st_shadow_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_are_placed_once),
        cmocka_unit_test(as_many_as_are_of_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
