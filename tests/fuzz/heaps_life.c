/* heaps_life.c: heaps that come and go, what they get their pages from, and their books. See
 * heaps.h. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "fuzz/heaps.h"

#define PAGE        TALUS_PAGE_SIZE
#define FIXED_PAGES 40u

static _Alignas(TALUS_PAGE_SIZE) unsigned char arena[REGIONS * REGION_PAGES * TALUS_PAGE_SIZE];
static unsigned char fixed_memory[SLOTS][FIXED_PAGES * TALUS_PAGE_SIZE];

static unsigned slot_of(const struct model_heap *heap)
{
    return (unsigned)(heap - model.heaps);
}

unsigned heaps_slot(void)
{
    unsigned slot = fuzz_u8(&model.input) % SLOTS;

    return model.heaps[slot].heap != NULL ? slot : 0;
}

/* --- what the heap calls --------------------------------------------------------------------- */

/* A provider may have its heap shrink before it gives it more. */
static void *below_map(void *context, size_t bytes)
{
    struct model_heap *heap = context;

    if (heap->shrinks_in_map && heap->heap != NULL)
        talus_heap_shrink(heap->heap, 4);
    if (heap->fixed.start != NULL) {
        talus_provider fixed = talus_provider_fixed(&heap->fixed);

        return fixed.map(fixed.context, bytes);
    }
    return talus_provider_mmap()->map(NULL, bytes);
}

static bool on_exhausted(void *context, talus_heap *handle, size_t bytes)
{
    struct model_heap *heap = context;

    FUZZ_CHECK(handle == heap->heap, "on_exhausted is told of another heap, for %zu bytes", bytes);
    if (!heap->frees_when_exhausted)
        return false;
    for (size_t i = 0; i < model.reference.count; i++)
        if (model.reference.blocks[i].owner == slot_of(heap) && /* no object */
            model.reference.blocks[i].start != model.resized) {
            heaps_release(i, 0);
            return true;
        }
    return false;
}

static bool lies_in(const void *block, const unsigned char *start, size_t bytes)
{
    return (uintptr_t)block - (uintptr_t)start < bytes;
}

static void check_nothing_lies_in(const unsigned char *start, size_t bytes)
{
    for (size_t i = 0; i < model.reference.count; i++) {
        const struct reference_block *block = &model.reference.blocks[i];

        /* the one that a realloc works on may be gone, and its copy is not known yet */
        FUZZ_CHECK(block->start == model.resized ||
                       (!lies_in(block->start, start, bytes) &&
                        !lies_in(block->start + block->usable - 1, start, bytes) &&
                        !lies_in(start, block->start, block->usable)),
                   "pages go back while the block %p of %zu bytes lies there", (void *)block->start,
                   block->size);
    }
}

static void on_removed(void *context, talus_heap *handle, void *start, size_t bytes)
{
    struct model_heap *heap = context;

    fuzz_say("heap %u: %zu bytes are the owner's again", slot_of(heap), bytes);
    FUZZ_CHECK(handle == heap->heap, "on_removed is told of another heap");
    for (unsigned i = 0; i < REGIONS; i++) {
        struct model_region *region = &model.regions[i];

        if (region->slot != slot_of(heap) || region->start != start)
            continue;
        FUZZ_CHECK(region->bytes == bytes, "%zu bytes come back of %zu", bytes, region->bytes);
        check_nothing_lies_in(start, bytes);
        memset(start, 0xee, bytes); /* it is the owner's: nobody may see this */
        region->slot = 0;
        heap->given -= bytes;
        if (heap->uses_heap_when_removed)
            talus_heap_free(handle, talus_heap_alloc(handle, 100, 0, NULL));
        return;
    }
    FUZZ_FAIL("%zu bytes come back that the heap never got", bytes);
}

static void on_misuse(talus_misuse what, const void *pointer, const char *message)
{
    FUZZ_FAIL("misuse %d of %p: %s; there was none", (int)what, pointer, message);
}

/* --- life ------------------------------------------------------------------------------------ */

static unsigned char *region_at(unsigned number)
{
    return arena + (size_t)number * REGION_PAGES * PAGE;
}

void heaps_open(void)
{
    talus_set_misuse_handler(on_misuse);
    reference_open(&model.reference);
    model.heaps[0].heap = talus_heap_default();
    model.heaps[0].is_default = true;
    FUZZ_CHECK(model.heaps[0].heap != NULL, "no default heap");
}

