/* pool.c: the page pool (core/pool.h): runs are taken, cut, given back and merged; a naive map of
 * pages checks it. */
#include "core/pool.h"
#include "core/heap.h"
#include "core/pagemap.h"

#include "fail/faulty_provider.h"
#include "lib/rng.h"
#include "lib/test.h"

static struct faulty_provider counted;
static struct tl_heap         heap; /* only named as the owner of the pool */
static struct tl_pool         pool;

static int make_core(void **state)
{
    (void)state;
    return tl_init() ? 0 : -1;
}

static void open_pool(size_t limit, size_t growth)
{
    talus_heap_options options = {
        .provider = &counted.provider, .limit = limit, .growth = growth, .decay_ms = 1000000
    };

    faulty_provider_open(&counted, NULL);
    pool = (struct tl_pool){ .heap = NULL };
    tl_pool_init(&pool, &heap, &options);
}

static void close_pool(void)
{
    tl_pool_destroy(&pool);
    assert_string_equal(counted.violation != NULL ? counted.violation : "", "");
    assert_int_equal(counted.bytes, 0);
    faulty_provider_close(&counted);
}

static talus_heap_stats_t stats_now(void)
{
    talus_heap_stats_t stats = { .limit = 0 };

    tl_pool_stats(&pool, &stats);
    return stats;
}

/* A taken run as its users make it: LARGE, so that nothing merges with it. */
static struct tl_span *take(size_t pages, size_t align_pages)
{
    struct tl_span *span = tl_pool_take(&pool, pages, align_pages);

    if (span != NULL) {
        tl_span_set_kind(span, TL_SPAN_LARGE);
        assert_int_equal(span->pages, pages);
        assert_int_equal(span->start % (align_pages * TL_PAGE_SIZE), 0);
        assert_ptr_equal(tl_page_span(span->start), span);
    }
    return span;
}

/* R13: runs given back in any order merge into what the provider gave. */
static void neighbours_merge(void **state)
{
    static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                     { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        struct tl_span *runs[3];
        size_t          before;

        open_pool(0, 64 * TL_PAGE_SIZE);
        runs[0] = take(5, 1);
        runs[1] = take(7, 1);
        runs[2] = take(9, 1);
        assert_true(runs[0] != NULL && runs[1] != NULL && runs[2] != NULL);
        before = stats_now().free_pages;
        for (size_t j = 0; j < 3; j++)
            tl_pool_put(&pool, runs[orders[i][j]], runs[orders[i][j]]->pages);
        assert_int_equal(stats_now().free_pages, before + 21 * TL_PAGE_SIZE);
        assert_int_equal(stats_now().largest_free_run, 64 * TL_PAGE_SIZE);
        close_pool();
    }
}

/* R14: growth asks for enough in one piece, or fails. */
static void growth_is_contiguous_or_fails(void **state)
{
    struct tl_span *small;
    struct tl_span *big;

    (void)state;
    open_pool(100 * TL_PAGE_SIZE, 10 * TL_PAGE_SIZE);
    small = take(1, 1);
    big = take(80, 1);
    assert_non_null(small);
    assert_non_null(big);
    assert_null(take(20, 1));
    assert_int_equal(stats_now().limit_hits, 1);
    assert_true(counted.bytes_peak <= 100 * TL_PAGE_SIZE);
    tl_pool_put(&pool, small, 1);
    tl_pool_put(&pool, big, 80);
    close_pool();
}

/* R14: a provider that refuses is asked for half, down to what is needed; from then on for no more
 * than that, until it gives again: then every step is twice the one before, up to the usual one. */
