/* heap_contract.c: whole blocks go back, to the provider or to the owner who gave them; blocks that
 * are marked drain and leave; a shrinker gets so many pages (R16, R17). */
#include <talus/heap.h>

#include <pthread.h>
#include <semaphore.h>

#include "lib/counted_heap.h"
#include "lib/rng.h"
#include "lib/test.h"

#define PAGE  TALUS_PAGE_SIZE
#define STEP  (64 * PAGE)                     /* what the heaps here grow by */
#define LARGE (64 * KIB / PAGE * PAGE + PAGE) /* the shortest block with pages to itself */

/* What the owner gives: two blocks that touch. */
static _Alignas(TALUS_PAGE_SIZE) unsigned char arena[3 * STEP];
static unsigned char *const left = arena, *const right = arena + STEP;

struct removed {
    unsigned calls;
    void    *block;
    size_t   bytes;
};

static struct removed removed;

static void note_removed(void *context, talus_heap *heap, void *block, size_t bytes)
{
    struct removed *noted = context;

    assert_non_null(heap);
    memset(block, 0xee, bytes); /* it is the owner's: nobody may see this */
    *noted = (struct removed){ noted->calls + 1, block, bytes };
}

static talus_heap *create(const talus_heap_options *like)
{
    talus_heap_options options = *like;

    options.growth = STEP;
    options.on_removed = note_removed;
    options.on_removed_context = &removed;
    removed = (struct removed){ 0 };
    return create_counted_over(NULL, options);
}

static talus_heap_stats_t stats_of(talus_heap *heap)
{
    talus_heap_stats_t stats;

    talus_heap_stats(heap, &stats);
    return stats;
}

static bool lies_in(const void *block, const unsigned char *region, size_t bytes)
{
    return (uintptr_t)block - (uintptr_t)region < bytes;
}

static void *get(talus_heap *heap, size_t bytes)
{
    void *block = talus_heap_alloc(heap, bytes, 0, NULL);

    assert_non_null(block);
    memset(block, 0x3c, bytes);
    return block;
}

/* R16: blocks without a page in use go, at once and only when asked; the quota is there again. Also
 * blocks that never were in use. */
static void whole_blocks_go_to_the_provider(void **state)
{
    talus_heap *heap = create(&(talus_heap_options){ .limit = 8 * STEP, .initial = STEP });
    void       *blocks[7];

    (void)state;
    assert_int_equal(talus_heap_contract(heap, 0), STEP);
    assert_int_equal(counted.bytes, 0);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT_OF(blocks); i++)
            blocks[i] = get(heap, STEP - PAGE);
        assert_int_equal(talus_heap_contract(heap, 0), 0);
        for (size_t i = 0; i < COUNT_OF(blocks); i += 2)
            talus_heap_free(heap, blocks[i]);
        assert_int_equal(counted.bytes, 7 * STEP);
        assert_int_equal(talus_heap_contract(heap, 60000), 0); /* free, but not for so long */
        assert_int_equal(talus_heap_contract(heap, 0), 4 * STEP);
        assert_int_equal(counted.bytes, 3 * STEP);
        assert_int_equal(stats_of(heap).mapped, 3 * STEP);
        for (size_t i = 1; i < COUNT_OF(blocks); i += 2)
            talus_heap_free(heap, blocks[i]);
        assert_int_equal(talus_heap_contract(heap, 0), 3 * STEP);
        assert_int_equal(stats_of(heap).mapped, 0);
    }
    destroy_counted(heap);
}

/* R16: what the owner gave goes to him, and nothing lies in it from then on; he may give it again.
 * Where he is not told it stays. */
static void given_blocks_go_to_their_owner(void **state)
{
    talus_heap *heap = create(&(talus_heap_options){ .name = "given" });
    talus_heap *deaf = talus_heap_create(NULL);
    void       *beside;

    (void)state;
    for (unsigned round = 1; round <= 3; round++) {
        assert_true(talus_heap_expand(heap, left, STEP));
        assert_true(talus_heap_expand(heap, right, STEP)); /* free pages of both become one run */
        beside = get(heap, PAGE * 3);
        assert_true(lies_in(beside, left, STEP));
        assert_int_equal(talus_heap_trim(heap), 0);
        assert_int_equal(removed.calls, round - 1);
        assert_int_equal(talus_heap_contract(heap, 0), STEP);
        assert_int_equal(removed.calls, round);
        assert_ptr_equal(removed.block, right);
        assert_int_equal(removed.bytes, STEP);
        for (int i = 0; i < 40; i++)
            assert_false(lies_in(get(heap, 4 * PAGE), right, STEP));
        assert_true(talus_heap_destroy(heap));
        heap = talus_heap_create(
            &(talus_heap_options){ .on_removed = note_removed, .on_removed_context = &removed });
    }
    assert_non_null(deaf);
    assert_true(talus_heap_expand(deaf, left, STEP));
    assert_int_equal(talus_heap_contract(deaf, 0), 0);
    assert_true(talus_heap_drain(deaf, left, true));
    assert_false(lies_in(get(deaf, LARGE), left, STEP));
    assert_int_equal(stats_of(deaf).free_pages, stats_of(deaf).mapped - LARGE);
    assert_true(talus_heap_destroy(deaf));
    destroy_counted(heap);
}