void heaps_create(void)
{
    unsigned           slot = fuzz_u8(&model.input) % (SLOTS - 1) + 1;
    struct model_heap *heap = &model.heaps[slot];
    unsigned           how = fuzz_u16(&model.input);
    talus_provider     below = *talus_provider_mmap();
    talus_heap_options options = {
        .name = "fuzzed",
        .provider = &heap->faulty.provider,
        .limit = how & 1 ? (fuzz_u8(&model.input) + (size_t)1) * 2 * PAGE : 0,
        .initial = how & 2 ? fuzz_below(&model.input, 64) * PAGE : 0,
        .growth = how & 4 ? fuzz_below(&model.input, 64) * PAGE : 0,
        .decay_ms = how & 8 ? 1 : 500,
        .keep_pages = (how & 16) != 0,
        .low_water = how & 32 ? fuzz_below(&model.input, 32) * PAGE : 0,
        .on_exhausted = on_exhausted,
        .on_exhausted_context = heap,
        .on_removed = how & 64 ? NULL : on_removed,
        .on_removed_context = heap,
    };

    if (heap->heap != NULL)
        return;
    memset(&heap->fixed, 0, sizeof heap->fixed);
    if (how & 128) {
        heap->fixed.start = fixed_memory[slot] + how % 100;
        heap->fixed.bytes = sizeof fixed_memory[slot] - 100;
        below.unmap = NULL;
        below.purge = NULL;
        below.move = NULL;
        below.zeroed = false;
    }
    below.map = below_map;
    below.context = heap;
    faulty_provider_open(&heap->faulty, &below);
    heap->shrinks_in_map = (how & 256) != 0;
    heap->frees_when_exhausted = (how & 512) != 0;
    heap->uses_heap_when_removed = (how & 1024) != 0;
    heap->keeps_regions = options.on_removed == NULL;
    heap->limit = options.limit;
    heap->limit_least = 0;
    heap->given = 0;
    heap->faulty.fail_at = how & 2048 ? fuzz_u8(&model.input) % 4 : 0;
    errno = 0;
    fuzz_say("heap %u: create, limit %zu, initial %zu, growth %zu, low_water %zu, how %x", slot,
             options.limit, options.initial, options.growth, options.low_water, how);
    heap->heap = talus_heap_create(&options);
    if (heap->heap == NULL) {
        FUZZ_CHECK(errno == ENOMEM, "create fails with errno %d", errno);
        FUZZ_CHECK(heap->faulty.failures > 0 || options.initial > options.limit,
                   "create fails for no reason");
        FUZZ_CHECK(heap->faulty.bytes == 0, "create fails and keeps %zu bytes", heap->faulty.bytes);
        faulty_provider_close(&heap->faulty);
    }
}

static void check_provider(unsigned slot)
{
    const struct faulty_provider *faulty = &model.heaps[slot].faulty;

    FUZZ_CHECK(faulty->violations == 0, "heap %u asks its provider for %s", slot,
               faulty->violation);
}

void heaps_destroy(unsigned slot)
{
    struct model_heap *heap = &model.heaps[slot];

    fuzz_say("heap %u: destroy", slot);
    for (size_t i = model.reference.count; i-- > 0;)
        if (heaps_slot_of(&model.reference.blocks[i]) == slot)
            FUZZ_CHECK(reference_remove(&model.reference, i), "%s", model.reference.problem);
    FUZZ_CHECK(talus_heap_destroy(heap->heap), "heap %u cannot be destroyed", slot);
    for (unsigned i = 0; i < REGIONS; i++)
        if (model.regions[i].slot == slot)
            model.regions[i].slot = 0;
    check_provider(slot);
    FUZZ_CHECK(heap->faulty.bytes == 0 || heap->faulty.provider.unmap == NULL,
               "heap %u is destroyed and keeps %zu bytes", slot, heap->faulty.bytes);
    faulty_provider_close(&heap->faulty);
    memset(heap->reserves, 0, sizeof heap->reserves);
    memset(heap->caches, 0, sizeof heap->caches);
    heap->heap = NULL;
}

/* --- pages ----------------------------------------------------------------------------------- */

