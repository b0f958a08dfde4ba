/* provider_mmap.c: the operating system's anonymous memory as a provider (R10). */
#include "arch/port.h"
#include "core/heap.h"

static void *map(void *context, size_t bytes)
{
    (void)context;
    return tl_port_map(bytes, TL_PAGE_SIZE);
}

static void unmap(void *context, void *block, size_t bytes)
{
    (void)context;
    tl_port_unmap(block, bytes);
}

static bool purge(void *context, void *pages, size_t bytes)
{
    (void)context;
    return tl_port_purge(pages, bytes);
}

static bool move(void *context, void *from, void *to, size_t bytes)
{
    (void)context;
    return tl_port_move(from, to, bytes);
}

static const talus_provider provider = {
    .map = map,
    .unmap = unmap,
    .purge = purge,
    .move = move,
    .zeroed = true,
    .purge_unit = 4096, /* where the system's pages are larger, the port rounds inwards */
};

const talus_provider *talus_provider_mmap(void)
{
    return &provider;
}

const talus_provider *tl_provider_default(void)
{
    return &provider;
}
