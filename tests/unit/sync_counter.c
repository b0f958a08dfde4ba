/* sync_counter.c: sync/counter.h. Nothing is lost, by one writer or by many, and readers see whole
 * values. */
#include "sync_stubs.h"

#include "sync/counter.h"

enum { ROUNDS = TEST_ROUNDS(200000) };

struct counters {
    struct tl_counter shared;
    struct tl_counter own[SYNC_THREADS];
    tl_atomic_word    backwards; /* reads below an earlier one of a counter that only grows */
};

static void count(int index, void *shared)
{
    struct counters *counters = shared;
    uintptr_t        seen = 0;

    for (int i = 0; i < ROUNDS; i++) {
        uintptr_t now = tl_counter_read(&counters->own[(index + 1) % SYNC_THREADS]);
        if (now < seen)
            tl_add_relaxed(&counters->backwards, 1);
        seen = now;
        tl_counter_add_shared(&counters->shared, 3);
        tl_counter_add_shared(&counters->shared, (uintptr_t)-1);
        tl_counter_add_owner(&counters->own[index], 5);
    }
}

static void nothing_is_lost(void **state)
{
    static struct counters counters;

    (void)state;
    sync_run_threads(SYNC_THREADS, count, &counters);
    assert_int_equal(tl_counter_read(&counters.shared), 2 * SYNC_THREADS * ROUNDS);
    for (int i = 0; i < SYNC_THREADS; i++)
        assert_int_equal(tl_counter_read(&counters.own[i]), 5 * ROUNDS);
    assert_int_equal(tl_load_relaxed(&counters.backwards), 0);
}

static void a_counter_goes_down_too(void **state)
{
    struct tl_counter counter = { TL_ATOMIC_INIT(0) };

    (void)state;
    tl_counter_add_owner(&counter, 10);
    tl_counter_add_owner(&counter, (uintptr_t)-4);
    assert_int_equal(tl_counter_read(&counter), 6);
    assert_int_equal(tl_counter_add_shared(&counter, (uintptr_t)-6), 6);
    assert_int_equal(tl_counter_read(&counter), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_goes_down_too),
        cmocka_unit_test(nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
