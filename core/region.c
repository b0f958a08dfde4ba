/* region.c: bookkeeping of the provider's blocks. See region.h. */
#include "core/region.h"
#include "core/meta.h"

static struct tl_region *all_regions; /* tl_meta_lock */

void tl_region_enlist_locked(struct tl_region *region)
{
    region->all_link = &all_regions;
    region->all_next = all_regions;
    if (all_regions != NULL)
        all_regions->all_link = &region->all_next;
    all_regions = region;
}

void tl_region_delist(struct tl_region *region)
{
    tl_meta_acquire();
    *region->all_link = region->all_next;
    if (region->all_next != NULL)
        region->all_next->all_link = region->all_link;
    tl_meta_release();
}

void tl_region_insert(struct tl_region **regions, struct tl_region *region)
{
    region->touching = region->touched_by = NULL;
    region->link = regions;
    tl_poke(&region->next, *regions);
    if (*regions != NULL)
        (*regions)->link = &region->next;
    tl_poke(regions, region);
}

void tl_region_remove(struct tl_region *region)
{
    tl_poke(region->link, region->next);
    if (region->next != NULL)
        region->next->link = region->link;
    if (region->touching != NULL)
        region->touching->touched_by = NULL;
    if (region->touched_by != NULL)
        region->touched_by->touching = NULL;
}

struct tl_region *tl_region_at(struct tl_region *region, uintptr_t address)
{
    while (address - region->start >= region->pages << TL_PAGE_SHIFT)
        region = region->touching;
    return region;
}

void tl_region_link(struct tl_region *first, struct tl_region *right, uintptr_t border)
{
    if (border != right->start || right->touched_by != NULL)
        return;
    struct tl_region *left = tl_region_at(first, border - TL_PAGE_SIZE);
    TL_ASSERT(tl_region_end(left) == border);
    left->touching = right;
    right->touched_by = left;
}

bool tl_region_drains(const struct tl_region *first, uintptr_t end)
{
    while (!tl_region_is_draining(first)) {
        if (tl_region_end(first) >= end)
            return false;
        first = first->touching;
    }
    return true;
}

bool tl_region_folds_onto_another_locked(uintptr_t start, size_t pages, size_t entries)
{
    size_t mask = entries - 1;
    size_t first = (start >> TL_PAGE_SHIFT) & mask;
    for (struct tl_region *other = all_regions; other != NULL; other = other->all_next) {
        /* from ours to the other, going up */
        size_t distance = ((other->start >> TL_PAGE_SHIFT) - first) & mask;
        if (distance < pages || entries - distance < other->pages)
            return true;
    }
    return false;
}
