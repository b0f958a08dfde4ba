/* count.c: counting instructions; the kernel's part of talus/port.h, which counts itself. See
 * count.h. */
#include "tests/bare/realtime/count.h"

#include <talus/port.h>

#include "arch/port/bare/console.h"
#include "arch/port/bare/machine.h"

enum { NOTHINGS = 1024, LOCKS_DEEP = 4 };

static const struct {
    const char *name, *unit;
} named[ROWS] = {
    [ROW_MALLOC_SMALL] = { "malloc, to 1 KiB", NULL },
    [ROW_MALLOC_MEDIUM] = { "malloc, to 64 KiB", NULL },
    [ROW_MALLOC_LARGE] = { "malloc, above", NULL },
    [ROW_MALLOC_NULL] = { "malloc, NULL", NULL },
    [ROW_MALLOC_FIRST] = { "malloc, a CPU's first", NULL },
    [ROW_ALIGNED] = { "aligned_alloc", NULL },
    [ROW_CALLOC] = { "calloc", NULL },
    [ROW_HEAP_ALLOC] = { "heap_alloc", NULL },
    [ROW_FREE] = { "free", NULL },
    [ROW_FREE_LARGE] = { "free, above 64 KiB", NULL },
    [ROW_FREE_SIZED] = { "free_sized", NULL },
    [ROW_FREE_WRONG] = { "free, misuse", NULL },
    [ROW_REALLOC] = { "realloc", NULL },
    [ROW_REALLOC_NULL] = { "realloc, NULL", NULL },
    [ROW_LOOK] = { "usable_size, good_size", NULL },
    [ROW_RESERVE_TAKE] = { "reserve_take", "slot passed by" },
    [ROW_RESERVE_PUT] = { "reserve_put", "slot passed by" },
    [ROW_FREE_INTERRUPT] = { "free_from_interrupt", NULL },
    [ROW_RESERVE_PREPARE] = { "reserve_prepare, _refill", "block" },
    [ROW_RESERVE_CREATE] = { "reserve_create", "block" },
    [ROW_RESERVE_DESTROY] = { "reserve_destroy", "block" },
    [ROW_OBJECT_ALLOC] = { "object_cache_alloc", "magazine beyond 4" },
    [ROW_OBJECT_FREE] = { "object_cache_free", "magazine beyond 4" },
    [ROW_SET_LIMIT] = { "heap_set_limit", NULL },
    [ROW_STATS] = { "heap_stats", "large block that handlers freed" },
    [ROW_TRIM] = { "heap_trim", "block" },
    [ROW_CONTRACT] = { "heap_contract, _shrink", "block" },
    [ROW_DRAIN] = { "heap_drain", "page" },
    [ROW_EXPAND] = { "heap_expand", "page" },
    [ROW_CREATE] = { "heap_create", "page" },
    [ROW_DESTROY] = { "heap_destroy", "page" },
    [ROW_CPU_GONE] = { "kernel_cpu_gone", "heap" },
    [ROW_RETRY] = { "a push tried again", NULL },
};

static struct {
    uint32_t calls;
    uint32_t most, each; /* instructions; for each unit */
    uint32_t locks;      /* taken by one call, at most */
    uint32_t pins;       /* the same, those around locks among them */
} counted[ROWS];

size_t written;

/* All in ticks. */
static uint32_t nothings;                            /* as many as NOTHINGS instructions take */
static uint32_t empty;                               /* a reading, and the next */
static uint32_t pin_costs, lock_costs, memory_costs; /* a pair each, beyond a function that returns
                                                      * */
static uint32_t longest_lock;                        /* of the present call */
static uint32_t longest_held[2];                     /* of calls with a constant, and of others */

static unsigned cpu, pins, locks, locks_held;
static uint32_t began, apart, last, lock_began[LOCKS_DEEP];

/* ---- the kernel's part ---- */

void talus_port_panic(const char *line)
{
    bare_panic("%s", line);
}

unsigned talus_port_pin(void)
{
    pins++;
    return cpu;
}

unsigned talus_port_cpu(void)
{
    return cpu;
}

void talus_port_unpin(void)
{
}

/* A reading at the end of enter and one at the beginning of leave: what is between is the heap's,
 * but for locks inside of locks. */
