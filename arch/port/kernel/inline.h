/* inline.h: what of arch/port.h is nothing in a kernel, or a function of its author's by another
 * name: no calls of ours in between. */
#ifndef TL_ARCH_PORT_KERNEL_INLINE_H
#define TL_ARCH_PORT_KERNEL_INLINE_H

#include <talus/port.h>

/* The heap's structures lie in the first block, and in chunks of what the provider gives
 * (core/kernel/start.c). */
static inline void *tl_port_map(size_t bytes, size_t align)
{
    (void)bytes;
    (void)align;
    return NULL;
}

static inline bool tl_port_commit(void *p, size_t bytes)
{
    (void)p;
    (void)bytes;
    return true;
}

static inline uint64_t tl_port_now_ms(void)
{
    return talus_port_now_ms();
}

static inline void tl_port_write_error(const char *text, size_t length)
{
    talus_port_write(text, length);
}

static inline void *tl_port_fail(enum tl_error why)
{
    (void)why;
    return NULL;
}

static inline int tl_port_errno(void)
{
    return 0;
}

static inline void tl_port_set_errno(int value)
{
    (void)value;
}

static inline unsigned tl_port_pin(void)
{
    return talus_port_pin();
}

static inline void tl_port_unpin(void)
{
    talus_port_unpin();
}

static inline void tl_port_lock_enter(void)
{
    talus_port_lock_enter();
}

static inline void tl_port_lock_leave(void)
{
    talus_port_lock_leave();
}

static inline void tl_port_synchronize(void)
{
    talus_port_synchronize();
}

static inline void tl_port_relax(void)
{
    talus_port_relax();
}

static inline uintptr_t tl_port_place(void)
{
    return talus_port_cpu();
}

static inline bool tl_port_may_block(void)
{
    return talus_port_may_block();
}

static inline void tl_port_wake(tl_atomic_u32 *word, uint32_t count)
{
    (void)word;
    (void)count;
}

#endif
