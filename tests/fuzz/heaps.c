/* heaps.c: the target `heaps`: the input is a list of calls of the heap's whole interface, over
 * several heaps, by several threads one at a time, with providers that fail. See heaps.h. */
#include "fuzz/heaps.h"

#include <stdlib.h>
#include <string.h>
#include <talus/inspect.h>

#define DECAY_MS_STEP 600u /* above any heap's decay time */

struct model model;

static void dump_write(void *context, const char *text, size_t length)
{
    size_t *lines = context;

    FUZZ_CHECK(length > 1 && text[length - 1] == '\n', "a line of the dump of %zu bytes", length);
    ++*lines;
}

static void check_all(void)
{
    FUZZ_CHECK(reference_check_all(&model.reference), "%s", model.reference.problem);
    for (size_t i = 0; i < model.reference.count; i++)
        FUZZ_CHECK(talus_usable_size(model.reference.blocks[i].start) ==
                       model.reference.blocks[i].usable,
                   "the usable size of %p changed", (void *)model.reference.blocks[i].start);
    for (unsigned slot = 0; slot < SLOTS; slot++)
        if (model.heaps[slot].heap != NULL)
            heaps_check_books(slot);
}

static void check_and_dump(void)
{
    unsigned slot = heaps_slot();
    size_t   lines = 0;

    fuzz_say("heap %u: dump", slot);
    check_all();
    talus_heap_dump(model.heaps[slot].heap, dump_write, &lines);
    FUZZ_CHECK(lines > 1, "a dump of %zu lines", lines);
}

static void change_actor(void)
{
    unsigned how = fuzz_u8(&model.input);

    model.leaves = how >= 128;
    model.actor = how % ACTORS;
    fuzz_say("actor %u%s", model.actor, model.leaves ? "; the thread before ends" : "");
}

static void let_time_pass(void)
{
    fuzz_clock_ms += fuzz_u8(&model.input) % 2 == 0 ? 2 : DECAY_MS_STEP;
}

static void destroy(void)
{
    unsigned slot = heaps_slot();

    if (slot != 0)
        heaps_destroy(slot);
}

/* What is here more than once comes more often. With other ones, or in another order, the corpus
 * says other things than it did. */
static void (*const calls[])(void) = {
    heaps_create,
    heaps_alloc,
    heaps_alloc,
    heaps_calloc,
    heaps_realloc,
    heaps_realloc,
    heaps_free,
    heaps_free,
    heaps_fill,
    heaps_thin,
    heaps_expand,
    heaps_contract,
    heaps_shrink,
    heaps_drain,
    heaps_trim,
    heaps_set_limit,
    heaps_fail,
    heaps_impossible,
    heaps_reserve_create,
    heaps_reserve_take,
    heaps_reserve_put,
    heaps_reserve_refill,
    heaps_reserve_destroy,
    heaps_cache_create,
    heaps_cache_alloc,
    heaps_cache_free,
    heaps_cache_shrink,
    heaps_cache_destroy,
    check_and_dump,
    change_actor,
    let_time_pass,
    destroy,
};

void heaps_call(void *nothing)
{
    (void)nothing;
    calls[fuzz_u8(&model.input) % (sizeof calls / sizeof calls[0])]();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_lines_clear();
    model.input = (struct fuzz_bytes){ data, data + size };
    heaps_open();
    while (fuzz_bytes_left(&model.input)) {
        unsigned actor = model.actor;

        actors_run(actor, heaps_call, NULL);
        heaps_check_limits();
        if (model.leaves && actor != 0)
            actors_end(actor);
        model.leaves = false;
    }
    model.actor = 0;
    check_all();
    heaps_close();
    return 0;
}