/* R14, R16: what low water asks for is kept, and all of it where pages are to be kept. */
static void low_water_and_keep_pages_are_kept(void **state)
{
    talus_heap *heap = create(&(talus_heap_options){ .low_water = 2 * STEP });
    void       *blocks[5];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        blocks[i] = get(heap, STEP);
    assert_int_equal(stats_of(heap).free_pages, 2 * STEP);
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        talus_heap_free(heap, blocks[i]);
    assert_int_equal(talus_heap_contract(heap, 0), 5 * STEP);
    assert_int_equal(stats_of(heap).free_pages, 2 * STEP);
    destroy_counted(heap);
    heap = create(&(talus_heap_options){ .initial = STEP, .keep_pages = true });
    assert_int_equal(talus_heap_contract(heap, 0), 0);
    assert_int_equal(talus_heap_shrink(heap, SIZE_MAX), 0);
    assert_true(talus_heap_drain(heap, counted.blocks[0].start, true)); /* but for this */
    assert_int_equal(counted.bytes, 0);
    destroy_counted(heap);
}

/* R16: up to so many pages: whole blocks, then pages of others, purged. */
static void a_shrinker_gets_what_it_asks_for(void **state)
{
    talus_heap *heap = create(&(talus_heap_options){ .decay_ms = 1000000 });
    void       *blocks[4], *stays;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        blocks[i] = get(heap, STEP - 8 * PAGE);
    stays = get(heap, STEP / 2);
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        talus_heap_free(heap, blocks[i]);
    assert_int_equal(talus_heap_shrink(heap, 0), 0);
    assert_int_equal(talus_heap_shrink(heap, STEP / PAGE - 1), STEP / PAGE - 1);
    assert_int_equal(counted.unmaps, 0); /* one page too many */
    assert_int_equal(talus_heap_shrink(heap, 2 * (STEP / PAGE) + 5), 2 * (STEP / PAGE) + 5);
    assert_int_equal(counted.unmaps, 2);
    assert_int_equal(counted.bytes, 3 * STEP);
    talus_heap_free(heap, stays);
    assert_true(talus_heap_shrink(heap, SIZE_MAX) >= 3 * STEP / PAGE);
    assert_int_equal(talus_heap_shrink(heap, SIZE_MAX), 0);
    assert_int_equal(stats_of(heap).mapped, 0);
    destroy_counted(heap);
}

/* R16: what is allocated lies low, so that under turnover sparse blocks empty and can go. */
static void sparse_blocks_empty_under_turnover(void **state)
{
    enum { FULL = 400, EACH = 10, LEFT = FULL / EACH };
    talus_heap *heap = create(&(talus_heap_options){ .decay_ms = 1000000 });
    void       *blocks[FULL];
    struct rng  rng = rng_seeded(1);

    (void)state;
    for (size_t i = 0; i < FULL; i++)
        blocks[i] = get(heap, LARGE);
    for (size_t i = 0; i < FULL; i++)
        if (i % EACH == 0)
            blocks[i / EACH] = blocks[i];
        else
            talus_heap_free(heap, blocks[i]);
    talus_heap_contract(heap, 0);
    assert_true(stats_of(heap).mapped >= LEFT / 2 * STEP); /* spread over so many */
    for (int round = 0; round < 20 * LEFT; round++) {
        size_t one = rng_below(&rng, LEFT), other = (one + 1) % LEFT;

        talus_heap_free(heap, blocks[one]);
        talus_heap_free(heap, blocks[other]); /* this one the cache keeps for the next request */
        blocks[one] = get(heap, LARGE);
        blocks[other] = get(heap, LARGE);
    }
    talus_heap_contract(heap, 0);
    assert_true(stats_of(heap).mapped <= 2 * LEFT * LARGE);
    destroy_counted(heap);
}

