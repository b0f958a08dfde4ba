/* alignment.c: what the heap gives out, and what it keeps for itself, is aligned (R22): for the
 * request, for any type, for the type that lies there, and to a line where lines are kept apart.
 *
 * Addresses are looked at before anything is written there: where a misaligned access traps, the
 * test still says what is wrong. */
#include "core/cache.h"
#include "core/heap.h"
#include "core/pagemap.h"
#include "core/reserve.h"
#include "core/thread.h"

#include <pthread.h>

#include "lib/rng.h"
#include "lib/test.h"

/* ---- what is given out ---- */

TL_STATIC_ASSERT(TALUS_ALIGN_MIN == _Alignof(max_align_t), "what C asks of malloc, and no more");

#define REGION_BYTES (1024 * KIB)
#define LIVE         64 /* blocks at a time, so that they lie all over their spans */

static unsigned char region_memory[REGION_BYTES + 64];

struct source {
    talus_heap        *heap;
    talus_fixed_region region; /* the heap's, if it has one */
    size_t             size_max, align_max;
    void              *live[LIVE];
    size_t             next; /* of live: the oldest, which goes next */
};

static void expect_at(const void *address, size_t align, const char *what)
{
    if (!is_aligned(address, align))
        fail_msg("%s at %p is not aligned to %zu", what, address, align);
}

#define EXPECT_ALIGNED(pointer, type) expect_at(pointer, _Alignof(type), #type)

static void expect_block(const void *block, size_t size, size_t align)
{
    size_t least = align > TALUS_ALIGN_MIN ? align : TALUS_ALIGN_MIN;

    if (!is_aligned(block, least))
        fail_msg("a block of %zu bytes at %p is not aligned to %zu", size, block, least);
    EXPECT_ALIGNED(tl_page_entry((uintptr_t)block), tl_atomic_u32);
    EXPECT_ALIGNED(tl_page_span((uintptr_t)block), struct tl_span);
}

static void free_all(struct source *source)
{
    for (size_t i = 0; i < LIVE; i++) {
        talus_free(source->live[i]);
        source->live[i] = NULL;
    }
}

enum call { MALLOC, CALLOC, ALIGNED, HEAP_ALLOC, HEAP_ZALLOC, CALLS };

static bool takes_align(enum call call)
{
    return call != MALLOC && call != CALLOC;
}

/* The calls that name no heap are the default heap's. */
static bool takes_heap(enum call call)
{
    return call == HEAP_ALLOC || call == HEAP_ZALLOC;
}

static void *make_call(enum call call, talus_heap *heap, size_t size, size_t align)
{
    switch (call) {
    case MALLOC:
        return talus_malloc(size);
    case CALLOC:
        return talus_calloc(1, size);
    case ALIGNED:
        return talus_aligned_alloc(align != 0 ? align : 1, size);
    case HEAP_ALLOC:
        return talus_heap_alloc(heap, size, align, NULL);
    default:
        return talus_heap_zalloc(heap, size, align, NULL);
    }
}

/* One block more, in place of the oldest. A heap that has no room is emptied first: then it has. */
static void **take(struct source *source, enum call call, size_t size, size_t align)
{
    void **place = &source->live[source->next++ % LIVE];

    talus_free(*place);
    *place = make_call(call, source->heap, size, align);
    if (*place == NULL) {
        free_all(source);
        *place = make_call(call, source->heap, size, align);
    }
    assert_non_null(*place);
    expect_block(*place, size, align);
    return place;
}

static void resize(struct source *source, void **place, size_t size, bool named)
{
    void *resized =
        named ? talus_heap_realloc(source->heap, *place, size, NULL) : talus_realloc(*place, size);

    if (resized == NULL)
        return; /* no room: the block is as it was */
    *place = resized;
    expect_block(resized, size, 0);
}

