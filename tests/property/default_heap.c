/* default_heap.c: random sequences on the default heap (R1 to R5, R22, R46). */
#include <talus/heap.h>

#include "lib/rng.h"
#include "lib/test.h"
#include "property/runner.h"

static void *default_open(void)
{
    return talus_heap_default();
}

static void default_close(void *context)
{
    (void)context;
}

static void *default_alloc(void *context, size_t size, size_t align)
{
    (void)context;
    return align == 0 ? talus_malloc(size) : talus_aligned_alloc(align, size);
}

static void *default_zalloc(void *context, size_t size, size_t align)
{
    (void)context;
    (void)align;
    return size % 3 == 0 ? talus_calloc(size / 3, 3) : talus_calloc(1, size);
}

static void *default_resize(void *context, void *block, size_t size)
{
    (void)context;
    return size % 4 == 0 ? talus_reallocarray(block, 4, size / 4) : talus_realloc(block, size);
}

static void default_release(void *context, void *block, size_t size)
{
    (void)context;
    if (size % 2 == 0)
        talus_free_sized(block, size);
    else
        talus_free(block);
}

static void default_tidy(void *context)
{
    talus_heap_trim(context);
}

static const struct subject small = {
    .name = "default heap, small sizes",
    .open = default_open,
    .close = default_close,
    .alloc = default_alloc,
    .zalloc = default_zalloc,
    .resize = default_resize,
    .release = default_release,
    .usable = talus_usable_size,
    .tidy = default_tidy,
    .largest = 4096,
    .live_max = 2 * MIB,
};

/* R1 to R5, R22, R46: small sizes, where most of the life of a heap is. */
static void small_sizes_keep_every_promise(void **state)
{
    uint64_t seed = test_seed();

    (void)state;
    for (uint64_t i = 0; i < 4; i++)
        assert_true(run_sequence(&small, seed + i, (size_t)TEST_ROUNDS(20000)));
}

/* R1 to R5, R22, R23, R46: all sizes up to 8 MiB. */
static void all_sizes_keep_every_promise(void **state)
{
    struct subject mixed = small;
    uint64_t       seed = test_seed();

    (void)state;
    mixed.name = "default heap, all sizes";
    mixed.largest = 8 * MIB;
    mixed.live_max = 128 * MIB;
    for (uint64_t i = 0; i < 3; i++)
        assert_true(run_sequence(&mixed, seed + i, (size_t)TEST_ROUNDS(5000)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_sizes_keep_every_promise),
        cmocka_unit_test(all_sizes_keep_every_promise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