void heaps_expand(void)
{
    unsigned             slot = heaps_slot();
    struct model_heap   *heap = &model.heaps[slot];
    unsigned             number = fuzz_u8(&model.input) % REGIONS;
    struct model_region *region = &model.regions[number];
    size_t               before = fuzz_u8(&model.input) % 4 * 100;
    size_t               bytes = REGION_PAGES * PAGE - before - fuzz_below(&model.input, 30) * PAGE;

    if (slot == 0) /* it would keep the region for ever */
        return;
    if (bytes > REGION_PAGES * PAGE)
        bytes = PAGE - 1;

    unsigned char *start = region_at(number) + before;
    size_t         whole = (bytes + before) / PAGE * PAGE;
    int            expected = 0;

    if (before > 0)
        whole = whole >= PAGE ? whole - PAGE : 0;
    if (whole == 0)
        expected = EINVAL;
    else if (region->slot != 0)
        expected = ENOMEM; /* their last pages are always the same */
    fuzz_say("heap %u: expand by %zu bytes of region %u", slot, bytes, number);
    errno = 0;

    bool done = talus_heap_expand(heap->heap, start, bytes);

    if (region->slot != 0 && expected == ENOMEM && done)
        FUZZ_CHECK(false, "two heaps have region %u", number);
    FUZZ_CHECK(done == (expected == 0) && (done || errno == expected),
               "expand by %zu bytes: %d, errno %d", bytes, done, errno);
    if (!done)
        return;
    region->start = region_at(number) + (before > 0 ? PAGE : 0);
    region->bytes = whole;
    region->slot = slot;
    region->drains = false;
    heap->given += whole;
}

void heaps_contract(void)
{
    unsigned slot = heaps_slot();
    unsigned unused_ms = fuzz_u8(&model.input) % 2 * 100;

    fuzz_say("heap %u: contract, unused for %u ms", slot, unused_ms);
    talus_heap_contract(model.heaps[slot].heap, unused_ms);
}

void heaps_shrink(void)
{
    unsigned slot = heaps_slot();
    size_t   pages = fuzz_u8(&model.input);

    fuzz_say("heap %u: shrink by %zu pages", slot, pages);
    /* It gives whole blocks, so it may be more than was asked for by less than a block. */
    talus_heap_shrink(model.heaps[slot].heap, pages);
}

void heaps_drain(void)
{
    unsigned    slot = heaps_slot();
    bool        drain = fuzz_u8(&model.input) % 4 != 0;
    size_t      pick = fuzz_u8(&model.input);
    const void *address = NULL;
    bool        is_own = false;

    if (pick % 2 == 0) {
        const struct model_region *region = &model.regions[pick / 2 % REGIONS];

        address = region_at(pick / 2 % REGIONS) + PAGE;
        is_own =
            region->slot == slot && slot != 0 && lies_in(address, region->start, region->bytes);
    } else if (model.reference.count > 0) {
        const struct reference_block *block =
            &model.reference.blocks[pick / 2 % model.reference.count];

        address = block->start;
        is_own = heaps_slot_of(block) == slot;
    }
    fuzz_say("heap %u: drain %d of %p", slot, drain, address);
    errno = 0;

    bool done = talus_heap_drain(model.heaps[slot].heap, address, drain);

    FUZZ_CHECK(done ? is_own : !is_own && errno == EINVAL, "drain of %p: %d, errno %d", address,
               done, errno);
    for (unsigned i = 0; i < REGIONS; i++) {
        struct model_region *region = &model.regions[i];

        if (done && region->slot == slot && lies_in(address, region->start, region->bytes))
            region->drains = drain;
    }
}

void heaps_check_grown(const unsigned char *from, const unsigned char *to)
{
    for (unsigned i = 0; i < REGIONS; i++) {
        const struct model_region *region = &model.regions[i];

        FUZZ_CHECK(region->slot == 0 || !region->drains || to <= region->start ||
                       from >= region->start + region->bytes,
                   "a block grows to %p, into pages that are to drain", (const void *)to);
    }
}

void heaps_trim(void)
{
    unsigned slot = heaps_slot();

    fuzz_say("heap %u: trim", slot);
    talus_heap_trim(model.heaps[slot].heap);
}

void heaps_set_limit(void)
{
    unsigned           slot = heaps_slot();
    struct model_heap *heap = &model.heaps[slot];
    size_t             limit = (size_t)fuzz_u8(&model.input) * 2 * PAGE;

    if (heap->is_default)
        return;
    fuzz_say("heap %u: limit %zu", slot, limit);
    talus_heap_set_limit(heap->heap, limit);
    heap->limit = limit;
    heap->limit_least = heap->faulty.bytes + heap->given;
}