static void every_size_at_every_alignment(struct source *source)
{
    size_t step = TEST_SANITIZED ? 37 : 1;

    for (enum call call = 0; call < CALLS; call++) {
        if (!takes_heap(call) && source->heap != talus_heap_default())
            continue;
        for (size_t align = 0; align <= TALUS_PAGE_SIZE; align += align != 0 ? align : 1) {
            if (align > 0 && !takes_align(call))
                break;
            for (size_t size = 0; size <= 4 * KIB; size += step)
                take(source, call, size, align);
        }
    }
    free_all(source);
}

static void random_sizes_and_alignments(struct source *source, int rounds)
{
    struct rng rng = rng_seeded(test_seed());

    for (int round = 0; round < rounds; round++) {
        enum call call = (enum call)rng_below(&rng, CALLS);
        size_t    align = (size_t)1 << rng_below(&rng, tl_log2_floor(source->align_max) + 1);
        void    **place;

        if (source->heap != talus_heap_default() && !takes_heap(call))
            call = HEAP_ALLOC;
        place = take(source, call, rng_size(&rng, source->size_max), takes_align(call) ? align : 0);
        if (rng_below(&rng, 2) == 0)
            resize(source, place, rng_size(&rng, source->size_max), rng_below(&rng, 2) == 0);
    }
    free_all(source);
}

static struct source default_source(void)
{
    return (
        struct source){ .heap = talus_heap_default(), .size_max = 2 * MIB, .align_max = 256 * KIB };
}

static struct source instance_source(void)
{
    return (struct source){ .heap = talus_heap_create(NULL),
                            .size_max = 2 * MIB,
                            .align_max = 256 * KIB };
}

/* A heap in a region that starts `offset` bytes behind a line. */
static void open_region(struct source *source, size_t offset)
{
    uintptr_t      line = ((uintptr_t)region_memory + 63) & ~(uintptr_t)63;
    talus_provider provider;

    *source = (struct source){ .size_max = 16 * KIB, .align_max = 64 * KIB };
    source->region = (talus_fixed_region){ .start = (void *)(line + offset),
                                           .bytes = (uintptr_t)region_memory +
                                                    sizeof region_memory - line - offset };
    provider = talus_provider_fixed(&source->region);
    source->heap =
        talus_heap_create(&(talus_heap_options){ .name = "region", .provider = &provider });
}

/* R22: the default heap. */
static void the_default_heap_aligns(void **state)
{
    struct source source = default_source();

    (void)state;
    assert_non_null(source.heap);
    every_size_at_every_alignment(&source);
    random_sizes_and_alignments(&source, TEST_ROUNDS(5000));
}

/* R22: a heap over the system's memory. */
static void an_instance_aligns(void **state)
{
    struct source source = instance_source();

    (void)state;
    assert_non_null(source.heap);
    every_size_at_every_alignment(&source);
    random_sizes_and_alignments(&source, TEST_ROUNDS(5000));
    assert_true(talus_heap_destroy(source.heap));
}

/* R12, R22: a region that starts anywhere. */
static void a_region_that_starts_anywhere_aligns(void **state)
{
    struct source source;

    (void)state;
    for (size_t offset = 0; offset < 64; offset++) {
        open_region(&source, offset);
        assert_non_null(source.heap);
        if (offset == 1)
            every_size_at_every_alignment(&source);
        random_sizes_and_alignments(&source, TEST_ROUNDS(500));
        assert_true(talus_heap_destroy(source.heap));
    }
}

/* R20, R22: the larger alignments, as far as there are addresses for them; two blocks at a time. */
static void large_alignments(void **state)
{
    struct source source = default_source();

    (void)state;
    for (size_t align = 2 * source.align_max; align <= TALUS_ALIGN_MAX; align *= 2) {
        void *first = talus_aligned_alloc(align, 1);
        void *second = talus_heap_alloc(source.heap, 3 * TALUS_PAGE_SIZE, align, NULL);

        if (align <= 16 * MIB)
            assert_true(first != NULL && second != NULL);
        expect_block(first, 1, align);
        expect_block(second, 3 * TALUS_PAGE_SIZE, align);
        talus_free(first);
        talus_free(second);
    }
}

/* ---- what the heap keeps for itself ---- */

/* How many of each were looked at: a walk that finds none shows nothing. */
static struct {
    size_t caches, tables, reserves, spans, free_runs, spares, regions, blocks, batches;
} seen;

