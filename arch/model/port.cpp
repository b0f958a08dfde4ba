/* model/port.cpp: sleeping and waking as relacy simulates them; the rest of arch/port.h has no place in a model.
 *
 * Like a futex, the wait compares with the word's latest value, not with one that this thread is allowed to see, and nothing
 * comes between that look and the sleep. It may return for no reason. When all threads sleep, relacy reports a deadlock. */
#include "arch/port.h"

void tl_port_wait(tl_atomic_u32 *word, uint32_t expected)
{
    rl::context &context = rl::ctx();

    context.sched();
    if (word->value.debug_value() == expected)
        word->value.wait(context, false, true, RL_INFO);
}

void tl_port_wake(tl_atomic_u32 *word, uint32_t count)
{
    rl::context &context = rl::ctx();

    context.sched();
    word->value.wake(context, count, RL_INFO);
}
