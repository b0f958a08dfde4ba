/* handover.cpp: batches between caches, over sync/mpsc.h under relacy, as core/remote.c and
 * core/cache.c hand them over. R30: a block that anybody freed comes home once, whichever caches
 * it goes through, with what its last user wrote.
 *
 * A stranger frees blocks of two owners as one batch, which goes whole to the owner of its newest
 * block. That one uses its own at once, and sends the other's on, in a batch of its own. Meanwhile
 * the second owner frees a block of the first, and the first hands a block that just came back to
 * the stranger, who frees it again: a head that was seen before lies in the inbox once more, which
 * must harm nobody who pushes over it (ABA). */
#include "model.h"
#include "sync/mpsc.h"

enum { STRANGER, FIRST, SECOND, CACHES };

struct piece {
    struct tl_block link; /* first: a block's address is its piece's */
    TL_PLAIN(int)   contents;
    int             owner; /* constant, as all below unknown to relacy */
    int             home;  /* times that it came home */
};

enum { TRAVELLER, OWN, OTHER, FROM_SECOND, PIECES };

struct handover_test : rl::test_suite<handover_test, CACHES> {
    enum { preemptions_max = 2 };

    struct tl_inbox inbox[CACHES];
    struct piece    pieces[PIECES];
    int             trips; /* of the traveller, to the stranger */

    void before()
    {
        for (int i = 0; i < PIECES; i++) {
            pieces[i].owner = i == OTHER ? SECOND : FIRST;
            pieces[i].home = 0;
            tl_put(&pieces[i].contents, 0);
        }
        trips = 0;
    }

    void use(struct piece *piece)
    {
        tl_put(&piece->contents, tl_get(&piece->contents) + 1);
    }

    void send(int to, struct piece *piece, struct piece *older)
    {
        tl_put(&piece->link.next, older != NULL ? &older->link : (struct tl_block *)NULL);
        if (older != NULL)
            tl_put(&older->link.next, (struct tl_block *)NULL);
        tl_inbox_push_mpsc(&inbox[to], &piece->link);
    }

    /* Takes in what came. `travels`: the traveller goes to the stranger once. */
    void drain(int self, bool travels)
    {
        struct tl_block *batch = tl_inbox_drain(&inbox[self]);

        while (batch != NULL) {
            struct tl_block *older = tl_get(&batch->next_batch); /* before the batch is used */
            for (struct tl_block *block = batch; block != NULL;) {
                struct piece    *piece = (struct piece *)block;
                struct tl_block *next = tl_get(&block->next);

                use(piece);
                if (piece->owner != self) {
                    send(piece->owner, piece, NULL);
                } else if (travels && piece == &pieces[TRAVELLER] && trips == 0) {
                    trips++;
                    send(STRANGER, piece, NULL); /* the program's own hand-over is alike */
                } else {
                    piece->home++;
                    RL_ASSERT(piece->home == 1);
                }
                block = next;
            }
            batch = older;
        }
    }

    void thread(unsigned index)
    {
        if (index == STRANGER) {
            use(&pieces[TRAVELLER]);
            send(FIRST, &pieces[TRAVELLER], NULL);
            use(&pieces[OWN]);
            use(&pieces[OTHER]);
            send(FIRST, &pieces[OWN], &pieces[OTHER]);
            drain(STRANGER, false); /* whose blocks all go back to where they belong */
        } else if (index == FIRST) {
            drain(FIRST, true);
            drain(FIRST, true);
        } else {
            use(&pieces[FROM_SECOND]);
            send(FIRST, &pieces[FROM_SECOND], NULL);
            drain(SECOND, false);
        }
    }

    void after()
    {
        for (int round = 0; round < 3; round++)
            for (int cache = 0; cache < CACHES; cache++)
                drain(cache, false);
        for (int i = 0; i < PIECES; i++) {
            /* each user's write, and each cache's that it came through, in order */
            int writes = i == OTHER || i == TRAVELLER ? 3 : 2;

            if (i == TRAVELLER)
                writes = trips == 0 ? 2 : 4;
            RL_ASSERT(pieces[i].home == 1);
            RL_ASSERT(tl_get(&pieces[i].contents) == writes);
        }
    }
};

int main(int argc, char **argv)
{
    return model_main<handover_test>(argc, argv);
}
