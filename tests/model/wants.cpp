/* wants.cpp: sync/wants.h under relacy, with the slots and counts of a reserve, as core/reserve.c
 * puts them together. R34: no shortage goes unasked.
 *
 * Two reserves of one heap. Three takers, who ask when they leave too little; one slow exit, which
 * answers what is raised, twice if need be. At the end a reserve that is short is asked for, and
 * the heap's slow exits are told. */
#include "sync/wants.h"
#include "model.h"
#include "sync/counter.h"
#include "sync/slots.h"

enum { RESERVES = 2, SLOTS = 2, TAKERS = 3, ANSWERER = TAKERS, ACTORS };

struct reserve {
    tl_atomic_word    array[SLOTS];
    struct tl_slots   slots;
    struct tl_counter given;
    struct tl_counter taken;
    tl_atomic_u32     wanted;
    int               brought; /* unknown to relacy: which fresh block comes next */
};

struct wants_test : rl::test_suite<wants_test, ACTORS> {
    enum { preemptions_max = 2 };

    tl_atomic_u32  wants; /* the heap's */
    struct reserve reserves[RESERVES];
    char           blocks[RESERVES][2 * SLOTS]; /* their addresses alone count */

    void before()
    {
        for (int i = 0; i < RESERVES; i++) {
            struct reserve *reserve = &reserves[i];

            reserve->slots.slot = reserve->array;
            reserve->slots.count = SLOTS;
            reserve->brought = 0;
            for (int k = 0; k < SLOTS; k++)
                give(reserve);
        }
    }

    void give(struct reserve *reserve)
    {
        int number = (int)(reserve - reserves);

        if (reserve->brought == 2 * SLOTS)
            return;
        if (tl_slots_put(&reserve->slots, 0, &blocks[number][reserve->brought])) {
            reserve->brought++;
            (void)tl_counter_add_shared(&reserve->given, 1);
        }
    }

    uintptr_t left(struct reserve *reserve)
    {
        return tl_counter_read(&reserve->given) - tl_counter_read(&reserve->taken);
    }

    void take(struct reserve *reserve)
    {
        RL_ASSERT(tl_slots_take(&reserve->slots, 0) != NULL); /* there are as many as takers */

        uintptr_t taken = tl_counter_add_shared(&reserve->taken, 1) + 1;

        if (tl_counter_read(&reserve->given) - taken < SLOTS && tl_wanted_ask(&reserve->wanted))
            tl_wants_now(&wants);
    }

    void answer()
    {
        if (tl_load32_relaxed(&wants) != TL_WANTS_NOW)
            return;
        tl_wants_take(&wants);
        for (int i = 0; i < RESERVES; i++) {
            struct reserve *reserve = &reserves[i];

            if (tl_load32_relaxed(&reserve->wanted) == 0)
                continue;
            tl_wanted_begin(&reserve->wanted);
            if (left(reserve) < SLOTS) /* one block for each answer, as TL_RESERVE_REFILL_MAX */
                give(reserve);
            if (left(reserve) < SLOTS) {
                (void)tl_wanted_ask(&reserve->wanted);
                tl_wants_now(&wants);
            }
        }
    }

    void thread(unsigned index)
    {
        if (index == ANSWERER) {
            answer();
            answer();
        } else {
            take(&reserves[index / 2]); /* two of them share the first */
        }
    }

    void after()
    {
        for (int i = 0; i < RESERVES; i++)
            if (tl_slots_full(&reserves[i].slots) < SLOTS) {
                RL_ASSERT(tl_load32_relaxed(&reserves[i].wanted) == 1);
                RL_ASSERT(tl_load32_relaxed(&wants) == TL_WANTS_NOW);
            }
    }
};

int main(int argc, char **argv)
{
    return model_main<wants_test>(argc, argv);
}