void heaps_fail(void)
{
    unsigned           slot = heaps_slot();
    struct model_heap *heap = &model.heaps[slot];
    unsigned           in = fuzz_u8(&model.input);

    if (heap->is_default)
        return;
    fuzz_say("heap %u: request %u from now on fails%s", slot, in % 8,
             in & 8 ? ", and all after it" : "");
    heap->faulty.fail_at = in % 8 == 0 ? 0 : heap->faulty.requests + in % 8;
    heap->faulty.fail_onwards = (in & 8) != 0;
}

/* --- books ----------------------------------------------------------------------------------- */

void heaps_check_limits(void)
{
    for (unsigned slot = 1; slot < SLOTS; slot++) {
        struct model_heap *heap = &model.heaps[slot];

        if (heap->heap == NULL)
            continue;

        size_t mapped = heap->faulty.bytes + heap->given;

        if (heap->given_before != heap->given) /* regions come whatever the limit */
            heap->limit_least = mapped > heap->limit_least ? mapped : heap->limit_least;
        heap->given_before = heap->given;
        FUZZ_CHECK(heap->limit == 0 || mapped <= heap->limit || mapped <= heap->limit_least,
                   "heap %u has %zu bytes, with a limit of %zu", slot, mapped, heap->limit);
    }
}

static talus_heap_stats_t stats_of(unsigned slot)
{
    talus_heap_stats_t stats;

    talus_heap_stats(model.heaps[slot].heap, &stats);
    return stats;
}

void heaps_check_books(unsigned slot)
{
    const struct model_heap *heap = &model.heaps[slot];
    talus_heap_stats_t       stats = stats_of(slot);

    FUZZ_CHECK(stats.free_pages <= stats.mapped && stats.dirty_pages <= stats.free_pages &&
                   stats.largest_free_run <= stats.free_pages && stats.mapped <= stats.mapped_peak,
               "heap %u: %zu mapped, %zu at most, %zu free, %zu dirty, %zu in one piece", slot,
               stats.mapped, stats.mapped_peak, stats.free_pages, stats.dirty_pages,
               stats.largest_free_run);
    if (heap->is_default)
        return;
    FUZZ_CHECK(stats.mapped == heap->faulty.bytes + heap->given,
               "heap %u counts %zu bytes as mapped, and has %zu and %zu", slot, stats.mapped,
               heap->faulty.bytes, heap->given);
    FUZZ_CHECK(stats.limit == heap->limit, "heap %u: limit %zu of %zu", slot, stats.limit,
               heap->limit);
    check_provider(slot);
}

static void trim(void *context)
{
    talus_heap_trim(context);
}

/* Twice: what one actor's cache held for another's comes back with the next. */
static void trim_everywhere(talus_heap *heap)
{
    for (unsigned i = 0; i < 2 * ACTORS; i++)
        if (actors_is_alive(i % ACTORS))
            actors_run(i % ACTORS, trim, heap);
}

/* All that the program has is given out; then nothing is, and all pages are free. */
static void check_end(unsigned slot)
{
    talus_heap *heap = model.heaps[slot].heap;
    size_t      expected = 0;

    trim_everywhere(heap);
    for (size_t i = 0; i < model.reference.count; i++)
        if (model.reference.blocks[i].owner == slot)
            expected += model.reference.blocks[i].usable;
    /* what was freed since a span's last slow exit still counts */
    FUZZ_CHECK(stats_of(slot).allocated >= expected, "heap %u: %zu bytes are given out of %zu",
               slot, stats_of(slot).allocated, expected);
    for (size_t i = model.reference.count; i-- > 0;)
        if (model.reference.blocks[i].owner == slot)
            heaps_release(i, (unsigned)i);
    trim_everywhere(heap);

    talus_heap_stats_t stats = stats_of(slot);

    FUZZ_CHECK(stats.allocated == 0 && stats.spans == 0 && stats.large == 0 &&
                   stats.free_pages == stats.mapped,
               "heap %u is empty: %zu bytes given out, %u spans, %zu of %zu bytes free", slot,
               stats.allocated, stats.spans, stats.free_pages, stats.mapped);
    heaps_check_books(slot);
}

void heaps_close(void)
{
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        if (model.heaps[slot].heap == NULL)
            continue;
        if (!model.heaps[slot].is_default)
            model.heaps[slot].faulty.fail_at = 0;
        heaps_stores_close(slot);
        check_end(slot);
        if (slot > 0)
            heaps_destroy(slot);
    }
    for (unsigned actor = 1; actor < ACTORS; actor++)
        actors_end(actor);
    FUZZ_CHECK(model.reference.count == 0, "%zu blocks are left", model.reference.count);
    reference_close(&model.reference);
    talus_set_misuse_handler(NULL);
}
