/* sync_once.c: sync/once.h. R30: initialised once, seen whole by all; a failed initialisation is
 * tried again. */
#include "sync_stubs.h"

#include "sync/once.h"

enum { THINGS = TEST_ROUNDS(20000) };

struct thing {
    struct tl_once once;
    int            attempts; /* initialiser */
    int            value;    /* initialiser, then everybody reads */
};

struct things {
    struct thing   things[THINGS];
    tl_atomic_word unready; /* times that a thing was said to be done and was not */
};

static void initialise_all(int index, void *shared)
{
    struct things *all = shared;

    (void)index;
    for (int i = 0; i < THINGS; i++) {
        struct thing *thing = &all->things[i];
        while (!tl_once_is_done(&thing->once) && tl_once_begin(&thing->once)) {
            if (++thing->attempts < 1 + i % 3) {
                tl_once_undo(&thing->once);
                continue;
            }
            thing->value = i + 1;
            tl_once_done(&thing->once);
        }
        if (thing->value != i + 1)
            tl_add_relaxed(&all->unready, 1);
    }
}

static void all_see_one_initialisation(void **state)
{
    struct things *all = calloc(1, sizeof(*all));
    int            wrong = 0;

    (void)state;
    assert_non_null(all);
    sync_run_threads(SYNC_THREADS, initialise_all, all);
    assert_int_equal(tl_load_relaxed(&all->unready), 0);
    for (int i = 0; i < THINGS; i++)
        wrong += all->things[i].attempts != 1 + i % 3;
    assert_int_equal(wrong, 0);
    free(all);
}

static void states_follow_the_calls(void **state)
{
    struct tl_once once = TL_ONCE_INIT;

    (void)state;
    assert_false(tl_once_is_done(&once));
    assert_true(tl_once_begin(&once));
    assert_false(tl_once_is_done(&once));
    tl_once_undo(&once);
    assert_false(tl_once_is_done(&once));
    assert_true(tl_once_begin(&once));
    tl_once_done(&once);
    assert_true(tl_once_is_done(&once));
    assert_false(tl_once_begin(&once));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_follow_the_calls),
        cmocka_unit_test(all_see_one_initialisation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
