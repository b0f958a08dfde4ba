/* port.c: see port.h. */
#include "kernel/port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/arena.h"
#include <talus/port.h>

unsigned cpu, pins, maps, unmaps;
bool     may_block = true, none_left;
uint64_t now_ms;
void (*in_map)(void);
jmp_buf *panic_is_expected;
char     said[512];

void talus_port_write(const char *text, size_t length)
{
    strncat(said, text, length < sizeof said - strlen(said) - 1 ? length : 0);
}

void talus_port_panic(const char *line)
{
    jmp_buf *expected = panic_is_expected;

    panic_is_expected = NULL;
    talus_port_write(line, strlen(line));
    if (expected != NULL)
        longjmp(*expected, 1);
    fprintf(stderr, "panic: %s\n", line);
    abort();
}

unsigned talus_port_pin(void)
{
    pins++;
    return cpu;
}

void talus_port_unpin(void)
{
    assert_true(pins > 0);
    pins--;
}

void demand_may_block(void)
{
    assert_int_equal(pins, 0);
    assert_true(may_block);
}

void *talus_port_map(size_t bytes)
{
    void (*call)(void) = in_map;

    demand_may_block();
    assert_int_equal(bytes % TALUS_PAGE_SIZE, 0);
    in_map = NULL;
    if (call != NULL)
        call();
    if (none_left)
        return NULL;
    maps++;
    return arena_take(bytes);
}

void talus_port_unmap(void *block, size_t bytes)
{
    demand_may_block();
    unmaps++;
    arena_give(block, bytes);
}

bool talus_port_may_block(void)
{
    return may_block;
}

uint64_t talus_port_now_ms(void)
{
    return now_ms;
}
