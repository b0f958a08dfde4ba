/* part_fault.c: what an image does when something goes wrong, on purpose (fault=...): it ends with
 * a message and a status. The last thread of the last CPU does it, while the others run. */
#include "arch/port.h"
#include "arch/port/bare/console.h"
#include "arch/port/bare/machine.h"
#include "arch/port/bare/options.h"
#include "arch/port/bare/sched.h"
#include "core/pagemap.h"
#include "tests/bare/parts.h"
#include "tests/bare/port.h"

#include <talus/reserve.h>

/* The first ones are those of the machine; those of the heap begin with RESERVE. */
enum {
    PANIC = MACHINE_BAD_INSTRUCTION + 1,
    ASSERT,
    HANG,
    OVERRUN,
    RESERVE,
    DOUBLE_FREE,
    DOUBLE_FREE_LATE,
    DOUBLE_FREE_LARGE,
    CORRUPT_LINK,
    CORRUPT_LINK_CHAIN,
    CORRUPT_BOOKS,
    NONE
};
static const char *const names[] = {
    [MACHINE_MISALIGNED_LOAD] = "misaligned-load",
    [MACHINE_MISALIGNED_STORE] = "misaligned-store",
    [MACHINE_BAD_ADDRESS] = "address",
    [MACHINE_BAD_INSTRUCTION] = "instruction",
    [PANIC] = "panic",
    [ASSERT] = "assert",
    [HANG] = "hang",
    [OVERRUN] = "overrun",
    [RESERVE] = "reserve",
    [DOUBLE_FREE] = "double-free",
    [DOUBLE_FREE_LATE] = "double-free-late",
    [DOUBLE_FREE_LARGE] = "double-free-large",
    [CORRUPT_LINK] = "corrupt-link",
    [CORRUPT_LINK_CHAIN] = "corrupt-link-chain",
    [CORRUPT_BOOKS] = "corrupt-books",
    [NONE] = "none",
};

static unsigned fault_asked(void)
{
    return bare_option_choice("fault", names, NONE + 1, NONE);
}

bool fault_is_asked(void)
{
    return fault_asked() != NONE;
}

/* Fills the stack down to `levels` frames of 64 words. */
static TL_NOINLINE uintptr_t deepen(unsigned levels)
{
    tl_atomic_word frame[64];

    for (unsigned i = 0; i < 64; i++)
        tl_store_relaxed(&frame[i], levels);
    return (levels > 0 ? deepen(levels - 1) : 0) + tl_load_relaxed(&frame[levels & 63]);
}

/* ---- what callers of the heap do wrong; it panics at misuse (port.c) ---- */

/* The panic must have this address. */
static void announce(const void *address)
{
    bare_print("fault: %p goes wrong\n", address);
}

static void empty_reserve(void)
{
    talus_reserve_policy policy = { .name = "network interrupts", .panic = true };
    talus_reserve *reserve = talus_reserve_create(talus_heap_default(), 64, 0, 2, 0, &policy, NULL);

    if (reserve == NULL)
        bare_panic("no reserve");
    for (int i = 0; i < 3; i++)
        linger(talus_reserve_take(reserve) != NULL);
}

/* The second free is noticed at once; or, of a small block, when its span is empty. */
static void free_twice(size_t bytes)
{
    char *block = talus_malloc(bytes);

    announce(block);
    talus_free(block);
    talus_free(block);
    bare_print("fault: nothing noticed so far\n");
    talus_heap_trim(talus_heap_default());
}

enum { BLOCKS = 400, BYTES = 48 };
static char *blocks[BLOCKS]; /* the thread at fault */

static void take_blocks(void)
{
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = talus_malloc(BYTES);
}

static void free_each_second(int first)
{
    for (int i = first; i < BLOCKS; i += 2)
        talus_free(blocks[i]);
}

static struct tl_span *span_of(int block)
{
    return tl_page_span((uintptr_t)blocks[block]);
}

/* Writes to a block behind its free, while others of its span are out, and goes on as if nothing
 * was. The one freed last is the first to be handed out again; the others' turn is when their span
 * is empty, and the panic has the one of them that was freed last. */
static void write_after_free(bool last)
{
    int written = last ? BLOCKS - 1 : BLOCKS / 2 + 1, head = last ? written : written - 1;

    take_blocks();
    free_each_second(1);
    memset(blocks[written], 0x20, BYTES);
    while (!last && head + 2 < BLOCKS && span_of(head + 2) == span_of(written))
        head += 2;
    announce(blocks[head]);
    if (last)
        take_blocks();
    free_each_second(0);
    talus_heap_trim(talus_heap_default());
}

/* Writes to what the heap knows of a block, which no overrun of a block reaches. */
static void write_to_books(void)
{
    take_blocks();
    announce(span_of(0));
    memset(&span_of(0)->own.outstanding, 0x20, sizeof(uint32_t));
    for (int i = 0; i < BLOCKS; i++)
        talus_free(blocks[i]);
}

static void misuse(unsigned fault)
{
    if (fault == RESERVE)
        empty_reserve();
    else if (fault == DOUBLE_FREE)
        free_twice(4 * TALUS_PAGE_SIZE);
    else if (fault == DOUBLE_FREE_LATE)
        free_twice(BYTES);
    else if (fault == DOUBLE_FREE_LARGE)
        free_twice(32 * TALUS_PAGE_SIZE);
    else if (fault == CORRUPT_BOOKS)
        write_to_books();
    else
        write_after_free(fault == CORRUPT_LINK);
}

static void prepare(void)
{
    if (fault_asked() >= RESERVE && !port_start())
        bare_panic("the heap does not start");
}

static void work(unsigned thread, struct st_rng *rng)
{
    unsigned fault = fault_asked();

    linger(st_rng_below(rng, 1000));
    if (thread != run.threads - 1)
        return;
    if (fault == PANIC)
        bare_panic("asked for by fault=%s, number %u", names[fault], fault);
    if (fault == ASSERT)
        tl_assert_failed(__FILE__, __LINE__, "asked for");
    if (fault == HANG)
        machine_park();
    if (fault == OVERRUN)
        deepen(BARE_STACK_BYTES / (64 * sizeof(tl_atomic_word)));
    else if (fault >= RESERVE)
        misuse(fault);
    else
        machine_provoke((enum machine_fault)fault);
}

static void judge(void)
{
    finding("the machine let %s pass", names[fault_asked()]);
}

const struct part part_fault = { "fault", prepare, work, NULL, judge };
