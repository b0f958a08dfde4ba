/* reclaim.cpp: the end of a span while others free into it, over sync/mpsc.h and sync/lock.h under
 * relacy, as core/cache_span.c and core/meta.c do it. R30, D1: a descriptor is used again only when
 * nobody who has a block of the span can still look at it.
 *
 * There is no grace period to wait for: a block counts as out until its owner walks it, so the last
 * one to come home says that every freer has read what he had to read. Two strangers look at the
 * descriptor, as a free does, and push one block each. The owner counts what comes home; with the
 * last block it gives the descriptor back, under the lock of the spare ones, and a third thread
 * that takes it from there makes something else of it: plain writes, over what the strangers read.
 * `owner` may be read late by who has no block: it is of a type that stays, and atomic. */
#include "model.h"
#include "sync/lock.h"
#include "sync/mpsc.h"

enum { STRANGERS = 2, OWNER = STRANGERS, TAKER, THREADS };

struct descriptor {
    tl_atomic_word owner;
    TL_PLAIN(int)  block_size; /* constant while a block is out */
    TL_PLAIN(int)  out;        /* owner */
};

struct reclaim_test : rl::test_suite<reclaim_test, THREADS> {
    enum { preemptions_max = 2 };

    struct tl_inbox               inbox;
    struct tl_lock                lock;
    struct descriptor             span;
    TL_PLAIN(struct descriptor *) spare; /* lock */
    struct tl_block               blocks[STRANGERS];

    void before()
    {
        tl_lock_init(&lock);
        tl_store_relaxed(&span.owner, (uintptr_t)&inbox);
        tl_put(&span.block_size, 64);
        tl_put(&span.out, STRANGERS);
        tl_put(&spare, (struct descriptor *)NULL);
    }

    void release(struct tl_block *block)
    {
        struct tl_inbox *to = (struct tl_inbox *)tl_load_relaxed(&span.owner);

        RL_ASSERT(to == &inbox); /* not 0: our block is out */
        RL_ASSERT(tl_get(&span.block_size) == 64);
        tl_put(&block->next, (struct tl_block *)NULL);
        tl_inbox_push_mpsc(to, block); /* from here on the descriptor may be anything */
    }

    void drain()
    {
        struct tl_block *batch = tl_inbox_drain(&inbox);

        for (; batch != NULL; batch = tl_get(&batch->next_batch)) {
            RL_ASSERT(tl_get(&batch->next) == NULL);
            tl_put(&span.out, tl_get(&span.out) - 1);
            if (tl_get(&span.out) > 0)
                continue;
            tl_store_relaxed(&span.owner, 0);
            tl_put(&span.block_size, 0);
            tl_lock_acquire(&lock);
            tl_put(&spare, &span);
            tl_lock_release(&lock);
        }
    }

    void thread(unsigned index)
    {
        if (index < STRANGERS) {
            release(&blocks[index]);
        } else if (index == OWNER) {
            drain();
            drain();
        } else {
            struct descriptor *taken;

            tl_lock_acquire(&lock);
            taken = tl_get(&spare);
            tl_lock_release(&lock);
            if (taken != NULL) {
                RL_ASSERT(tl_load_relaxed(&taken->owner) == 0);
                tl_put(&taken->block_size, 4096); /* another use */
                tl_put(&taken->out, 1);
            }
        }
    }

    void after()
    {
        drain();
        RL_ASSERT(tl_inbox_is_empty(&inbox));
        RL_ASSERT(tl_get(&spare) == &span);
    }
};

int main(int argc, char **argv)
{
    return model_main<reclaim_test>(argc, argv);
}