static void steps_follow_what_the_provider_gives(void **state)
{
    struct tl_span *pages[128]; /* with steps of 1, 2, 4 .. 64 and again 64 pages */
    size_t          mapped = 0;
    size_t          step = 1;

    (void)state;
    open_pool(0, 64 * TL_PAGE_SIZE);
    counted.fail_at = 1;
    counted.fail_onwards = true;
    assert_null(take(1, 1));
    assert_int_equal(counted.requests, 7); /* 64, 32, 16, 8, 4, 2, 1 pages */
    assert_null(take(1, 1));
    assert_int_equal(counted.requests, 8);
    assert_null(take(40, 1)); /* more is needed: that says nothing of less */
    assert_int_equal(counted.requests, 9);
    assert_null(take(1, 1));
    assert_int_equal(counted.requests, 10);
    counted.fail_at = 0;
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        if (i == mapped) {
            mapped += step;
            step = step < 64 ? 2 * step : 64;
        }
        pages[i] = take(1, 1);
        assert_non_null(pages[i]);
        assert_int_equal(stats_now().mapped, mapped * TL_PAGE_SIZE);
    }
    assert_int_equal(mapped, 1 + 2 + 4 + 8 + 16 + 32 + 64 + 64);
    for (size_t i = 0; i < COUNT_OF(pages); i++)
        tl_pool_put(&pool, pages[i], 1);
    close_pool();
}

/* R20: alignments beyond the page; what is cut off before and behind stays usable. */
static void aligned_runs(void **state)
{
    (void)state;
    open_pool(0, 0);
    for (size_t align_pages = 1; align_pages <= 64; align_pages *= 2) {
        struct tl_span *run = take(3, align_pages);
        struct tl_span *other = take(1, 1);

        assert_non_null(run);
        assert_non_null(other);
        tl_pool_put(&pool, run, 3);
        tl_pool_put(&pool, other, 1);
        assert_int_equal(stats_now().free_pages, stats_now().mapped);
    }
    close_pool();
}

/* R3: a run says how many of its first pages may be dirty; the others read as zero. */
static void clean_pages_are_zero(void **state)
{
    struct rng rng = rng_seeded(test_seed());

    (void)state;
    open_pool(4 * MIB, 0);
    for (int round = 0; round < TEST_ROUNDS(3000); round++) {
        struct tl_span *runs[8];
        size_t          dirty[8];

        for (size_t i = 0; i < COUNT_OF(runs); i++) {
            runs[i] = take(1 + rng_below(&rng, 20), 1);
            assert_non_null(runs[i]);
            assert_true(runs[i]->dirty_to <= runs[i]->pages);
            for (size_t page = 0; page < runs[i]->pages; page++)
                if (page < runs[i]->dirty_from || page >= runs[i]->dirty_to)
                    assert_true(
                        is_zero((char *)runs[i]->start + page * TL_PAGE_SIZE, TL_PAGE_SIZE));
            dirty[i] = rng_below(&rng, runs[i]->pages + 1);
            dirty[i] = dirty[i] > runs[i]->dirty_to ? dirty[i] : runs[i]->dirty_to;
            memset((char *)runs[i]->start, 0x99, dirty[i] * TL_PAGE_SIZE);
        }
        for (size_t i = 0; i < COUNT_OF(runs); i++)
            tl_pool_put(&pool, runs[i], dirty[i]);
        if (round % 64 == 0)
            tl_pool_decay(&pool, true);
    }
    close_pool();
}

/* R3: what was never written stays known as clean when a dirty run behind it merges with it. */
static void clean_pages_before_dirt_stay_clean(void **state)
{
    struct tl_span *first;
    struct tl_span *second;

    (void)state;
    open_pool(0, 64 * TL_PAGE_SIZE);
    first = take(40, 1);
    second = take(10, 1);
    assert_non_null(first);
    assert_non_null(second);
    assert_int_equal(second->start, first->start + 40 * TL_PAGE_SIZE);
    tl_pool_put(&pool, first, 0);
    tl_pool_put(&pool, second, 10);
    assert_int_equal(stats_now().dirty_pages, 10 * TL_PAGE_SIZE);
    first = take(45, 1);
    assert_non_null(first);
    assert_int_equal(first->dirty_from, 40);
    assert_int_equal(first->dirty_to, 45);
    second = take(15, 1);
    assert_non_null(second);
    assert_int_equal(second->dirty_from, 0);
    assert_int_equal(second->dirty_to, 5);
    tl_pool_put(&pool, first, 45);
    tl_pool_put(&pool, second, 5);
    assert_int_equal(tl_pool_decay(&pool, true), 64 * TL_PAGE_SIZE);
    close_pool();
}

