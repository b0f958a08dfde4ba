/* toys.cpp: what a model can find, each in a protocol of a few lines that has it: both of relacy's
 * searches must report it. R30.
 *
 *   model_toys KIND ITERATIONS    race, aba, deadlock or livelock; returns 1, as a model that
 *                                 fails, when both do, and 0 when one does not */
#include <cstring>

#include "arch/cpu.h"
#include "model.h"

/* A word is written, and published without order. */
struct race : rl::test_suite<race, 2> {
    enum { preemptions_max = 2 };

    tl_atomic_u32 published;
    TL_PLAIN(int) contents;

    void thread(unsigned index)
    {
        if (index == 0) {
            tl_put(&contents, 1);
            tl_store32_relaxed(&published, 1);
        } else if (tl_load32_acquire(&published) != 0) {
            RL_ASSERT(tl_get(&contents) == 1);
        }
    }
};

/* A stack whose pop compares the head with what it was. One pops two nodes and puts the first back
 * while the other is about to make the second the head. */
struct aba : rl::test_suite<aba, 2> {
    enum { preemptions_max = 2, NODES = 2, NONE = NODES };

    tl_atomic_u32 head;
    tl_atomic_u32 next[NODES]; /* all in order: what is wrong is the logic alone */
    int           owners[NODES];

    void before()
    {
        for (int node = 0; node < NODES; node++) {
            tl_store32_relaxed(&next[node], (uint32_t)node + 1);
            owners[node] = 0;
        }
        tl_store32_relaxed(&head, 0);
    }

    uint32_t pop()
    {
        uint32_t node = tl_load32_acquire(&head);

        while (node != NONE && !tl_cas32_acq_rel(&head, &node, tl_load32_acquire(&next[node])))
            ;
        if (node != NONE)
            RL_ASSERT(++owners[node] == 1);
        return node;
    }

    void push(uint32_t node)
    {
        uint32_t old = tl_load32_acquire(&head);

        owners[node]--;
        do
            tl_store32_release(&next[node], old);
        while (!tl_cas32_acq_rel(&head, &old, node));
    }

    void thread(unsigned index)
    {
        uint32_t first = pop();

        if (index == 0) {
            (void)pop();
            if (first != NONE)
                push(first);
        } else {
            (void)pop();
        }
    }
};

/* Who waits is woken by nobody. */
struct deadlock : rl::test_suite<deadlock, 2> {
    enum { preemptions_max = 2 };

    tl_atomic_u32 word;

    void thread(unsigned index)
    {
        if (index == 0)
            tl_store32_release(&word, 1);
        else
            tl_port_wait(&word, 0);
    }
};

/* Each says that he wants to go first, and waits until the other says so no more. */
struct livelock : rl::test_suite<livelock, 2> {
    enum { preemptions_max = 2 };

    tl_atomic_u32 wants[2];

    void thread(unsigned index)
    {
        tl_swap32_acq_rel(&wants[index], 1);
        while (tl_add32_acq_rel(&wants[1 - index], 0) != 0)
            tl_cpu_relax();
        tl_store32_release(&wants[index], 0);
    }
};

/* The search by chance and the one that is bounded: each must find it. */
template <typename test> static bool each_finds(unsigned iterations)
{
    bool by_chance = !model_search<test>(rl::sched_random, false, iterations);
    bool bounded = !model_search<test>(rl::sched_bound, false, iterations);

    return by_chance && bounded;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *kind;
        bool (*each_finds)(unsigned);
    } toys[] = {
        { "race", each_finds<race> },
        { "aba", each_finds<aba> },
        { "deadlock", each_finds<deadlock> },
        { "livelock", each_finds<livelock> },
    };

    for (auto &toy : toys)
        if (argc == 3 && std::strcmp(argv[1], toy.kind) == 0)
            return toy.each_finds((unsigned)std::strtoul(argv[2], NULL, 10)) ? 1 : 0;
    return 2;
}
