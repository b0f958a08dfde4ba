/* heaps_blocks.c: blocks: got, resized, given back, each told to the reference. See heaps.h. */
#include <errno.h>
#include <string.h>

#include "fuzz/heaps.h"

#define ROOM_FOR_A_SPAN (16 * TALUS_PAGE_SIZE) /* no class takes a longer run */

size_t heaps_size(void)
{
    size_t how = fuzz_u8(&model.input);

    switch (how % 8) {
    case 0:
        return how / 8; /* 0 to 31 */
    case 1:
    case 2:
    case 3:
        return fuzz_u8(&model.input) + (how / 8) * 32; /* classes that the fast path has */
    case 4:
    case 5:
        return fuzz_u16(&model.input);
    case 6: /* around whole pages */
        return fuzz_below(&model.input, 64) * TALUS_PAGE_SIZE + how / 8 * 16;
    default:
        return (size_t)fuzz_u16(&model.input) * (how / 8 + 1);
    }
}

size_t heaps_align(void)
{
    size_t how = fuzz_u8(&model.input);

    return how < 128 ? how % 2 : (size_t)1 << how % 18;
}

/* The number of a block that may be freed or resized; SIZE_MAX when the input picks none. */
static size_t pick_block(void)
{
    size_t picked = fuzz_u16(&model.input);

    if (model.reference.count == 0)
        return SIZE_MAX;
    picked %= model.reference.count;
    return heaps_is_object(&model.reference.blocks[picked]) ? SIZE_MAX : picked;
}

uint64_t heaps_failures(unsigned slot)
{
    return model.heaps[slot].is_default ? 0 : model.heaps[slot].faulty.failures;
}

void heaps_check_refusal(unsigned slot, size_t size, uint64_t failures_before)
{
    const struct model_heap *heap = &model.heaps[slot];
    talus_heap_stats_t       stats;

    FUZZ_CHECK(errno == ENOMEM, "heap %u refuses %zu bytes with errno %d", slot, size, errno);
    FUZZ_CHECK(!heap->is_default, "the default heap refuses %zu bytes", size);
    talus_heap_stats(heap->heap, &stats);
    FUZZ_CHECK(stats.largest_free_run < size + ROOM_FOR_A_SPAN,
               "heap %u refuses %zu bytes and has %zu in one piece", slot, size,
               stats.largest_free_run);
    FUZZ_CHECK(heaps_failures(slot) > failures_before ||
                   (heap->limit != 0 && stats.mapped + size + ROOM_FOR_A_SPAN > heap->limit),
               "heap %u refuses %zu bytes with %zu of %zu mapped, and the provider was not asked",
               slot, size, stats.mapped, heap->limit);
}

static void check_reference(bool holds)
{
    FUZZ_CHECK(holds, "%s", model.reference.problem);
}

bool heaps_is_too_much(size_t bytes)
{
    return model.reference.bytes + bytes > LIVE_BYTES_MAX;
}

void heaps_add(unsigned owner, void *block, size_t size, size_t align, bool zeroed)
{
    struct reference *reference = &model.reference;
    size_t            usable = talus_usable_size(block);

    reference->owner = owner;
    check_reference(zeroed ? reference_add_zeroed(reference, block, size, usable, align)
                           : reference_add(reference, block, size, usable, align));
}

void heaps_alloc(void)
{
    unsigned slot = heaps_slot();
    size_t   align = heaps_align(), size = heaps_size();
    bool     zeroed = fuzz_u8(&model.input) % 4 == 0;
    uint64_t failures = heaps_failures(slot);
    void    *block;

    if (heaps_is_too_much(size + align))
        return;
    fuzz_say("heap %u: %s %zu align %zu", slot, zeroed ? "zalloc" : "alloc", size, align);
    errno = 0;
    block = zeroed ? talus_heap_zalloc(model.heaps[slot].heap, size, align, NULL)
                   : talus_heap_alloc(model.heaps[slot].heap, size, align, NULL);
    if (block == NULL)
        heaps_check_refusal(slot, size + align, failures);
    else
        heaps_add(slot, block, size, align, zeroed);
}

/* The default heap's own calls. */
void heaps_calloc(void)
{
    unsigned how = fuzz_u8(&model.input) % 4;
    size_t   size = heaps_size(), align = heaps_align();
    void    *block;

    if (align == 0)
        align = 1;
    if (heaps_is_too_much(size + align))
        return;
    fuzz_say("default: call %u of %zu align %zu", how, size, align);
    errno = 0;
    switch (how) {
    case 0:
        block = talus_malloc(size);
        break;
    case 1:
        block = talus_calloc(size % 7 + 1, size / (size % 7 + 1));
        size = (size % 7 + 1) * (size / (size % 7 + 1));
        break;
    case 2:
        block = talus_aligned_alloc(align, size);
        break;
    default:
        block = talus_reallocarray(NULL, 1, size);
        break;
    }
    if (block == NULL)
        heaps_check_refusal(0, size, 0);
    else
        heaps_add(0, block, size, how == 2 ? align : 0, how == 1);
}