/* R17: nothing new lies in a marked block, of whatever size; it leaves with its last page. */
static void a_marked_block_drains_and_leaves(void **state)
{
    static const size_t sizes[] = { 24, 500, 3000, 20000, 3 * PAGE, 12 * PAGE };
    talus_heap         *heap = create(&(talus_heap_options){ .name = "drained" });
    void               *inside[COUNT_OF(sizes)], *others[COUNT_OF(sizes)][50];

    (void)state;
    assert_true(talus_heap_expand(heap, left, STEP));
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        assert_true(lies_in(inside[i] = get(heap, sizes[i]), left, STEP));
    assert_true(talus_heap_drain(heap, left + STEP - 1, true));
    assert_true(talus_heap_drain(heap, left, true)); /* twice is once */
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (size_t k = 0; k < 50; k++)
            assert_false(lies_in(others[i][k] = get(heap, sizes[i]), left, STEP));
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        assert_int_equal(removed.calls, 0);
        for (size_t at = 0; at < sizes[i]; at++)
            assert_int_equal(((unsigned char *)inside[i])[at], 0x3c);
        talus_heap_free(heap, inside[i]);
        talus_heap_trim(heap); /* until then it lies in the cache, warm */
        void *next = get(heap, sizes[i]);
        assert_false(lies_in(next, left, STEP));
        talus_heap_free(heap, next);
    }
    assert_int_equal(removed.calls, 1);
    assert_ptr_equal(removed.block, left);
    assert_int_equal(removed.bytes, STEP);
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (size_t k = 0; k < 50; k++)
            talus_heap_free(heap, others[i][k]);
    assert_false(talus_heap_drain(heap, left, true));
    assert_int_equal(errno, EINVAL);
    talus_heap_contract(heap, 0);
    assert_int_equal(stats_of(heap).mapped, counted.bytes);
    assert_int_equal(stats_of(heap).allocated, 0);
    destroy_counted(heap);
}

/* R17: a block that grows does not grow into marked pages, nor one that moves end there. */
static void nothing_grows_into_a_marked_block(void **state)
{
    talus_heap    *heap = create(&(talus_heap_options){ .name = "grown" });
    unsigned char *block;

    (void)state;
    assert_true(talus_heap_expand(heap, left, STEP));
    block = get(heap, 20 * PAGE);
    assert_true(lies_in(block, left, STEP));
    assert_true(talus_heap_drain(heap, left, true));
    block = talus_heap_realloc(heap, block, 40 * PAGE, NULL);
    assert_non_null(block);
    assert_false(lies_in(block, left, STEP));
    assert_int_equal(block[20 * PAGE - 1], 0x3c);
    assert_int_equal(removed.calls, 1);
    destroy_counted(heap);
}

/* R17: of blocks that touch only the marked one leaves: a block of the program's lies across their
 * border, and free pages of both were one run. */
static void borders_are_kept(void **state)
{
    talus_heap *heap = create(&(talus_heap_options){ .name = "borders" });
    void       *across, *before;

    (void)state;
    assert_true(talus_heap_expand(heap, left, STEP));
    assert_true(talus_heap_expand(heap, right, 2 * STEP));
    before = get(heap, STEP - 5 * PAGE);
    across = get(heap, 20 * PAGE);
    assert_true(lies_in(before, left, STEP) && lies_in(across, left, STEP));
    assert_true(lies_in((unsigned char *)across + 20 * PAGE - 1, right, STEP));
    assert_true(talus_heap_drain(heap, left, true));
    assert_int_equal(stats_of(heap).largest_free_run, 2 * STEP - 15 * PAGE);
    talus_heap_free(heap, before);
    assert_int_equal(removed.calls, 0);
    talus_heap_free(heap, across); /* half of it is of the other block */
    talus_heap_trim(heap);         /* the cache kept it */
    assert_int_equal(removed.calls, 1);
    assert_ptr_equal(removed.block, left);
    assert_int_equal(stats_of(heap).mapped, 2 * STEP);
    assert_int_equal(stats_of(heap).largest_free_run, 2 * STEP);
    assert_ptr_equal(get(heap, 2 * STEP), right);
    destroy_counted(heap);
}

