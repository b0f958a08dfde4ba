/* port.c: an image as the kernel that talus/port.h asks for: pins are the scheduler's, memory is
 * one static range, of which the heap gets two blocks at first and the rest as it asks. */
#include "tests/bare/port.h"

#include <talus/inspect.h>
#include <talus/port.h>

#include "arch/cpu.h"
#include "arch/port/bare/console.h"
#include "arch/port/bare/machine.h"
#include "arch/port/bare/sched.h"
#include "sync/counter.h"
#include "sync/lock.h"
#include "tests/bare/suite.h"

/* In pages. The blocks do not touch, so they stay two. */
enum {
    PAGES = PORT_MEMORY_BYTES / TALUS_PAGE_SIZE,
    FIRST_PAGES = 48,
    GAP_PAGES = 1,
    SECOND_PAGES = 32
};
enum { SLOW_TURNS = 20000, RELAX_TURNS = 100, MASKED_TURNS = 200 };
enum { GIVEN_PAGES = FIRST_PAGES + GAP_PAGES + SECOND_PAGES };

TL_ALIGNED(TALUS_PAGE_SIZE) char port_memory[PORT_MEMORY_BYTES];
static bool              taken[PAGES]; /* taken_lock; those behind GIVEN_PAGES */
static struct tl_lock    taken_lock = TL_LOCK_INIT;
static struct tl_counter clock; /* milliseconds */
static struct tl_counter maps, unmaps;

/* How deep the CPU is pinned, and turns of waiting for locks; whoever is pinned there. */
static struct {
    TL_CACHE_LINE
    unsigned depth;
    unsigned atomic; /* of these, by port_atomic_begin */
    unsigned turns;
} pins[MACHINE_CPUS_MAX];

bool port_start(void)
{
    talus_kernel_options options = { .block = port_memory,
                                     .bytes = FIRST_PAGES * TALUS_PAGE_SIZE,
                                     .cpus = run.cpus,
                                     .window = sizeof port_memory,
                                     .misuse_panics = true,
                                     .heap = { .growth = 4 * TALUS_PAGE_SIZE, .decay_ms = 50 } };

    return talus_kernel_start(&options) &&
           talus_heap_expand(talus_heap_default(),
                             port_memory + (FIRST_PAGES + GAP_PAGES) * TALUS_PAGE_SIZE,
                             SECOND_PAGES * TALUS_PAGE_SIZE);
}

void port_tick(void)
{
    tl_counter_add_shared(&clock, 1);
}

void talus_port_panic(const char *line)
{
    talus_heap_dump(NULL, NULL, NULL); /* the other CPUs run on: figures may be torn */
    bare_panic("%s", line);
}

/* Bugs to be found: pins mask interrupts; the same around a switch of threads, which does so by
 * right. */
static bool pins_mask(void)
{
    return run.bug == BUG_MASKED || run.bug == BUG_MASKED_SWITCH;
}

unsigned talus_port_pin(void)
{
    unsigned cpu;

    pin();
    if (pins_mask())
        machine_interrupts_off();
    cpu = machine_cpu();
    pins[cpu].depth++;
    return cpu;
}

unsigned talus_port_cpu(void)
{
    return machine_cpu();
}

void talus_port_unpin(void)
{
    bool last = --pins[machine_cpu()].depth == 0;

    unpin();
    if (run.bug == BUG_MASKED_SWITCH && last && bare_thread() != BARE_NO_THREAD) {
        bare_yield();
        machine_interrupts_off();
        machine_spin(MASKED_TURNS);
    }
    if (pins_mask() && last)
        machine_interrupts_on();
}

void port_atomic_begin(void)
{
    pins[talus_port_pin()].atomic++;
}

void port_atomic_end(void)
{
    pins[machine_cpu()].atomic--;
    talus_port_unpin();
}

bool talus_port_may_block(void)
{
    return pins[machine_cpu()].atomic == 0;
}

/* Nobody who may block is pinned, nor finds another thread of its CPU so. */
static void demand_unpinned(const char *what)
{
    if (pins[machine_cpu()].depth != 0)
        finding("%s on a pinned cpu", what);
}

/* The first gap that is wide enough. */
void *talus_port_map(size_t bytes)
{
    size_t wanted = bytes / TALUS_PAGE_SIZE, found = 0, page = GIVEN_PAGES;

    demand_unpinned("map");
    linger(SLOW_TURNS); /* as long as a provider may take: other threads wait for the growth */
    tl_lock_acquire(&taken_lock);
    while (page < PAGES && found < wanted)
        found = taken[page++] ? 0 : found + 1;
    page -= found;
    for (size_t i = 0; i < wanted && found == wanted; i++)
        taken[page + i] = true;
    tl_lock_release(&taken_lock);
    tl_counter_add_shared(&maps, found == wanted);
    return found == wanted ? port_memory + page * TALUS_PAGE_SIZE : NULL;
}

void talus_port_unmap(void *block, size_t bytes)
{
    size_t page = (size_t)((char *)block - port_memory) / TALUS_PAGE_SIZE;

    demand_unpinned("unmap");
    tl_counter_add_shared(&unmaps, 1);
    tl_lock_acquire(&taken_lock);
    for (size_t i = 0; i < bytes / TALUS_PAGE_SIZE; i++) {
        if (page + i < GIVEN_PAGES || !taken[page + i])
            finding("unmap of page %lu, which map did not give", (unsigned long)(page + i));
        taken[page + i] = false;
    }
    tl_lock_release(&taken_lock);
}

/* The host may have stopped the CPU that is waited for: after a while its place is given up until
 * the next interrupt. Where pins mask them there would be none, ever. */
void talus_port_relax(void)
{
    if (!pins_mask() && ++pins[machine_cpu()].turns % RELAX_TURNS == 0)
        machine_wait();
    else
        tl_cpu_relax();
}

/* The next interrupt gives the CPU to another thread; a switch right here would mask interrupts,
 * which the suite `latency` measures. */
void talus_port_yield(void)
{
    machine_wait();
}

uintptr_t port_maps(void)
{
    return tl_counter_read(&maps);
}

uintptr_t port_unmaps(void)
{
    return tl_counter_read(&unmaps);
}

uint64_t talus_port_now_ms(void)
{
    return tl_counter_read(&clock);
}

/* In any context, so not by way of the console's lock. */
void talus_port_write(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        machine_putc(text[i]);
}