static void look_at_span(const struct tl_span *span)
{
    EXPECT_ALIGNED(span, struct tl_span);
    expect_at(span, TL_LINE_SIZE, "a descriptor's first line");
    expect_at(&span->own, TL_LINE_SIZE, "a descriptor's second line");
    EXPECT_ALIGNED(&span->owner, tl_atomic_word);
    EXPECT_ALIGNED(span->region, struct tl_region);
    expect_at((const void *)span->start, TL_PAGE_SIZE, "a run");
}

static void look_at_chain(const struct tl_block *chain)
{
    for (const struct tl_block *block = chain; block != NULL; block = block->next) {
        expect_at(block, TALUS_ALIGN_MIN, "a free block");
        EXPECT_ALIGNED(block, struct tl_block);
        look_at_span(tl_page_span((uintptr_t)block));
        seen.blocks++;
    }
}

static void look_at_batches(const struct tl_block *batch)
{
    for (; batch != NULL; batch = batch->next_batch) {
        look_at_chain(batch);
        seen.batches++;
    }
}

static void look_at_bin(const struct tl_bin *bin)
{
    for (const struct tl_span *span = bin->avail; span != NULL; span = span->own.next) {
        look_at_span(span);
        look_at_chain(span->own.local);
        seen.spans++;
    }
    if (bin->fresh != NULL)
        look_at_span(bin->fresh);
    look_at_batches(bin->pending);
}

static void look_at_cache(const struct tl_cache *cache)
{
    EXPECT_ALIGNED(cache, struct tl_cache);
    expect_at(cache, TL_LINE_SIZE, "a cache");
    expect_at(&cache->inbox, TL_LINE_SIZE, "an inbox");
    expect_at(cache->bin, TL_LINE_SIZE, "a cache's bins");
    expect_at(&cache->inbox.head, sizeof(uintptr_t), "an inbox's word");
    expect_at(&cache->claim.state, sizeof(uint32_t), "a claim's word");
    if (cache->others != NULL) {
        expect_at(cache->others, TL_LINE_SIZE, "a table of caches");
        EXPECT_ALIGNED(cache->others_spare, struct tl_heap_entry);
        seen.tables++;
    }
    for (unsigned class_id = 0; class_id < TL_CLASS_COUNT; class_id++) {
        look_at_chain(cache->head[class_id]);
        look_at_bin(&cache->bin[class_id]);
    }
    for (size_t slot = 0; slot < TL_CLASS_COUNT * TL_OWNER_SLOTS; slot++)
        look_at_chain(cache->foreign[slot]);
    look_at_batches((const struct tl_block *)tl_load_acquire(&cache->inbox.head));
    if (cache->kept != NULL)
        look_at_span(cache->kept);
    seen.caches++;
}

static void look_at_pool(const struct tl_pool *pool)
{
    expect_at(&pool->lock.state, sizeof(uint32_t), "a lock's word");
    for (const struct tl_region *region = pool->regions; region != NULL; region = region->next) {
        EXPECT_ALIGNED(region, struct tl_region);
        expect_at(region, TL_LINE_SIZE, "a region, which lies in a descriptor");
        expect_at((const void *)region->start, TL_PAGE_SIZE, "a provider's block");
        seen.regions++;
    }
    for (unsigned bin = 0; bin < TL_POOL_BINS; bin++)
        for (const struct tl_span *run = pool->bin[bin]; run != NULL; run = run->free.next) {
            look_at_span(run);
            seen.free_runs++;
        }
    for (const struct tl_span *spare = pool->spare; spare != NULL; spare = spare->free.next) {
        EXPECT_ALIGNED(spare, struct tl_span);
        seen.spares++;
    }
}

static void look_at_reserve(const struct tl_reserve *reserve)
{
    EXPECT_ALIGNED(reserve, struct tl_reserve);
    expect_at(&reserve->heap, TL_LINE_SIZE, "the counts of a reserve");
    expect_at(reserve->slots.slot, TL_LINE_SIZE, "the slots of a reserve");
    for (size_t i = 0; i < reserve->slots.count; i++)
        expect_at((const void *)tl_load_relaxed(&reserve->slots.slot[i]), reserve->fit.align,
                  "a block in a reserve");
    seen.reserves++;
}