/* R17: without its mark a block serves again, all of it, in one piece. */
static void a_mark_can_be_taken_off(void **state)
{
    talus_heap *heap = create(&(talus_heap_options){ .name = "unmarked", .limit = 2 * STEP });
    void       *middle, *large;

    (void)state;
    assert_true(talus_heap_expand(heap, left, STEP));
    assert_true(talus_heap_expand(heap, right, STEP));
    middle = get(heap, 10 * PAGE);
    assert_true(lies_in(middle, left, STEP));
    assert_true(talus_heap_drain(heap, left, true));
    assert_true(talus_heap_drain(heap, right, true)); /* this one leaves at once */
    assert_int_equal(removed.calls, 1);
    assert_true(talus_heap_drain(heap, left, false));
    assert_true(talus_heap_drain(heap, left, false));
    assert_int_equal(stats_of(heap).largest_free_run, STEP - 10 * PAGE);
    assert_true(talus_heap_expand(heap, right, STEP));
    large = get(heap, 2 * STEP - 10 * PAGE);
    talus_heap_free(heap, middle);
    talus_heap_free(heap, large);
    assert_int_equal(removed.calls, 1);
    assert_int_equal(talus_heap_contract(heap, 0), 2 * STEP);
    assert_int_equal(removed.calls, 3);
    destroy_counted(heap);
}

/* R17: the owner may use the heap where he is told, wherever a cache was at work when the block had
 * drained: nothing gets lost. */
static void *freed_when_removed;

static void use_heap(void *context, talus_heap *heap, void *block, size_t bytes)
{
    note_removed(context, heap, block, bytes);
    talus_heap_free(heap, freed_when_removed);
    talus_heap_free(heap, get(heap, 100));
}

static void the_owner_may_use_the_heap(void **state)
{
    talus_heap *heap = talus_heap_create(
        &(talus_heap_options){ .on_removed = use_heap, .on_removed_context = &removed });
    void *in_left, *beside;

    (void)state;
    removed = (struct removed){ 0 };
    assert_true(talus_heap_expand(heap, left, STEP));
    in_left = get(heap, LARGE);
    assert_true(lies_in(in_left, left, STEP));
    assert_true(talus_heap_drain(heap, left, true));
    beside = get(heap, LARGE);
    freed_when_removed = get(heap, LARGE);
    talus_heap_free(heap, in_left); /* a cache keeps it, until it gets another one */
    talus_heap_free(heap, beside);
    talus_heap_free(heap, get(heap, 100));
    assert_int_equal(removed.calls, 1);
    assert_ptr_equal(removed.block, left);
    talus_heap_trim(heap);
    assert_int_equal(stats_of(heap).free_pages, stats_of(heap).mapped);
    assert_true(talus_heap_destroy(heap));
}

/* R17: the provider's blocks are unmapped when they have drained, with no word from anybody. */
static void the_providers_blocks_are_unmapped(void **state)
{
    talus_heap *heap = create(&(talus_heap_options){ .decay_ms = 1000000 });
    void       *blocks[3];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        blocks[i] = get(heap, STEP - 2 * PAGE);
    assert_true(talus_heap_drain(heap, blocks[1], true));
    assert_int_equal(counted.unmaps, 0);
    talus_heap_free(heap, blocks[0]);
    talus_heap_free(heap, blocks[1]);
    assert_int_equal(counted.unmaps, 1);
    assert_int_equal(counted.bytes, 2 * STEP);
    assert_int_equal(removed.calls, 0);
    destroy_counted(heap);
}

/* R17: addresses that are in no page of the heap's. */
static void what_is_no_block_is_refused(void **state)
{
    talus_heap          *heap = create(&(talus_heap_options){ .name = "refused" });
    const unsigned char *wrong[] = { NULL, left + STEP, (unsigned char *)&wrong };

    (void)state;
    assert_true(talus_heap_expand(heap, left, STEP));
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        errno = 0;
        assert_false(talus_heap_drain(heap, wrong[i], true));
        assert_int_equal(errno, EINVAL);
        assert_false(talus_heap_drain(heap, wrong[i], false));
    }
    assert_int_equal(stats_of(heap).largest_free_run, STEP);
    destroy_counted(heap);
}

/* R13: a block that ends where addresses do: its last page is left out. */
static void the_last_page_of_all_is_left_out(void **state)
{
    talus_heap *heap = create(&(talus_heap_options){ .name = "top" });
    uintptr_t   start = UINTPTR_MAX - 4 * PAGE + 1;

    (void)state;
    assert_true(talus_heap_expand(heap, (void *)start, 4 * PAGE));
    assert_int_equal(stats_of(heap).mapped, 3 * PAGE);
    assert_int_equal(stats_of(heap).largest_free_run, 3 * PAGE);
    errno = 0;
    assert_false(talus_heap_expand(heap, (void *)(UINTPTR_MAX - PAGE + 1), PAGE));
    assert_int_equal(errno, EINVAL);
    destroy_counted(heap);
}

