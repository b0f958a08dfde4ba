/* part_fault.c: what an image does when something goes wrong, on purpose (fault=...): it ends with
 * a message and a status. The last thread of the last CPU does it, while the others run. */
#include "arch/port/bare/console.h"
#include "arch/port/bare/machine.h"
#include "arch/port/bare/options.h"
#include "arch/port/bare/sched.h"
#include "tests/bare/parts.h"

/* The first ones are those of the machine. */
enum { PANIC = MACHINE_BAD_INSTRUCTION + 1, ASSERT, HANG, OVERRUN, NONE };
static const char *const names[] = {
    [MACHINE_MISALIGNED_LOAD] = "misaligned-load",
    [MACHINE_MISALIGNED_STORE] = "misaligned-store",
    [MACHINE_BAD_ADDRESS] = "address",
    [MACHINE_BAD_INSTRUCTION] = "instruction",
    [PANIC] = "panic",
    [ASSERT] = "assert",
    [HANG] = "hang",
    [OVERRUN] = "overrun",
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
    else
        machine_provoke((enum machine_fault)fault);
}

static void judge(void)
{
    finding("the machine let %s pass", names[fault_asked()]);
}

const struct part part_fault = { "fault", NULL, work, NULL, judge };
