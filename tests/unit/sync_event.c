/* sync_event.c: sync/event.h. R30: a condition that was signalled is seen; nobody sleeps on. A lost
 * wake shows as a timeout. */
#include "sync_stubs.h"

#include "sync/event.h"

enum { TURNS = TEST_ROUNDS(20000) };

struct table {
    struct tl_event event;
    tl_atomic_word  turn;   /* release by who had the turn, acquire by the next */
    uintptr_t       served; /* whoever's turn it is */
};

static void wait_for_turn(struct table *table, uintptr_t turn)
{
    for (;;) {
        uint32_t ticket = tl_event_prepare(&table->event);
        if (tl_load_acquire(&table->turn) == turn)
            return;
        tl_event_wait(&table->event, ticket);
    }
}

static void take_turns(int index, void *shared)
{
    struct table *table = shared;

    for (uintptr_t turn = (uintptr_t)index; turn < TURNS; turn += SYNC_THREADS) {
        wait_for_turn(table, turn);
        table->served++;
        tl_store_release(&table->turn, turn + 1);
        tl_event_signal_all(&table->event);
    }
}

static void every_turn_comes(void **state)
{
    static struct table table;

    (void)state;
    sync_run_threads(SYNC_THREADS, take_turns, &table);
    assert_int_equal(table.served, TURNS);
    assert_int_equal(tl_load_relaxed(&table.turn), TURNS);
}

static void old_ticket_does_not_wait(void **state)
{
    struct tl_event event = TL_EVENT_INIT;
    uint32_t        ticket = tl_event_prepare(&event);

    (void)state;
    tl_event_signal_all(&event);
    tl_event_wait(&event, ticket); /* returns, or this test never ends */
    assert_int_not_equal(tl_event_prepare(&event), ticket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_ticket_does_not_wait),
        cmocka_unit_test(every_turn_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
