/* provider_fixed.c: one fixed region as the only memory of a heap (R12, R13): its parts touch, so
 * the heap sees one block. */
#include "core/limits.h"

static void *map(void *context, size_t bytes)
{
    talus_fixed_region *region = (talus_fixed_region *)context;
    if (region->given == 0) {
        uintptr_t start = (uintptr_t)region->start;
        region->given = ((start + TL_PAGE_SIZE - 1) & ~(TL_PAGE_SIZE - 1)) - start;
    }
    if (region->given > region->bytes || bytes > region->bytes - region->given)
        return NULL;
    void *block = (char *)region->start + region->given;
    region->given += bytes;
    return block;
}

talus_provider talus_provider_fixed(talus_fixed_region *region)
{
    return (talus_provider){ .map = map, .context = region };
}
