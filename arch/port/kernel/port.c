/* port.c: the contract of arch/port.h by means of what the kernel's author gives (talus/port.h).
 * What is not here has no place in a kernel, and nothing in a kernel's library calls it. */
#include "arch/port.h"
#include "arch/cpu.h"

#include <talus/port.h>

size_t tl_port_page_size(void)
{
    return TALUS_PAGE_SIZE;
}

/* The heap's structures lie in the first block, and in chunks of what the provider gives
 * (core/heap.c). */
void *tl_port_map(size_t bytes, size_t align)
{
    (void)bytes;
    (void)align;
    return NULL;
}

bool tl_port_commit(void *p, size_t bytes)
{
    (void)p;
    (void)bytes;
    return true;
}

uint64_t tl_port_now_ms(void)
{
    return talus_port_now_ms();
}

void tl_port_write_error(const char *text, size_t length)
{
    talus_port_write(text, length);
}

void tl_port_panic(const char *line)
{
    talus_port_panic(line);
}

void *tl_port_fail(enum tl_error why)
{
    (void)why;
    return NULL;
}

int tl_port_errno(void)
{
    return 0;
}

void tl_port_set_errno(int value)
{
    (void)value;
}

unsigned tl_port_pin(void)
{
    return talus_port_pin();
}

void tl_port_unpin(void)
{
    talus_port_unpin();
}

void tl_port_lock_enter(void)
{
    talus_port_lock_enter();
}

void tl_port_lock_leave(void)
{
    talus_port_lock_leave();
}

void tl_port_synchronize(void)
{
    talus_port_synchronize();
}

void tl_port_relax(void)
{
    talus_port_relax();
}

uintptr_t tl_port_place(void)
{
    return talus_port_cpu();
}

bool tl_port_may_block(void)
{
    return talus_port_may_block();
}

/* Until the word changes: who is waited for may have lost its CPU for long, and the core gives up
 * after a few waits in vain. The caller is not pinned. */
void tl_port_wait(tl_atomic_u32 *word, uint32_t expected)
{
    while (tl_load32_relaxed(word) == expected) /* relaxed: the caller looks again */
        talus_port_yield();
}

void tl_port_wake(tl_atomic_u32 *word, uint32_t count)
{
    (void)word;
    (void)count;
}
