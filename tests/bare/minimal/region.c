/* region.c: a heap over a region that an assembler's file reserves and names (docs/examples; R12):
 * it serves from there, nearly all of it, and from nowhere else. */
#include <talus/port.h>
#include <talus/talus.h>

#include "arch/port/bare/machine.h"

enum { BLOCK_BYTES = 1000 };

extern char heap_region_start[], heap_region_end[];

static void say(const char *text)
{
    while (*text != '\0')
        machine_putc(*text++);
}

void talus_port_panic(const char *line)
{
    say(line);
    say("\n");
    machine_exit(2);
}

void bare_main(void)
{
    size_t bytes = (size_t)(heap_region_end - heap_region_start), used = 0;
    if (!talus_kernel_start(&(talus_kernel_options){ .block = heap_region_start, .bytes = bytes }))
        talus_port_panic("region: too small for a heap");
    for (char *block; (block = talus_malloc(BLOCK_BYTES)) != NULL; used += BLOCK_BYTES) {
        if (block < heap_region_start || heap_region_end - block < BLOCK_BYTES)
            talus_port_panic("region: a block lies outside of it");
        for (unsigned i = 0; i < BLOCK_BYTES; i++)
            block[i] = (char)i;
    }
    if (bytes != 256 * 1024 || used < bytes / 2)
        talus_port_panic("region: most of it was not served");
    say("region: served from start to end\n");
    machine_exit(0);
}

void bare_timer_interrupt(uintptr_t pc)
{
    (void)pc;
}

void bare_exception(const struct machine_exception *exception)
{
    talus_port_panic(exception->name);
}
