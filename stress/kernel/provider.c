/* provider.c: what the suites of heap instances take as the system's memory in a kernel: what the
 * default heap gets its own from. */
#include "stress/lib/provider.h"

#include <talus/port.h>

static void *map(void *context, size_t bytes)
{
    (void)context;
    return talus_port_map(bytes);
}

static void unmap(void *context, void *block, size_t bytes)
{
    (void)context;
    talus_port_unmap(block, bytes);
}

const talus_provider *st_provider_system(void)
{
    static const talus_provider provider = { .map = map, .unmap = unmap };
    return &provider;
}
