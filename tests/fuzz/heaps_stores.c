/* heaps_stores.c: reserves and object caches. What is taken from them is in the reference like any
 * block. See heaps.h. */
#include <errno.h>
#include <string.h>

#include "fuzz/heaps.h"

#define CONSTRUCTED 0xc3 /* each byte of an object that nobody has */

/* --- reserves -------------------------------------------------------------------------------- */

static struct model_reserve *pick_reserve(unsigned *slot)
{
    *slot = heaps_slot();
    return &model.heaps[*slot].reserves[fuzz_u8(&model.input) % RESERVES];
}

static size_t available_in(const struct model_reserve *reserve)
{
    talus_reserve_stats_t stats;

    talus_reserve_stats(reserve->reserve, &stats);
    FUZZ_CHECK(stats.available <= reserve->count, "%zu blocks in a reserve of %zu", stats.available,
               reserve->count);
    return stats.available;
}

static void notify(void *context, talus_reserve *reserve)
{
    struct model_reserve *told = context;

    FUZZ_CHECK(told->reserve == reserve, "notify is told of another reserve");
}

void heaps_reserve_create(void)
{
    unsigned              slot;
    struct model_reserve *reserve = pick_reserve(&slot);
    size_t                size = heaps_size(), align = heaps_align();
    size_t                count = fuzz_below(&model.input, 40), low = fuzz_u8(&model.input) % 48;
    uint64_t              failures = heaps_failures(slot);
    bool                  wrong = count == 0 || low > count;
    bool                  quiet = fuzz_u8(&model.input) % 2 == 0;
    talus_reserve_policy  policy = { .name = "fuzzed", .notify_context = reserve };

    if (reserve->reserve != NULL || heaps_is_too_much((size + align) * count))
        return;
    fuzz_say("heap %u: reserve of %zu times %zu align %zu", slot, count, size, align);
    *reserve = (struct model_reserve){ .size = size, .align = align, .count = count };
    errno = 0;
    reserve->reserve = talus_reserve_create(model.heaps[slot].heap, size, align, count, low,
                                            &policy, quiet ? NULL : notify);
    if (wrong)
        FUZZ_CHECK(reserve->reserve == NULL && errno == EINVAL, "a reserve of %zu, mark %zu", count,
                   low);
    else if (reserve->reserve == NULL) /* what it had got of them is free again */
        heaps_check_refusal(slot, 2 * count * (size + align + sizeof(void *)), failures);
    else
        FUZZ_CHECK(available_in(reserve) == count, "%zu of %zu in a new reserve",
                   available_in(reserve), count);
}

void heaps_reserve_take(void)
{
    unsigned              slot;
    struct model_reserve *reserve = pick_reserve(&slot);

    if (reserve->reserve == NULL || heaps_is_too_much(reserve->size))
        return;

    size_t there = available_in(reserve);

    fuzz_say("heap %u: take from %zu blocks", slot, there);
    errno = 4711;

    void *block = talus_reserve_take(reserve->reserve);

    FUZZ_CHECK(errno == 4711, "take changes errno to %d", errno);
    FUZZ_CHECK((block != NULL) == (there > 0), "take from %zu blocks: %p", there, block);
    if (block == NULL)
        return;
    FUZZ_CHECK(available_in(reserve) == there - 1, "a take from %zu blocks leaves %zu", there,
               available_in(reserve));
    heaps_add(slot, block, reserve->size, reserve->align, false);
}

/* A block of the heap that would do. */
void heaps_reserve_put(void)
{
    unsigned              slot;
    struct model_reserve *reserve = pick_reserve(&slot);
    size_t                index = fuzz_u8(&model.input);

    if (reserve->reserve == NULL || model.reference.count == 0)
        return;
    index %= model.reference.count;

    struct reference_block block = model.reference.blocks[index];
    size_t                 align = reserve->align > 1 ? reserve->align : 1;

    if (block.owner != slot || block.usable < reserve->size ||
        ((uintptr_t)block.start & (align - 1)) != 0)
        return;

    size_t there = available_in(reserve);

    fuzz_say("heap %u: put %p to %zu blocks", slot, (void *)block.start, there);
    FUZZ_CHECK(reference_remove(&model.reference, index), "%s", model.reference.problem);
    errno = 4711;
    talus_reserve_put(reserve->reserve, block.start);
    FUZZ_CHECK(errno == 4711, "put changes errno to %d", errno);
    FUZZ_CHECK(available_in(reserve) == there + (there < reserve->count),
               "a put to %zu of %zu blocks leaves %zu", there, reserve->count,
               available_in(reserve));
}

