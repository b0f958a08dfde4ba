/* model/port.cpp: sleeping and waking as relacy simulates them; the rest of arch/port.h has no
 * place in a model.
 *
 * Like a futex, the wait compares with the word's latest value, not with one that this thread is
 * allowed to see, and nothing comes between that look and the sleep. When all threads sleep, relacy
 * reports a deadlock. */
#include "arch/model/port.h"

bool tl_model_wakes_for_nothing;

void tl_port_wait(tl_atomic_u32 *word, uint32_t expected)
{
    rl::context &context = rl::ctx();

    context.sched();
    if (word->value.debug_value() == expected)
        word->value.wait(context, false, tl_model_wakes_for_nothing, RL_INFO);
    else
        rl::yield(1, RL_INFO); /* the kernel saw a newer value: so does this thread from now on */
}

void tl_port_wake(tl_atomic_u32 *word, uint32_t count)
{
    rl::context &context = rl::ctx();

    context.sched();
    word->value.wake(context, count, RL_INFO);
}