void heaps_realloc(void)
{
    size_t index = pick_block(), size = heaps_size();
    bool   by_heap = fuzz_u8(&model.input) % 2 == 0;

    if (index == SIZE_MAX)
        return;

    struct reference_block old = model.reference.blocks[index];
    uint64_t               failures = heaps_failures(old.owner);

    if (size > old.size && heaps_is_too_much(size - old.size))
        return;
    fuzz_say("heap %u: realloc %p of %zu to %zu", old.owner, (void *)old.start, old.size, size);
    model.resized = old.start;
    errno = 0;
    unsigned char *block =
        by_heap ? talus_heap_realloc(model.heaps[old.owner].heap, old.start, size, NULL)
                : talus_realloc(old.start, size);
    model.resized = NULL;
    if (block == NULL) { /* the reference goes on checking the old one */
        heaps_check_refusal(old.owner, size, failures);
        return;
    }

    size_t usable = talus_usable_size(block);

    if (block == old.start && usable > old.usable)
        heaps_check_grown(block + old.usable, block + usable);
    check_reference(reference_resized(&model.reference, reference_find(&model.reference, old.start),
                                      block, size, usable));
}

void heaps_release(size_t index, unsigned how)
{
    struct reference_block old = model.reference.blocks[index];

    fuzz_say("heap %u: free %p of %zu, call %u", old.owner, (void *)old.start, old.size, how % 5);
    check_reference(reference_remove(&model.reference, index));
    errno = 4711;
    switch (how % 5) {
    case 0:
        talus_free(old.start);
        break;
    case 1:
        talus_heap_free(model.heaps[old.owner].heap, old.start);
        break;
    case 2:
        talus_free_sized(old.start, old.size);
        break;
    case 3:
        talus_free_aligned_sized(old.start, TALUS_ALIGN_MIN, old.size);
        break;
    default:
        talus_free_from_interrupt(old.start);
        break;
    }
    FUZZ_CHECK(errno == 4711, "free, call %u, changes errno to %d", how % 5, errno);
}

void heaps_free(void)
{
    size_t   index = pick_block();
    unsigned how = fuzz_u8(&model.input);

    if (index != SIZE_MAX)
        heaps_release(index, how);
}

/* Many blocks of one size. */
void heaps_fill(void)
{
    unsigned slot = heaps_slot();
    unsigned count = fuzz_u8(&model.input);
    size_t   size = fuzz_u16(&model.input) % 4096;

    fuzz_say("heap %u: %u times alloc %zu", slot, count, size);
    for (unsigned i = 0; i < count && !heaps_is_too_much(size); i++) {
        uint64_t failures = heaps_failures(slot);
        void    *block;

        errno = 0;
        block = talus_heap_alloc(model.heaps[slot].heap, size, 0, NULL);
        if (block == NULL) {
            heaps_check_refusal(slot, size, failures);
            return;
        }
        heaps_add(slot, block, size, 0, false);
    }
}

/* Every n-th block, of whichever heap. */
void heaps_thin(void)
{
    size_t   each = fuzz_u8(&model.input) % 8 + 1;
    size_t   first = fuzz_u8(&model.input);
    unsigned how = fuzz_u8(&model.input);

    fuzz_say("each %zu. block from number %zu on", each, first);
    for (size_t i = model.reference.count; i-- > first;)
        if (i % each == 0 && !heaps_is_object(&model.reference.blocks[i]))
            heaps_release(i, how);
}

/* What can never be had: no call may do anything but refuse it. */
void heaps_impossible(void)
{
    static const size_t sizes[] = { SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX - 4096 };
    unsigned            slot = heaps_slot();
    unsigned            how = fuzz_u8(&model.input) % 6;
    size_t              size = sizes[fuzz_u8(&model.input) % 4];
    talus_heap         *heap = model.heaps[slot].heap;
    int                 expected = ENOMEM;
    void               *block = NULL;

    fuzz_say("heap %u: impossible %zu, call %u", slot, size, how);
    errno = 0;
    switch (how) {
    case 0:
        block = talus_heap_alloc(heap, size, 0, NULL);
        break;
    case 1:
        block = talus_heap_zalloc(heap, size, 4096, NULL);
        break;
    case 2:
        block = talus_calloc(size, 3);
        break;
    case 3:
        block = talus_reallocarray(NULL, 5, size);
        break;
    case 4:
        block = talus_heap_alloc(heap, 10, 3, NULL);
        expected = EINVAL;
        break;
    default:
        block = talus_heap_alloc(heap, 10, TALUS_ALIGN_MAX * 2, NULL);
        expected = EINVAL;
        break;
    }
    FUZZ_CHECK(block == NULL && errno == expected, "impossible call %u: %p, errno %d", how, block,
               errno);
}
