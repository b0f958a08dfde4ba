/* once.cpp: sync/once.h under relacy. R30: what is initialised once is seen whole by everybody who
 * was told that it is done.
 *
 * Three threads come at the same time; the first initialisation fails and is undone, the second
 * succeeds. A sleeper who is not woken is a deadlock. */
#include "sync/once.h"
#include "model.h"

struct once_test : rl::test_suite<once_test, 3> {
    enum { preemptions_max = 2 };

    struct tl_once once;
    TL_PLAIN(int)  attempts; /* initialiser, then everybody reads */
    TL_PLAIN(int)  result;   /* initialiser, then everybody reads */

    void before()
    {
        tl_put(&attempts, 0);
        tl_put(&result, 0);
    }

    void thread(unsigned)
    {
        while (!tl_once_is_done(&once)) {
            if (!tl_once_begin(&once))
                break;
            tl_put(&attempts, tl_get(&attempts) + 1);
            if (tl_get(&attempts) == 1) {
                tl_once_undo(&once);
            } else {
                tl_put(&result, 42);
                tl_once_done(&once);
            }
        }
        RL_ASSERT(tl_get(&result) == 42);
        RL_ASSERT(tl_get(&attempts) == 2);
    }
};

int main(int argc, char **argv)
{
    return model_main<once_test>(argc, argv);
}
