/* inbox.cpp: sync/mpsc.h under relacy. R30: every block that is pushed arrives exactly once, with
 * its contents.
 *
 * Two pushers with two batches each, one owner who drains while they push. Contents and links are
 * plain fields, so a push that does not publish them, or a drain that does not acquire them, is a
 * race. */
#include "model.h"
#include "sync/mpsc.h"

enum { PUSHERS = 2, BLOCKS = 3, BATCHES = 2 };

struct piece {
    struct tl_block link; /* first: a block's address is its piece's */
    TL_PLAIN(int)   contents;
    int             arrived; /* owner alone, unknown to relacy */
};

struct inbox_test : rl::test_suite<inbox_test, PUSHERS + 1> {
    enum { preemptions_max = 2 };

    struct tl_inbox inbox;
    struct piece    pieces[PUSHERS][BLOCKS];
    int             said_empty; /* pushes that met an empty inbox */
    int             lists;      /* drains that found something */

    void before()
    {
        for (int pusher = 0; pusher < PUSHERS; pusher++)
            for (int i = 0; i < BLOCKS; i++)
                pieces[pusher][i].arrived = 0;
        said_empty = 0;
        lists = 0;
    }

    void push(int pusher)
    {
        struct piece *mine = pieces[pusher];

        for (int i = 0; i < BLOCKS; i++)
            tl_put(&mine[i].contents, pusher * 10 + i);
        tl_put(&mine[0].link.next, &mine[1].link); /* a batch of two, then one of one */
        tl_put(&mine[1].link.next, (struct tl_block *)NULL);
        tl_put(&mine[2].link.next, (struct tl_block *)NULL);
        said_empty += tl_inbox_push_mpsc(&inbox, &mine[0].link);
        said_empty += tl_inbox_push_mpsc(&inbox, &mine[2].link);
    }

    void drain()
    {
        struct tl_block *batch = tl_inbox_drain(&inbox);

        lists += batch != NULL;
        for (; batch != NULL; batch = tl_get(&batch->next_batch)) {
            for (struct tl_block *block = batch; block != NULL; block = tl_get(&block->next)) {
                struct piece *piece = (struct piece *)block;
                RL_ASSERT(tl_get(&piece->contents) % 10 < BLOCKS);
                piece->arrived++;
                RL_ASSERT(piece->arrived == 1);
                tl_put(&piece->contents,
                       0); /* the owner's now: a pusher who still touched it would race */
            }
        }
    }

    void thread(unsigned index)
    {
        if (index < PUSHERS) {
            push((int)index);
        } else {
            drain();
            if (!tl_inbox_is_empty(&inbox))
                drain();
        }
    }

    void after()
    {
        drain();
        RL_ASSERT(tl_inbox_is_empty(&inbox));
        for (int pusher = 0; pusher < PUSHERS; pusher++)
            for (int i = 0; i < BLOCKS; i++)
                RL_ASSERT(pieces[pusher][i].arrived == 1);
        RL_ASSERT(said_empty == lists);
    }
};

int main(int argc, char **argv)
{
    return model_main<inbox_test>(argc, argv);
}
