/* stats.c: adding up. See stats.h. */
#include "core/stats.h"
#include "core/meta.h"
#include "core/pagemap.h"
#include "core/reserve.h"

void tl_stats_fill(struct tl_heap *heap, talus_heap_stats_t *stats)
{
    uintptr_t given_out = 0;
    tl_reserve_drain(heap);
    tl_lock_acquire(&heap->lock);
    for (const struct tl_cache *cache = heap->caches; cache != NULL; cache = cache->next) {
        given_out += tl_counter_read(&cache->given_out);
        stats->large += tl_counter_read(&cache->large_bytes);
        stats->remote_batches += tl_counter_read(&cache->batches_in);
    }
    stats->caches = heap->cache_count;
    stats->caches_idle = (uint32_t)tl_counter_read(&heap->idle_count);
    stats->adoptions = heap->adoptions;
    tl_lock_release(&heap->lock);
    stats->large += tl_counter_read(&heap->large_bytes);
    stats->spans = (uint32_t)tl_counter_read(&heap->spans);
    stats->allocated = (size_t)given_out + stats->large;
    tl_pool_stats(&heap->pool, stats);
    stats->metadata = tl_meta_bytes();
}
