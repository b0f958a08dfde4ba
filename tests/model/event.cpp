/* event.cpp: sync/event.h under relacy. R30: who waits for a condition sees it once it was
 * signalled; nobody sleeps on. */
#include "sync/event.h"
#include "model.h"

struct event_test : rl::test_suite<event_test, 3> {
    enum { preemptions_max = 2 };

    struct tl_event event;
    tl_atomic_u32   ready; /* relaxed throughout: the event alone must make it visible */

    void thread(unsigned index)
    {
        if (index == 0) {
            tl_store32_relaxed(&ready, 1);
            tl_event_signal_all(&event);
            return;
        }
        for (;;) {
            uint32_t ticket = tl_event_prepare(&event);
            if (tl_load32_relaxed(&ready) != 0)
                break;
            RL_ASSERT(ticket == 0); /* a ticket after the signal comes with the condition */
            tl_event_wait(&event, ticket);
        }
    }
};

int main(int argc, char **argv)
{
    return model_main<event_test>(argc, argv);
}