/* R4: a run grows into free pages behind it, and only into those; what it sheds is free. */
static void runs_extend_and_shorten(void **state)
{
    struct tl_span *first;
    struct tl_span *second;

    (void)state;
    open_pool(64 * TL_PAGE_SIZE, 64 * TL_PAGE_SIZE);
    first = take(10, 1);
    second = take(10, 1);
    assert_non_null(first);
    assert_non_null(second);
    if (second->start < first->start) {
        struct tl_span *swap = first;

        first = second;
        second = swap;
    }
    assert_int_equal(second->start, first->start + 10 * TL_PAGE_SIZE);
    assert_false(tl_pool_extend(&pool, first, 11));
    assert_int_equal(first->pages, 10);
    assert_true(tl_pool_shorten(&pool, first, 4));
    assert_int_equal(first->pages, 4);
    assert_int_equal(stats_now().free_pages, 50 * TL_PAGE_SIZE);
    assert_true(tl_pool_extend(&pool, first, 10));
    assert_false(tl_pool_extend(&pool, first, 11));
    assert_true(tl_pool_extend(&pool, second, 54));
    assert_int_equal(stats_now().free_pages, 0);
    tl_pool_put(&pool, first, 10);
    tl_pool_put(&pool, second, 54);
    assert_int_equal(stats_now().largest_free_run, 64 * TL_PAGE_SIZE);
    close_pool();
}

/* R4, R13: a block that grows gets room; the next one leaves it half of that; where there is a
 * limit no quota goes into room. */
static void growing_blocks_get_room(void **state)
{
    struct tl_span *first;
    struct tl_span *second;

    (void)state;
    open_pool(0, 64 * TL_PAGE_SIZE);
    first = tl_pool_take_to_grow(&pool, 8);
    assert_non_null(first);
    tl_span_set_kind(first, TL_SPAN_LARGE);
    second = tl_pool_take_to_grow(&pool, 6);
    assert_non_null(second);
    tl_span_set_kind(second, TL_SPAN_LARGE);
    assert_int_equal(second->start, first->start + 33 * TL_PAGE_SIZE);
    assert_true(tl_pool_extend(&pool, first, 33));
    assert_true(tl_pool_extend(&pool, second, 31));
    tl_pool_put(&pool, first, 33);
    tl_pool_put(&pool, second, 31);
    first = tl_pool_take_to_grow(&pool, 65);
    assert_non_null(first);
    assert_true(stats_now().mapped >= (64 + TL_GROWING_ROOM * 65) * TL_PAGE_SIZE);
    tl_pool_put(&pool, first, 65);
    close_pool();

    open_pool(70 * TL_PAGE_SIZE, 10 * TL_PAGE_SIZE);
    first = tl_pool_take_to_grow(&pool, 10);
    assert_non_null(first);
    tl_span_set_kind(first, TL_SPAN_LARGE);
    assert_int_equal(stats_now().mapped, 10 * TL_PAGE_SIZE);
    tl_pool_put(&pool, first, 10);
    close_pool();
}

/* The contents of a run that `provider` moves, or not; returns what is still dirty. */
static size_t move_a_run(void)
{
    struct tl_span *from = take(200, 1);
    struct tl_span *to = tl_pool_take_to_grow(&pool, 300);
    size_t          dirty;

    assert_non_null(from);
    assert_non_null(to);
    for (size_t page = 0; page < 200; page++)
        *(size_t *)(from->start + page * TL_PAGE_SIZE) = page + 1;
    dirty = tl_pool_move(&pool, from, to);
    for (size_t page = 0; page < 200; page++)
        assert_int_equal(*(size_t *)(to->start + page * TL_PAGE_SIZE), page + 1);
    for (size_t page = dirty; page < 200; page++)
        assert_true(is_zero((void *)(from->start + page * TL_PAGE_SIZE), TL_PAGE_SIZE));
    tl_pool_put(&pool, from, dirty);
    tl_pool_put(&pool, to, 300);
    return dirty;
}

/* R4: a run moves onto clean pages without a copy, piece by piece; what the provider refuses is
 * copied; and written pages are written again, not given up. */
