/* sync_slots.c: sync/slots.h. R31: a pointer is taken once, and what was put is there until it is
 * taken, whoever else takes and puts meanwhile. */
#include "sync_stubs.h"

#include "sync/slots.h"

enum { SLOTS = 7, ROUNDS = TEST_ROUNDS(200000) };

static tl_atomic_word  array[SLOTS];
static struct tl_slots slots = { array, SLOTS };
static char            items[SLOTS + 1];

static void clear(void)
{
    for (size_t i = 0; i < SLOTS; i++)
        tl_store_relaxed(&array[i], 0);
}

static void what_is_put_is_taken_once(void **state)
{
    (void)state;
    clear();
    assert_null(tl_slots_take(&slots, 3));
    assert_true(tl_slots_put(&slots, 3, &items[0]));
    assert_int_equal(tl_slots_full(&slots), 1);
    assert_ptr_equal(tl_slots_take(&slots, 0), &items[0]);
    assert_null(tl_slots_take(&slots, 0));
    assert_int_equal(tl_slots_full(&slots), 0);
}

/* From any start all slots are found, each once: in the order from there on. */
static void every_slot_is_found_from_every_start(void **state)
{
    (void)state;
    for (size_t start = 0; start < SLOTS; start++) {
        clear();
        for (size_t i = 0; i < SLOTS; i++)
            assert_true(tl_slots_put(&slots, start, &items[i]));
        assert_false(tl_slots_put(&slots, start, &items[SLOTS]));
        assert_int_equal(tl_slots_full(&slots), SLOTS);
        for (size_t i = 0; i < SLOTS; i++)
            assert_ptr_equal(tl_load_relaxed(&array[(start + i) % SLOTS]), &items[i]);
        for (size_t i = 0; i < SLOTS; i++)
            assert_ptr_equal(tl_slots_take(&slots, (start + 2) % SLOTS), &items[(2 + i) % SLOTS]);
        assert_null(tl_slots_take(&slots, start));
    }
}

static void one_slot_is_enough(void **state)
{
    struct tl_slots one = { array, 1 };

    (void)state;
    clear();
    assert_true(tl_slots_put(&one, 0, &items[0]));
    assert_false(tl_slots_put(&one, 0, &items[1]));
    assert_ptr_equal(tl_slots_take(&one, 0), &items[0]);
    assert_null(tl_slots_take(&one, 0));
}

struct owned {
    tl_atomic_word   holders; /* more than one: taken twice */
    TL_PLAIN(size_t) contents;
};

struct traffic {
    struct owned   owned[SLOTS]; /* as many as fit: a put always finds a slot in the end */
    tl_atomic_word twice;
    tl_atomic_word full;
    tl_atomic_word taken;
};

static void take_and_put(int index, void *shared)
{
    struct traffic *traffic = shared;

    for (int round = 0; round < ROUNDS; round++) {
        size_t        start = (size_t)(index + round) % SLOTS;
        struct owned *owned = tl_slots_take(&slots, start);

        if (owned == NULL)
            continue;
        if (tl_add_relaxed(&owned->holders, 1) != 0)
            tl_add_relaxed(&traffic->twice, 1);
        tl_put(&owned->contents, tl_get(&owned->contents) + 1);
        tl_add_relaxed(&owned->holders, (uintptr_t)-1);
        tl_add_relaxed(&traffic->taken, 1);
        while (!tl_slots_put(&slots, start, owned))
            tl_add_relaxed(&traffic->full, 1); /* the empty one was behind us */
    }
}

/* Several threads at once: none taken twice, none lost, the contents handed on in order (the
 * ThreadSanitizer build sees a race else). */
static void threads_share_them(void **state)
{
    static struct traffic traffic;
    size_t                changes = 0;

    (void)state;
    clear();
    for (size_t i = 0; i < SLOTS; i++)
        assert_true(tl_slots_put(&slots, 0, &traffic.owned[i]));
    sync_run_threads(SYNC_THREADS, take_and_put, &traffic);
    assert_int_equal(tl_load_relaxed(&traffic.twice), 0);
    assert_int_equal(tl_slots_full(&slots), SLOTS);
    for (size_t i = 0; i < SLOTS; i++) {
        assert_non_null(tl_slots_take(&slots, 0));
        changes += tl_get(&traffic.owned[i].contents);
    }
    assert_int_equal(changes, tl_load_relaxed(&traffic.taken));
    assert_true(changes >= ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_taken_once),
        cmocka_unit_test(every_slot_is_found_from_every_start),
        cmocka_unit_test(one_slot_is_enough),
        cmocka_unit_test(threads_share_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
