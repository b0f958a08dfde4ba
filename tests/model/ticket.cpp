/* ticket.cpp: sync/ticket.c under relacy. R30: one CPU at a time, each sees what the one before
 * wrote, all get in, and a pin lasts as long as the lock. */
#include "arch/cpu.h"
#include "model.h"
#include "sync/lock.h"

static int pins; /* of all threads, unknown to relacy */

void talus_port_lock_enter(void)
{
    pins++;
}

void talus_port_lock_leave(void)
{
    pins--;
}

void talus_port_relax(void)
{
    tl_cpu_relax();
}

struct ticket_test : rl::test_suite<ticket_test, 3> {
    enum { preemptions_max = 2 };

    struct tl_lock lock;
    TL_PLAIN(int)  entered; /* lock */

    void before()
    {
        tl_lock_init(&lock);
        tl_put(&entered, 0);
        pins = 0;
    }

    void thread(unsigned index)
    {
        for (unsigned round = 0; round < 1 + index % 2; round++) {
            tl_lock_acquire(&lock);
            RL_ASSERT(pins > 0);
            tl_put(&entered, tl_get(&entered) + 1);
            tl_lock_release(&lock);
        }
    }

    void after()
    {
        RL_ASSERT(tl_get(&entered) == 4);
        RL_ASSERT(pins == 0);
    }
};

int main(int argc, char **argv)
{
    return model_main<ticket_test>(argc, argv);
}