void heaps_reserve_refill(void)
{
    unsigned              slot;
    struct model_reserve *reserve = pick_reserve(&slot);
    size_t                wanted = fuzz_u8(&model.input) % 64;
    uint64_t              failures = heaps_failures(slot);
    bool                  done;

    if (reserve->reserve == NULL || heaps_is_too_much(reserve->size * reserve->count))
        return;
    fuzz_say("heap %u: refill, %zu", slot, wanted);
    errno = 0;
    if (wanted == 0) {
        wanted = reserve->count;
        done = talus_reserve_refill(reserve->reserve);
    } else {
        done = talus_reserve_prepare(reserve->reserve, wanted);
    }
    if (done)
        FUZZ_CHECK(available_in(reserve) >= wanted, "%zu of %zu after a refill",
                   available_in(reserve), wanted);
    else if (wanted > reserve->count)
        FUZZ_CHECK(errno == EINVAL, "prepare %zu of %zu: errno %d", wanted, reserve->count, errno);
    else
        heaps_check_refusal(slot, reserve->size + reserve->align, failures);
}

static void destroy_reserve(struct model_reserve *reserve)
{
    FUZZ_CHECK(talus_reserve_destroy(reserve->reserve), "a reserve cannot be destroyed");
    reserve->reserve = NULL;
}

void heaps_reserve_destroy(void)
{
    unsigned              slot;
    struct model_reserve *reserve = pick_reserve(&slot);

    if (reserve->reserve == NULL)
        return;
    fuzz_say("heap %u: destroy a reserve", slot);
    destroy_reserve(reserve);
}

/* --- object caches --------------------------------------------------------------------------- */

static struct model_cache *pick_cache(unsigned *slot, unsigned *owner)
{
    unsigned number = fuzz_u8(&model.input) / 16 % OBJECT_CACHES;

    *slot = heaps_slot();
    *owner = *slot + SLOTS * (number + 1);
    return &model.heaps[*slot].caches[number];
}

static void check_constructed(const unsigned char *object, size_t size, const char *when)
{
    for (size_t i = 0; i < size; i++)
        FUZZ_CHECK(object[i] == CONSTRUCTED, "byte %zu of an object of %zu changed: %s", i, size,
                   when);
}

static bool construct(void *context, void *object)
{
    struct model_cache *cache = context;

    if (cache->construct_fails != 0 && --cache->construct_fails == 0)
        return false;
    memset(object, CONSTRUCTED, cache->size);
    cache->constructed++;
    return true;
}

static void destruct(void *context, void *object)
{
    struct model_cache *cache = context;

    check_constructed(object, cache->size, "it is destructed");
    cache->destructed++;
}

static void check_cache(const struct model_cache *cache)
{
    talus_object_stats_t stats;

    talus_object_cache_stats(cache->cache, &stats);
    FUZZ_CHECK(stats.constructed == cache->constructed && stats.destructed == cache->destructed &&
                   stats.kept <= stats.keep &&
                   stats.constructed - stats.destructed - stats.kept == cache->taken,
               "%zu and %zu constructed, %zu and %zu destructed, %zu kept, %zu taken",
               stats.constructed, cache->constructed, stats.destructed, cache->destructed,
               stats.kept, cache->taken);
}

void heaps_cache_create(void)
{
    unsigned            slot, owner;
    struct model_cache *cache = pick_cache(&slot, &owner);
    size_t              size = heaps_size();
    uint64_t            failures = heaps_failures(slot);
    talus_object_type   type = { .name = "fuzzed",
                                 .size = size,
                                 .align = heaps_align(),
                                 .construct = construct,
                                 .destruct = destruct,
                                 .context = cache,
                                 .magazines = fuzz_u8(&model.input) % 8 };

    if (cache->cache != NULL)
        return;
    fuzz_say("heap %u: cache of objects of %zu align %zu", slot, size, type.align);
    *cache = (struct model_cache){ .size = size };
    errno = 0;
    cache->cache = talus_object_cache_create(model.heaps[slot].heap, &type);
    if (cache->cache == NULL)
        heaps_check_refusal(slot, 4096, failures);
}

