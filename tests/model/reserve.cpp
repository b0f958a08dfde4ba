/* reserve.cpp: sync/slots.h under relacy, as the interrupt reserve uses it. R31: of all who take
 * one block exactly one has it; R33: what was set aside is there until it is taken, with its
 * contents.
 *
 * Two takers, one of whom puts back what it took; a putter; and a refiller, who puts a fresh block
 * where he saw an empty slot. Contents are plain fields: a take that does not see what the putter
 * wrote is a race. */
#include "model.h"
#include "sync/slots.h"

enum { TAKERS = 2, PUTTER = TAKERS, REFILLER, ACTORS, SLOTS = 2, BLOCKS = 3 };

struct block {
    TL_PLAIN(int) contents;
    int           holders; /* unknown to relacy, as all below */
};

struct reserve_test : rl::test_suite<reserve_test, ACTORS> {
    enum { preemptions_max = 2 };

    tl_atomic_word  array[SLOTS];
    struct tl_slots slots;
    struct block    blocks[BLOCKS];  /* 0: there from the start; 1: the putter's; 2: the refiller's
                                     * */
    bool            refused[BLOCKS]; /* no slot was empty: the heap has it again */
    struct block   *kept;            /* by the second taker */

    void before()
    {
        slots.slot = array;
        slots.count = SLOTS;
        kept = NULL;
        for (int i = 0; i < BLOCKS; i++) {
            blocks[i].holders = i > 0;
            refused[i] = false;
        }
        tl_put(&blocks[0].contents, 1);
        tl_store_relaxed(&array[0], (uintptr_t)&blocks[0]);
    }

    void put(struct block *block, size_t start)
    {
        int number = (int)(block - blocks);

        tl_put(&block->contents, 1);
        block->holders--;
        if (!tl_slots_put(&slots, start, block)) {
            block->holders++;
            refused[number] = true;
        }
    }

    struct block *take(size_t start)
    {
        struct block *block = (struct block *)tl_slots_take(&slots, start);

        if (block == NULL)
            return NULL;
        block->holders++;
        RL_ASSERT(block->holders == 1); /* nobody else was given it */
        RL_ASSERT(tl_get(&block->contents) == 1);
        tl_put(&block->contents, 0); /* the taker's now: another who touched it would race */
        return block;
    }

    void thread(unsigned index)
    {
        if (index == PUTTER) {
            put(&blocks[1], 1);
        } else if (index == REFILLER) {
            if (tl_slots_full(&slots) < SLOTS)
                put(&blocks[2], 0);
            else
                refused[2] = true;
        } else {
            struct block *block = take(index);
            if (block != NULL && index == 0)
                put(block, 1);
            else
                kept = block != NULL ? block : kept;
        }
    }

    /* Every block is in one place. */
    void after()
    {
        int in_slots[BLOCKS] = { 0 };

        for (int i = 0; i < SLOTS; i++) {
            struct block *block = (struct block *)tl_load_relaxed(&array[i]);
            if (block != NULL)
                in_slots[block - blocks]++;
        }
        for (int i = 0; i < BLOCKS; i++)
            RL_ASSERT(in_slots[i] + (kept == &blocks[i]) + refused[i] == 1);
    }
};

int main(int argc, char **argv)
{
    return model_main<reserve_test>(argc, argv);
}
