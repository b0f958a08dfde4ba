/* lock.cpp: sync/lock.h and lock.c under relacy. R30: one thread at a time, each sees what the one
 * before wrote, none sleeps on. */
#include "sync/lock.h"
#include "model.h"

struct lock_test : rl::test_suite<lock_test, 3> {
    enum { preemptions_max = 2 };

    struct tl_lock lock;
    TL_PLAIN(int)  entered; /* lock */
    int            tried;   /* successful try_acquires, unknown to relacy */

    void before()
    {
        tl_lock_init(&lock);
        tl_put(&entered, 0);
        tried = 0;
    }

    void enter()
    {
        tl_put(&entered, tl_get(&entered) + 1);
        tl_lock_release(&lock);
    }

    void thread(unsigned index)
    {
        tl_lock_acquire(&lock);
        enter();
        if (index == 0 && tl_lock_try_acquire(&lock)) {
            tried++;
            enter();
        }
    }

    void after()
    {
        RL_ASSERT(tl_get(&entered) == 3 + tried);
        RL_ASSERT(tl_lock_try_acquire(&lock));
    }
};

int main(int argc, char **argv)
{
    return model_main<lock_test>(argc, argv);
}