void talus_port_lock_enter(void)
{
    locks++;
    lock_began[locks_held++ % LOCKS_DEEP] = machine_ticks();
}

void talus_port_lock_leave(void)
{
    uint32_t took = machine_ticks() - lock_began[--locks_held % LOCKS_DEEP];
    longest_lock = took > longest_lock ? took : longest_lock;
}

void talus_port_write(const char *text, size_t length)
{
    (void)text;
    written += length;
}

/* The linker puts these before the image's own (--wrap). */
void *__real_memset(void *to, int value, size_t bytes);
void *__wrap_memset(void *to, int value, size_t bytes);
void *__real_memcpy(void *to, const void *from, size_t bytes);
void *__wrap_memcpy(void *to, const void *from, size_t bytes);

void *__wrap_memset(void *to, int value, size_t bytes)
{
    uint32_t start = machine_ticks();
    __real_memset(to, value, bytes);
    apart += machine_ticks() - start + memory_costs;
    return to;
}

void *__wrap_memcpy(void *to, const void *from, size_t bytes)
{
    uint32_t start = machine_ticks();
    __real_memcpy(to, from, bytes);
    apart += machine_ticks() - start + memory_costs;
    return to;
}

/* ---- counting ---- */

static __attribute__((noinline)) void nothing(void)
{
    __asm__ volatile("" ::: "memory");
}

void count_start(void)
{
    uint32_t start = machine_ticks();
    empty = machine_ticks() - start;
    start = machine_ticks();
    __asm__ volatile(".rept 1024\n\tnop\n\t.endr");
    nothings = machine_ticks() - start - empty;
    start = machine_ticks();
    nothing();
    nothing();
    uint32_t two = machine_ticks() - start;
    start = machine_ticks();
    (void)talus_port_pin();
    talus_port_unpin();
    pin_costs = machine_ticks() - start - two;
    start = machine_ticks();
    talus_port_lock_enter();
    talus_port_lock_leave();
    lock_costs = machine_ticks() - start - two;
    /* all but what lies between the two readings, which is taken off as it is */
    char byte[1];
    start = machine_ticks();
    memory_costs = 0;
    apart = 0;
    __wrap_memset(byte, 0, sizeof byte);
    memory_costs = machine_ticks() - start - apart - two / 2;
}

void on_cpu(unsigned wanted)
{
    cpu = wanted;
}

void count_begin(void)
{
    pins = locks = longest_lock = 0;
    apart = 0;
    began = machine_ticks();
}

static uint32_t instructions_of(uint32_t ticks)
{
    ticks += nothings / NOTHINGS / 2; /* to the nearest */
    return ticks / nothings * NOTHINGS + ticks % nothings * NOTHINGS / nothings;
}

void count_end(enum row row, size_t n)
{
    uint32_t ticks = machine_ticks() - began - apart - empty;
    ticks -= pins * pin_costs + locks * lock_costs;
    last = instructions_of(ticks);
    counted[row].calls++;
    uint32_t *held = &longest_held[named[row].unit != NULL];
    *held = longest_lock > *held ? longest_lock : *held;
    if (n == 0)
        counted[row].most = last > counted[row].most ? last : counted[row].most;
    else if (last > counted[row].most + n * counted[row].each)
        counted[row].each = (uint32_t)((last - counted[row].most + n - 1) / n);
    if (n == 0) {
        counted[row].locks = locks > counted[row].locks ? locks : counted[row].locks;
        counted[row].pins = pins + locks > counted[row].pins ? pins + locks : counted[row].pins;
    }
}

uint32_t count_last(void)
{
    return last;
}

void count_print(void)
{
    for (unsigned row = 0; row < ROWS; row++) {
        bare_print("row: %s: %u instructions, %u locks, %u pins, %u calls", named[row].name,
                   counted[row].most, counted[row].locks, counted[row].pins, counted[row].calls);
        if (named[row].unit != NULL)
            bare_print(", %u for each %s", counted[row].each, named[row].unit);
        bare_print("\n");
    }
    for (unsigned of_many = 0; of_many < 2; of_many++)
        bare_print("row: a lock held%s: %u instructions, 0 locks, 0 pins, 1 calls\n",
                   of_many ? ", calls with an n" : "", instructions_of(longest_held[of_many]));
}