void heaps_cache_alloc(void)
{
    unsigned            slot, owner;
    struct model_cache *cache = pick_cache(&slot, &owner);
    unsigned            fails = fuzz_u8(&model.input);
    uint64_t            failures = heaps_failures(slot);

    if (cache->cache == NULL || heaps_is_too_much(cache->size))
        return;
    cache->construct_fails = fails % 8 == 0 ? 1 : 0;
    fuzz_say("heap %u: an object of %zu", slot, cache->size);
    errno = 0;

    unsigned char *object = talus_object_cache_alloc(cache->cache);
    bool           failed = fails % 8 == 0 && cache->construct_fails == 0;

    cache->construct_fails = 0;
    if (object == NULL) {
        if (!failed)
            heaps_check_refusal(slot, cache->size, failures);
        return;
    }
    FUZZ_CHECK(!failed, "an object whose constructor failed");
    check_constructed(object, cache->size, "it is taken");
    cache->taken++;
    heaps_add(owner, object, cache->size, 0, false);
    check_cache(cache);
}

static void free_object(struct model_cache *cache, size_t index)
{
    unsigned char *object = model.reference.blocks[index].start;

    FUZZ_CHECK(reference_remove(&model.reference, index), "%s", model.reference.problem);
    memset(object, CONSTRUCTED, cache->size);
    cache->taken--;
    talus_object_cache_free(cache->cache, object);
    check_cache(cache);
}

void heaps_cache_free(void)
{
    unsigned            slot, owner;
    struct model_cache *cache = pick_cache(&slot, &owner);
    size_t              first = fuzz_u8(&model.input);

    if (cache->cache == NULL)
        return;
    for (size_t i = 0; i < model.reference.count; i++) {
        size_t index = (first + i) % model.reference.count;

        if (model.reference.blocks[index].owner == owner) {
            fuzz_say("heap %u: free an object of %zu", slot, cache->size);
            free_object(cache, index);
            return;
        }
    }
}

void heaps_cache_shrink(void)
{
    unsigned            slot, owner;
    struct model_cache *cache = pick_cache(&slot, &owner);

    if (cache->cache == NULL)
        return;

    size_t before = cache->destructed;
    size_t given = talus_object_cache_shrink(cache->cache);

    fuzz_say("heap %u: %zu objects given back", slot, given);
    FUZZ_CHECK(cache->destructed - before == given, "%zu objects given back, %zu destructed", given,
               cache->destructed - before);
    FUZZ_CHECK(cache->constructed - cache->destructed == cache->taken, "objects kept by a shrink");
    check_cache(cache);
}

void heaps_cache_destroy(void)
{
    unsigned            slot, owner;
    struct model_cache *cache = pick_cache(&slot, &owner);

    if (cache->cache == NULL)
        return;
    fuzz_say("heap %u: destroy a cache of which %zu objects are taken", slot, cache->taken);
    errno = 0;

    bool done = talus_object_cache_destroy(cache->cache);

    FUZZ_CHECK(done == (cache->taken == 0) && (done || errno == EINVAL),
               "a cache with %zu objects taken: %d, errno %d", cache->taken, done, errno);
    FUZZ_CHECK(cache->constructed - cache->destructed == cache->taken, "objects kept by the end");
    if (done)
        cache->cache = NULL;
}

void heaps_stores_close(unsigned slot)
{
    struct model_heap *heap = &model.heaps[slot];

    for (unsigned i = 0; i < RESERVES; i++)
        if (heap->reserves[i].reserve != NULL)
            destroy_reserve(&heap->reserves[i]);
    for (unsigned i = 0; i < OBJECT_CACHES; i++) {
        struct model_cache *cache = &heap->caches[i];

        if (cache->cache == NULL)
            continue;
        for (size_t at = model.reference.count; at-- > 0;)
            if (model.reference.blocks[at].owner == slot + SLOTS * (i + 1))
                free_object(cache, at);
        FUZZ_CHECK(talus_object_cache_destroy(cache->cache), "a cache cannot be destroyed");
        cache->cache = NULL;
    }
}
