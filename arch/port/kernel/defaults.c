/* defaults.c: what talus/port.h says of functions that a kernel leaves out. Weak: the kernel's own
 * take their place. */
#include "arch/compiler.h"
#include "arch/cpu.h"

#include <talus/port.h>

#define TL_DEFAULT __attribute__((weak)) TL_FOR_OTHERS

TL_DEFAULT unsigned talus_port_pin(void)
{
    return 0;
}

TL_DEFAULT unsigned talus_port_cpu(void)
{
    return 0;
}

TL_DEFAULT void talus_port_unpin(void)
{
}

TL_DEFAULT void talus_port_lock_enter(void)
{
    (void)talus_port_pin();
}

TL_DEFAULT void talus_port_lock_leave(void)
{
    talus_port_unpin();
}

TL_DEFAULT void talus_port_synchronize(void)
{
}

TL_DEFAULT void *talus_port_map(size_t bytes)
{
    (void)bytes;
    return NULL;
}

TL_DEFAULT void talus_port_unmap(void *block, size_t bytes)
{
    (void)block;
    (void)bytes;
}

TL_DEFAULT bool talus_port_may_block(void)
{
    return true;
}

TL_DEFAULT void talus_port_yield(void)
{
    tl_cpu_relax();
}

TL_DEFAULT void talus_port_relax(void)
{
    tl_cpu_relax();
}

TL_DEFAULT uint64_t talus_port_now_ms(void)
{
    return 0;
}

TL_DEFAULT void talus_port_write(const char *text, size_t length)
{
    (void)text;
    (void)length;
}