static void runs_move_onto_clean_pages(void **state)
{
    (void)state;
    open_pool(0, 64 * TL_PAGE_SIZE);
    if (counted.provider.move != NULL) { /* else the system does not move: qemu-user */
        assert_int_equal(move_a_run(), 0);
        assert_true(counted.moves >= 200 * TL_PAGE_SIZE / TL_MOVE_PIECE);
    }
    close_pool();

    open_pool(0, 64 * TL_PAGE_SIZE);
    counted.provider.move = NULL;
    pool.provider.move = NULL;
    assert_int_equal(move_a_run(), 200);
    close_pool();

    open_pool(0, 64 * TL_PAGE_SIZE);
    counted.fail_onwards = true;
    struct tl_span *from = take(40, 1);
    struct tl_span *to = take(60, 1);
    assert_non_null(from);
    assert_non_null(to);
    counted.fail_at = counted.requests + 1;
    memset((void *)from->start, 0x31, 40 * TL_PAGE_SIZE);
    assert_int_equal(tl_pool_move(&pool, from, to), 40);
    assert_int_equal(*(char *)(to->start + 40 * TL_PAGE_SIZE - 1), 0x31);
    tl_pool_put(&pool, from, 40);
    tl_pool_put(&pool, to, 60);
    counted.fail_at = 0;
    from = take(40, 1); /* all that is free lies before what was never used */
    to = take(60, 1);
    assert_non_null(from);
    assert_non_null(to);
    assert_true(to->dirty_to > 40 / 2);
    memset((void *)from->start, 0x32, 40 * TL_PAGE_SIZE);
    assert_int_equal(tl_pool_move(&pool, from, to), 40);
    assert_int_equal(counted.moves, 0);
    tl_pool_put(&pool, from, 40);
    tl_pool_put(&pool, to, 60);
    close_pool();
}

/* R13, R16, R46: a long random life against a naive map of pages: no page in two runs, free + taken
 * == mapped, all of it back. */
static void a_random_life_agrees_with_a_naive_map(void **state)
{
    enum { RUNS = 200 };
    struct tl_span *runs[RUNS] = { NULL };
    struct rng      rng = rng_seeded(test_seed());
    size_t          taken = 0;

    (void)state;
    open_pool(0, 16 * TL_PAGE_SIZE);
    for (int step = 0; step < TEST_ROUNDS(50000); step++) {
        size_t at = rng_below(&rng, RUNS);

        if (runs[at] != NULL) {
            /* each run's first and last page carry its number */
            assert_int_equal(*(size_t *)runs[at]->start, at);
            assert_int_equal(
                *(size_t *)(runs[at]->start + tl_span_bytes(runs[at]) - sizeof(size_t)), at);
            taken -= tl_span_bytes(runs[at]);
            tl_pool_put(&pool, runs[at], runs[at]->pages);
            runs[at] = NULL;
        } else {
            runs[at] = take(rng_size(&rng, 40), (size_t)1 << rng_below(&rng, 4));
            assert_non_null(runs[at]);
            taken += tl_span_bytes(runs[at]);
            *(size_t *)runs[at]->start = at;
            *(size_t *)(runs[at]->start + tl_span_bytes(runs[at]) - sizeof(size_t)) = at;
        }
        if (step % 5000 == 0)
            tl_pool_decay(&pool, true);
        if (step % 16 == 0) {
            talus_heap_stats_t stats = stats_now();

            assert_int_equal(stats.mapped, counted.bytes);
            assert_int_equal(stats.free_pages + taken, stats.mapped);
            assert_true(stats.dirty_pages <= stats.free_pages);
        }
    }
    for (size_t i = 0; i < RUNS; i++)
        if (runs[i] != NULL)
            tl_pool_put(&pool, runs[i], runs[i]->pages);
    assert_int_equal(stats_now().free_pages, stats_now().mapped);
    tl_pool_decay(&pool, true);
    assert_int_equal(stats_now().dirty_pages, 0);
    close_pool();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_merge),
        cmocka_unit_test(growth_is_contiguous_or_fails),
        cmocka_unit_test(steps_follow_what_the_provider_gives),
        cmocka_unit_test(aligned_runs),
        cmocka_unit_test(clean_pages_are_zero),
        cmocka_unit_test(clean_pages_before_dirt_stay_clean),
        cmocka_unit_test(runs_extend_and_shorten),
        cmocka_unit_test(growing_blocks_get_room),
        cmocka_unit_test(runs_move_onto_clean_pages),
        cmocka_unit_test(a_random_life_agrees_with_a_naive_map),
    };

    return cmocka_run_group_tests(tests, make_core, NULL);
}