/* While no other thread uses the heap. */
static void look_at_heap(talus_heap *handle)
{
    const struct tl_heap *heap = tl_heap_of(handle);

    EXPECT_ALIGNED(heap, struct tl_heap);
    if (heap != &tl_default_heap)
        expect_at(heap, TL_LINE_SIZE, "a heap");
    expect_at(&heap->id, sizeof(uintptr_t), "a heap's number");
    expect_at(&heap->lock.state, sizeof(uint32_t), "a lock's word");
    look_at_pool(&heap->pool);
    for (const struct tl_cache *cache = heap->caches; cache != NULL; cache = cache->next)
        look_at_cache(cache);
    for (const struct tl_reserve *reserve = heap->reserves; reserve != NULL;
         reserve = reserve->next)
        look_at_reserve(reserve);
}

enum { THREADS = 4, KEPT = 3000 };

static struct source shared[3];

/* Takes blocks from all heaps, frees every other one. */
static void *use_heaps(void *kept)
{
    struct rng rng = rng_seeded(test_seed() + (uintptr_t)kept);

    for (void **block = kept; block < (void **)kept + KEPT; block++) {
        talus_heap *heap = shared[rng_below(&rng, COUNT_OF(shared))].heap;

        talus_free(talus_heap_alloc(heap, rng_size(&rng, 2 * KIB), 0, NULL));
        *block = talus_heap_alloc(heap, rng_size(&rng, 256), 0, NULL);
    }
    return NULL;
}

/* Threads share the heaps and end; the caller, who has caches of its own, frees what they kept. */
static void use_heaps_together(void)
{
    static void *kept[THREADS][KEPT];
    pthread_t    threads[THREADS];

    for (size_t i = 0; i < COUNT_OF(shared); i++)
        assert_non_null(talus_reserve_create(shared[i].heap, 100, 1024, 10, 0, NULL, NULL));
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_heaps, kept[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        for (size_t j = 0; j < KEPT; j++)
            talus_free(kept[i][j]);
}

/* R22: caches, descriptors, regions, tables, reserves, inboxes, links in free blocks, after threads
 * shared three heaps. */
static void every_structure_is_aligned(void **state)
{
    (void)state;
    shared[0] = default_source();
    shared[1] = instance_source();
    open_region(&shared[2], 13);
    test_seed();
    use_heaps_together();
    EXPECT_ALIGNED(tl_page_base, struct tl_span);
    EXPECT_ALIGNED(&tl_self, struct tl_cache *);
    for (size_t i = 0; i < COUNT_OF(tl_stand_ins); i++)
        expect_at(&tl_stand_ins[i], TL_LINE_SIZE, "a stand-in for a cache");
    for (size_t i = 0; i < COUNT_OF(shared); i++)
        look_at_heap(shared[i].heap);
    print_message("%zu caches, %zu tables, %zu reserves, %zu spans, %zu free runs, "
                  "%zu spare descriptors, %zu regions, %zu free blocks, %zu batches\n",
                  seen.caches, seen.tables, seen.reserves, seen.spans, seen.free_runs, seen.spares,
                  seen.regions, seen.blocks, seen.batches);
    assert_true(seen.caches > COUNT_OF(shared) && seen.tables > 0 && seen.spans > 0);
    assert_true(seen.free_runs > 0 && seen.spares > 0 && seen.regions >= COUNT_OF(shared));
    assert_true(seen.blocks > 0 && seen.batches > 0 && seen.reserves == COUNT_OF(shared));
    for (size_t i = 1; i < COUNT_OF(shared); i++)
        assert_true(talus_heap_destroy(shared[i].heap));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_heap_aligns),
        cmocka_unit_test(an_instance_aligns),
        cmocka_unit_test(a_region_that_starts_anywhere_aligns),
        cmocka_unit_test(large_alignments),
        cmocka_unit_test(every_structure_is_aligned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
