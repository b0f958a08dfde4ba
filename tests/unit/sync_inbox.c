/* sync_inbox.c: sync/mpsc.h. R30: every pushed block arrives exactly once, whole, and in the order
 * that the list promises. */
#include "sync_stubs.h"

#include "sync/mpsc.h"

enum { PUSHERS = 3, BLOCKS = TEST_ROUNDS(300000), BATCH_MAX = 7 };

struct piece {
    struct tl_block link;
    int             pusher;
    int             number;  /* counts up per pusher */
    int             arrived; /* owner */
};

struct traffic {
    struct tl_inbox inbox;
    struct piece    pieces[PUSHERS][BLOCKS];
    tl_atomic_word  pushes_on_empty;
    tl_atomic_word  pushers_done;
    /* owner: */
    int drains;      /* that found something */
    int arrived;     /* blocks */
    int bad_content; /* blocks that did not look as they were sent */
    int bad_order;   /* batches of one pusher that were not newest first */
};

static void push_all(struct traffic *traffic, int pusher)
{
    int next = 0;

    while (next < BLOCKS) {
        int batch = 1 + (next * 31 + pusher) % BATCH_MAX;
        int first = next;

        for (int i = 0; i < batch && next < BLOCKS; i++, next++) {
            struct piece *piece = &traffic->pieces[pusher][next];
            piece->pusher = pusher;
            piece->number = next;
            piece->link.next = NULL;
            if (next > first)
                piece[-1].link.next = &piece->link;
        }
        if (tl_inbox_push_mpsc(&traffic->inbox, &traffic->pieces[pusher][first].link))
            tl_add_relaxed(&traffic->pushes_on_empty, 1);
    }
    tl_add_acq_rel(&traffic->pushers_done, 1);
}

static void take(struct traffic *traffic)
{
    int              last[PUSHERS] = { BLOCKS, BLOCKS, BLOCKS };
    struct tl_block *batch = tl_inbox_drain(&traffic->inbox);

    traffic->drains += batch != NULL;
    for (; batch != NULL; batch = tl_get(&batch->next_batch)) {
        struct piece *first = (struct piece *)batch;
        int           expected = first->number;

        if (first->number >= last[first->pusher])
            traffic->bad_order++;
        last[first->pusher] = first->number;
        for (struct tl_block *block = batch; block != NULL; block = tl_get(&block->next)) {
            struct piece *piece = (struct piece *)block;
            if (piece->number != expected++ || piece->pusher != first->pusher)
                traffic->bad_content++;
            piece->arrived++;
            traffic->arrived++;
        }
    }
}

static void push_or_drain(int index, void *shared)
{
    struct traffic *traffic = shared;

    if (index < PUSHERS) {
        push_all(traffic, index);
        return;
    }
    while (tl_load_acquire(&traffic->pushers_done) < PUSHERS)
        if (!tl_inbox_is_empty(&traffic->inbox))
            take(traffic);
    take(traffic);
}

static void every_block_arrives_once(void **state)
{
    struct traffic *traffic = calloc(1, sizeof(*traffic));
    int             wrong = 0;

    (void)state;
    assert_non_null(traffic);
    sync_run_threads(PUSHERS + 1, push_or_drain, traffic);
    assert_int_equal(traffic->arrived, PUSHERS * BLOCKS);
    assert_int_equal(traffic->bad_content, 0);
    assert_int_equal(traffic->bad_order, 0);
    for (int pusher = 0; pusher < PUSHERS; pusher++)
        for (int i = 0; i < BLOCKS; i++)
            wrong += traffic->pieces[pusher][i].arrived != 1;
    assert_int_equal(wrong, 0);
    assert_int_equal(tl_load_relaxed(&traffic->pushes_on_empty), traffic->drains);
    free(traffic);
}

static void newest_batch_comes_first(void **state)
{
    static struct tl_inbox inbox;
    struct tl_block        a = { NULL, NULL };
    struct tl_block        c = { NULL, NULL };
    struct tl_block        b = { &c, NULL };

    (void)state;
    assert_true(tl_inbox_is_empty(&inbox));
    assert_null(tl_inbox_drain(&inbox));
    assert_true(tl_inbox_push_mpsc(&inbox, &a));
    assert_false(tl_inbox_push_mpsc(&inbox, &b));
    assert_false(tl_inbox_is_empty(&inbox));
    assert_ptr_equal(tl_inbox_drain(&inbox), &b);
    assert_ptr_equal(b.next, &c);
    assert_ptr_equal(b.next_batch, &a);
    assert_null(a.next_batch);
    assert_true(tl_inbox_is_empty(&inbox));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newest_batch_comes_first),
        cmocka_unit_test(every_block_arrives_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
