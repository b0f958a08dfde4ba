/* target_talus.c: the default heap, and heap instances over a provider that counts what it gives.
 * */
#include "stress/lib/target.h"

#include "stress/lib/error.h"
#include "stress/lib/host.h"
#include "stress/lib/provider.h"
#include "stress/lib/report.h"

#include <talus/heap.h>

static void on_misuse(talus_misuse what, const void *pointer, const char *message)
{
    st_fail("misuse", "  the heap reports misuse %d of %p: %s; the suites never misuse it",
            (int)what, pointer, message);
}

static void *default_alloc(void *context, size_t size)
{
    (void)context;
    return talus_malloc(size);
}

static void *default_zalloc(void *context, size_t size)
{
    (void)context;
    return talus_calloc(1, size);
}

static void *default_resize(void *context, void *block, size_t size)
{
    (void)context;
    return talus_realloc(block, size);
}

static void *default_aligned(void *context, size_t align, size_t size)
{
    (void)context;
    return talus_aligned_alloc(align, size);
}

static void default_release(void *context, void *block)
{
    (void)context;
    talus_free(block);
}

static size_t usable(void *context, void *block)
{
    (void)context;
    return talus_usable_size(block);
}

static void default_open(struct st_target *target)
{
    (void)target;
    talus_set_misuse_handler(on_misuse);
}

static size_t allocated_of(talus_heap *heap)
{
    talus_heap_stats_t stats;
    st_host_flush();
    talus_heap_trim(heap);
    talus_heap_stats(heap, &stats);
    return stats.allocated;
}

static size_t default_allocated(void *context)
{
    (void)context;
    return allocated_of(talus_heap_default());
}

struct st_target st_target_talus = {
    .name = "talus",
    .what = "the default heap of talus (the default)",
    .alloc = default_alloc,
    .zalloc = default_zalloc,
    .resize = default_resize,
    .aligned = default_aligned,
    .release = default_release,
    .usable = usable,
    .open = default_open,
    .allocated = default_allocated,
    .instances = true,
};

static struct st_provider provider; /* of st_target_heap; quiet while no suite runs */

static void *heap_alloc(void *context, size_t size)
{
    return talus_heap_alloc(context, size, 0, "stress");
}

static void *heap_zalloc(void *context, size_t size)
{
    return talus_heap_zalloc(context, size, 0, "stress");
}

static void *heap_resize(void *context, void *block, size_t size)
{
    return talus_heap_realloc(context, block, size, "stress");
}

static void *heap_aligned(void *context, size_t align, size_t size)
{
    return talus_heap_alloc(context, size, align, "stress");
}

static void heap_release(void *context, void *block)
{
    talus_heap_free(context, block);
}

static void heap_open(struct st_target *target)
{
    talus_heap_options options = { .name = "stress", .provider = &provider.calls };

    talus_set_misuse_handler(on_misuse);
    st_provider_start(&provider, 0, 0);
    target->context = talus_heap_create(&options);
    if (target->context == NULL)
        st_fail("setup", "  talus_heap_create: error %d", st_error_get());
}

static void heap_close(struct st_target *target)
{
    if (!talus_heap_destroy(target->context))
        st_fail("destroy", "  talus_heap_destroy: error %d", st_error_get());
    target->context = NULL;
    st_provider_check_empty(&provider);
}

static size_t heap_allocated(void *context)
{
    return allocated_of(context);
}

struct st_target st_target_heap = {
    .name = "heap",
    .what = "a heap instance of talus for each suite, destroyed at its end, all pages counted",
    .alloc = heap_alloc,
    .zalloc = heap_zalloc,
    .resize = heap_resize,
    .aligned = heap_aligned,
    .release = heap_release,
    .usable = usable,
    .open = heap_open,
    .close = heap_close,
    .allocated = heap_allocated,
    .instances = true,
};