/* R14: low water: the heap asks for more while it still has some. */
static void it_grows_before_it_is_exhausted(void **state)
{
    talus_heap *heap = create(&(talus_heap_options){ .low_water = STEP / 2 });
    uint64_t    maps;

    (void)state;
    for (int i = 0; i < 60; i++) {
        get(heap, LARGE);
        assert_true(stats_of(heap).free_pages >= STEP / 2);
    }
    assert_int_equal(counted.failures, 0);
    counted.fail_at = counted.requests + 1;
    counted.fail_onwards = true;
    maps = counted.maps;
    while (counted.failures == 0)
        get(heap, LARGE);
    assert_true(stats_of(heap).free_pages >= STEP / 2 - LARGE);
    while (stats_of(heap).largest_free_run >= LARGE)
        get(heap, LARGE);                /* refused growth refuses nothing */
    assert_true(counted.failures <= 12); /* nor is it tried again each time */
    errno = 0;
    assert_null(talus_heap_alloc(heap, LARGE, 0, NULL));
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(counted.maps, maps);
    counted.fail_at = 0;
    get(heap, LARGE);
    assert_true(stats_of(heap).free_pages >= STEP / 2);
    destroy_counted(heap);
}

/* R14, R15: a limit is no reason to fail early, and none to report it. */
static void low_water_keeps_to_the_limit(void **state)
{
    talus_heap *heap = create(&(talus_heap_options){ .low_water = 2 * STEP, .limit = 3 * STEP });

    (void)state;
    get(heap, 2 * STEP);
    assert_int_equal(stats_of(heap).mapped, 3 * STEP);
    get(heap, STEP);
    assert_int_equal(stats_of(heap).limit_hits, 0);
    assert_int_equal(stats_of(heap).free_pages, 0);
    destroy_counted(heap);
}

/* A provider that is slow: from the second call on its map waits to be let go. */
struct slow {
    unsigned calls;
    sem_t    entered, leave;
};

static void *map_slowly(void *context, size_t bytes)
{
    struct slow          *slow = context;
    const talus_provider *below = talus_provider_mmap();

    if (++slow->calls > 1) {
        sem_post(&slow->entered);
        sem_wait(&slow->leave);
    }
    return below->map(below->context, bytes);
}

static void unmap_below(void *context, void *block, size_t bytes)
{
    const talus_provider *below = talus_provider_mmap();

    (void)context;
    below->unmap(below->context, block, bytes);
}

static void *get_one(void *heap)
{
    get(heap, LARGE);
    return NULL;
}

/* R14: while one thread waits for the provider on account of low water, others are served from what
 * there is, below the mark as they are. */
static void others_do_not_wait(void **state)
{
    struct slow        slow = { .calls = 0 };
    talus_provider     provider = { .map = map_slowly, .unmap = unmap_below, .context = &slow };
    talus_heap_options options = {
        .provider = &provider, .growth = 4 * STEP, .initial = 4 * STEP, .low_water = 3 * STEP
    };
    talus_heap *heap;
    pthread_t   thread;

    (void)state;
    assert_int_equal(sem_init(&slow.entered, 0, 0) | sem_init(&slow.leave, 0, 0), 0);
    assert_non_null(heap = talus_heap_create(&options));
    while (stats_of(heap).free_pages >= 3 * STEP + LARGE)
        get(heap, LARGE);
    assert_int_equal(slow.calls, 1);
    assert_int_equal(pthread_create(&thread, NULL, get_one, heap), 0);
    sem_wait(&slow.entered);
    for (int i = 0; i < 10; i++)
        get(heap, LARGE);
    assert_true(stats_of(heap).free_pages < 3 * STEP);
    assert_int_equal(slow.calls, 2);
    sem_post(&slow.leave);
    pthread_join(thread, NULL);
    assert_true(stats_of(heap).free_pages >= 3 * STEP);
    assert_true(talus_heap_destroy(heap));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_blocks_go_to_the_provider),
        cmocka_unit_test(given_blocks_go_to_their_owner),
        cmocka_unit_test(low_water_and_keep_pages_are_kept),
        cmocka_unit_test(a_shrinker_gets_what_it_asks_for),
        cmocka_unit_test(sparse_blocks_empty_under_turnover),
        cmocka_unit_test(a_marked_block_drains_and_leaves),
        cmocka_unit_test(nothing_grows_into_a_marked_block),
        cmocka_unit_test(borders_are_kept),
        cmocka_unit_test(a_mark_can_be_taken_off),
        cmocka_unit_test(the_owner_may_use_the_heap),
        cmocka_unit_test(the_providers_blocks_are_unmapped),
        cmocka_unit_test(what_is_no_block_is_refused),
        cmocka_unit_test(the_last_page_of_all_is_left_out),
        cmocka_unit_test(it_grows_before_it_is_exhausted),
        cmocka_unit_test(low_water_keeps_to_the_limit),
        cmocka_unit_test(others_do_not_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
