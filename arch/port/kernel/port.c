/* port.c: the contract of arch/port.h by means of what the kernel's author gives (talus/port.h);
 * most of it is inline.h's. What is in neither has no place in a kernel, and nothing in a kernel's
 * library calls it. */
#include "arch/port.h"

void tl_port_panic(const char *line)
{
    talus_port_panic(line);
}

/* Until the word changes: who is waited for may have lost its CPU for long, and the core gives up
 * after a few waits in vain. The caller is not pinned. */
void tl_port_wait(tl_atomic_u32 *word, uint32_t expected)
{
    while (tl_load32_relaxed(word) == expected) /* relaxed: the caller looks again */
        talus_port_yield();
}
