/* reserve.c: reserves, one call at a time: limits, arguments, the mark and what it asks for, the
 * policies, statistics, the end. */
#include <signal.h>
#include <unistd.h>

#include <talus/reserve.h>

#include "fail/faulty_provider.h"
#include "lib/process.h"
#include "lib/test.h"
#include "misuse/recorder.h"

enum { COUNT = 20, MARK = 5, SIZE = 200 };
enum { CHILD_SECONDS = 10 }; /* until a child that waits for ever ends */

static struct faulty_provider provider;

static talus_heap *create_heap(size_t limit)
{
    talus_heap_options options = { .provider = &provider.provider, .limit = limit };
    talus_heap        *heap;

    faulty_provider_open(&provider, NULL);
    heap = talus_heap_create(&options);
    assert_non_null(heap);
    return heap;
}

/* Everything was given back: nothing is lost, and no page stays. */
static void destroy_heap(talus_heap *heap)
{
    talus_heap_stats_t stats;

    talus_heap_trim(heap);
    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.allocated, 0);
    assert_true(talus_heap_destroy(heap));
    assert_null(provider.violation);
    assert_int_equal(provider.bytes, 0);
    faulty_provider_close(&provider);
}

static talus_reserve_stats_t stats_of(const talus_reserve *reserve)
{
    talus_reserve_stats_t stats;

    talus_reserve_stats(reserve, &stats);
    return stats;
}

/* R33: as many as were asked for, each of its own, aligned, as large as asked for; one more is
 * NULL, and errno is kept throughout. */
static void gives_what_was_asked_for(void **state)
{
    static const struct {
        size_t size, align, count;
    } cases[] = { { 0, 0, 1 },      { 1, 0, 3 },          { 16, 1, 64 },
                  { 200, 128, 20 }, { 5000, 0, 10 },      { 100, 8192, 5 },
                  { 65537, 0, 3 },  { 300000, 32768, 4 }, { 24, 16, 1000 } };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        talus_heap    *heap = create_heap(0);
        size_t         size = cases[i].size, align = cases[i].align, count = cases[i].count;
        talus_reserve *reserve = talus_reserve_create(heap, size, align, count, 0, NULL, NULL);
        void          *blocks[1000];

        assert_non_null(reserve);
        errno = 77;
        for (size_t n = 0; n < count; n++) {
            blocks[n] = talus_reserve_take(reserve);
            assert_non_null(blocks[n]);
            assert_true(is_aligned(blocks[n], align > 8 ? align : 8));
            assert_true(talus_usable_size(blocks[n]) >= size);
            memset(blocks[n], (int)n, size);
        }
        for (size_t n = 0; n < count; n++)
            for (size_t at = 0; at < size; at += 1 + size / 2)
                assert_int_equal(((unsigned char *)blocks[n])[at], (unsigned char)n);
        assert_null(talus_reserve_take(reserve));
        assert_int_equal(stats_of(reserve).available, 0);
        for (size_t n = 0; n < count; n++)
            talus_reserve_put(reserve, blocks[n]);
        talus_reserve_put(reserve, NULL);
        assert_int_equal(errno, 77);
        assert_int_equal(stats_of(reserve).available, count);
        assert_true(talus_reserve_destroy(reserve));
        destroy_heap(heap);
    }
}

static void refuse(talus_heap *heap, size_t align, size_t count, size_t mark)
{
    errno = 0;
    assert_null(talus_reserve_create(heap, SIZE, align, count, mark, NULL, NULL));
    assert_int_equal(errno, EINVAL);
}

static void wrong_arguments_are_refused(void **state)
{
    talus_heap    *heap = create_heap(0);
    talus_reserve *reserve;

    (void)state;
    refuse(heap, 0, 0, 0);
    refuse(heap, 0, TALUS_RESERVE_COUNT_MAX + 1, 0);
    refuse(heap, 0, SIZE_MAX, 0);
    refuse(heap, 0, COUNT, COUNT + 1);
    refuse(heap, 3, COUNT, 0);
    refuse(heap, 2 * TALUS_ALIGN_MAX, COUNT, 0);
    reserve = talus_reserve_create(heap, SIZE, 0, COUNT, COUNT, NULL, NULL);
    assert_non_null(reserve);
    errno = 0;
    assert_false(talus_reserve_prepare(reserve, COUNT + 1));
    assert_int_equal(errno, EINVAL);
    assert_true(talus_reserve_prepare(reserve, COUNT));
    assert_true(talus_reserve_prepare(reserve, 0));
    assert_true(talus_reserve_destroy(reserve));
    destroy_heap(heap);
}

static void too_much_is_refused(void **state)
{
    talus_heap *heap = create_heap(MIB);

    (void)state;
    errno = 0;
    assert_null(talus_reserve_create(heap, 40 * KIB, 0, 30, 0, NULL, NULL));
    assert_int_equal(errno, ENOMEM);
    errno = 0;
    assert_null(talus_reserve_create(heap, opaque_size(SIZE_MAX), 0, 1, 0, NULL, NULL));
    assert_int_equal(errno, ENOMEM);
    destroy_heap(heap); /* checks that what the first attempt had got came back */
}

struct noted {
    unsigned       calls;
    talus_reserve *reserve;
    void          *taken; /* from within, on request */
    bool           take;
};

static void notify(void *context, talus_reserve *reserve)
{
    struct noted *noted = context;

    noted->calls++;
    noted->reserve = reserve;
    if (noted->take)
        noted->taken = talus_reserve_take(reserve);
}

/* R34: the take that leaves fewer than the mark notifies, once; the next after a refill again. */
static void the_mark_notifies_once(void **state)
{
    talus_heap          *heap = create_heap(0);
    struct noted         noted = { 0 };
    talus_reserve_policy policy = { .notify_context = &noted };
    talus_reserve *reserve = talus_reserve_create(heap, SIZE, 0, COUNT, MARK, &policy, notify);
    void          *blocks[3 * COUNT];
    size_t         held = 0;

    (void)state;
    for (unsigned round = 1; round <= 2; round++) {
        for (size_t i = 0; i < COUNT - MARK; i++)
            blocks[held++] = talus_reserve_take(reserve);
        assert_int_equal(noted.calls, round - 1);
        blocks[held++] = talus_reserve_take(reserve); /* leaves MARK - 1 */
        assert_int_equal(noted.calls, round);
        assert_ptr_equal(noted.reserve, reserve);
        blocks[held++] = talus_reserve_take(reserve);
        assert_int_equal(noted.calls, round);
        assert_true(talus_reserve_refill(reserve));
        assert_int_equal(stats_of(reserve).available, COUNT);
    }
    noted.take = true;
    for (size_t i = 0; i < COUNT - MARK + 1; i++)
        blocks[held++] = talus_reserve_take(reserve);
    assert_int_equal(noted.calls, 3);
    assert_non_null(noted.taken); /* a handler may take; and was not called again by that */
    talus_reserve_put(reserve, noted.taken);
    for (size_t i = 0; i < held; i++)
        talus_heap_free(heap, blocks[i]);
    assert_true(talus_reserve_destroy(reserve));
    destroy_heap(heap);
}

/* With a mark of 0 only a take that finds nothing asks. */
static void without_a_mark_a_miss_notifies(void **state)
{
    talus_heap          *heap = create_heap(0);
    struct noted         noted = { 0 };
    talus_reserve_policy policy = { .notify_context = &noted };
    talus_reserve       *reserve = talus_reserve_create(heap, SIZE, 0, 2, 0, &policy, notify);
    void                *one = talus_reserve_take(reserve);
    void                *two = talus_reserve_take(reserve);

    (void)state;
    assert_int_equal(noted.calls, 0);
    assert_null(talus_reserve_take(reserve));
    assert_int_equal(noted.calls, 1);
    talus_free(one); /* any free takes them */
    talus_free_from_interrupt(two);
    assert_true(talus_reserve_destroy(reserve));
    destroy_heap(heap);
}

/* R34: what happened is counted, and says how large the reserve should have been. */
static void statistics_tell_how_large_it_should_be(void **state)
{
    talus_heap           *heap = create_heap(0);
    talus_reserve        *reserve = talus_reserve_create(heap, SIZE, 0, 4, 0, NULL, NULL);
    void                 *blocks[4];
    talus_reserve_stats_t stats = stats_of(reserve);

    (void)state;
    assert_int_equal(stats.available, 4);
    assert_int_equal(stats.low_water, 4);
    assert_int_equal(stats.deepest, 0);
    blocks[0] = talus_reserve_take(reserve);
    blocks[1] = talus_reserve_take(reserve);
    talus_reserve_put(reserve, blocks[0]);
    talus_reserve_put(reserve, blocks[1]);
    stats = stats_of(reserve);
    assert_int_equal(stats.takes, 2);
    assert_int_equal(stats.puts, 2);
    assert_int_equal(stats.low_water, 2);
    assert_int_equal(stats.deepest, 2);
    assert_int_equal(stats.refills, 0);
    for (size_t i = 0; i < 4; i++)
        blocks[i] = talus_reserve_take(reserve);
    for (size_t i = 0; i < 3; i++)
        assert_null(talus_reserve_take(reserve));
    stats = stats_of(reserve);
    assert_int_equal(stats.takes, 6);
    assert_int_equal(stats.misses, 3);
    assert_int_equal(stats.available, 0);
    assert_int_equal(stats.low_water, 0);
    assert_int_equal(stats.deepest, 7); /* four taken and three more wanted */
    assert_true(talus_reserve_prepare(reserve, 3));
    stats = stats_of(reserve);
    assert_int_equal(stats.refills, 1);
    assert_int_equal(stats.available, 3);
    assert_true(talus_reserve_prepare(reserve, 2)); /* they are there: nothing to do */
    assert_int_equal(stats_of(reserve).refills, 1);
    assert_true(talus_reserve_refill(reserve));
    assert_int_equal(stats_of(reserve).refills, 2);
    assert_int_equal(stats_of(reserve).available, 4);
    for (size_t i = 0; i < 4; i++)
        talus_reserve_put(reserve, blocks[i]); /* full: they go on to the heap */
    stats = stats_of(reserve);
    assert_int_equal(stats.puts, 6);
    assert_int_equal(stats.available, 4);
    assert_int_equal(stats.deepest, 7);
    assert_true(talus_reserve_destroy(reserve));
    destroy_heap(heap);
}

/* A block that the program allocated elsewhere in the heap, if it is large enough, is as good. */
static void any_block_that_fits_may_be_put(void **state)
{
    talus_heap    *heap = create_heap(0);
    talus_reserve *reserve = talus_reserve_create(heap, SIZE, 64, 2, 0, NULL, NULL);
    void          *taken = talus_reserve_take(reserve);
    void          *larger = talus_heap_alloc(heap, 3 * SIZE, 64, NULL);
    void          *whole_run = talus_heap_alloc(heap, MIB, 0, NULL);

    (void)state;
    talus_reserve_put(reserve, larger);
    assert_int_equal(stats_of(reserve).available, 2);
    talus_reserve_put(reserve, taken);
    talus_reserve_put(reserve, whole_run); /* no room: it goes on */
    assert_int_equal(stats_of(reserve).available, 2);
    assert_true(talus_reserve_destroy(reserve));
    destroy_heap(heap);
}

static int take_too_many(void *context)
{
    talus_reserve_policy policy = { .name = "network buffers", .panic = true };

    (void)context;
    alarm(CHILD_SECONDS);
    talus_reserve *reserve = talus_reserve_create(talus_heap_default(), 64, 0, 3, 0, &policy, NULL);
    for (int i = 0; i < 3; i++)
        if (talus_reserve_take(reserve) == NULL)
            return 2;
    fputs("three were there;", stderr);
    (void)talus_reserve_take(reserve);
    return 3;
}

/* R34: by the policy an unexpected shortage ends the process, and says whose it was. */
static void a_shortage_panics_by_name(void **state)
{
    struct process_result result = process_run_child(take_too_many, NULL);

    (void)state;
    assert_int_equal(result.signal, SIGABRT);
    assert_non_null(strstr(result.output, "three were there;talus: reserve 'network buffers' is "
                                          "empty: all its 3 blocks of 64 bytes"));
}

/* The heap's end is the reserve's: its pages go, whatever was taken, and the handle is dead. */
static void a_reserve_ends_with_its_heap(void **state)
{
    talus_heap           *heap = create_heap(0);
    talus_reserve        *reserve = talus_reserve_create(heap, SIZE, 0, COUNT, MARK, NULL, NULL);
    talus_reserve        *other = talus_reserve_create(heap, MIB, 0, 2, 1, NULL, NULL);
    talus_reserve_stats_t stats;

    start_recording(state);
    assert_non_null(talus_reserve_take(reserve));
    assert_non_null(talus_reserve_take(other));
    assert_true(talus_heap_destroy(heap));
    assert_int_equal(provider.bytes, 0);
    faulty_provider_close(&provider);
    assert_not_reported();
    assert_null(talus_reserve_take(reserve));
    assert_reported(TALUS_MISUSE_HEAP_DESTROYED, reserve);
    talus_reserve_stats(other, &stats);
    assert_reported(TALUS_MISUSE_HEAP_DESTROYED, other);
    assert_int_equal(stats.takes, 0);
    errno = 0;
    assert_false(talus_reserve_destroy(other));
    assert_int_equal(errno, EINVAL);
    assert_reported(TALUS_MISUSE_HEAP_DESTROYED, other);
    talus_set_misuse_handler(NULL);
}

/* Blocks that were taken outlive their reserve; structures are used again. */
static void taken_blocks_outlive_the_reserve(void **state)
{
    talus_heap *heap = create_heap(0);
    void       *kept[50];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        talus_reserve *reserve = talus_reserve_create(heap, SIZE, 0, 3, 0, NULL, NULL);
        kept[i] = talus_reserve_take(reserve);
        memset(kept[i], (int)i, SIZE);
        assert_true(talus_reserve_destroy(reserve));
    }
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        assert_int_equal(((unsigned char *)kept[i])[SIZE - 1], i);
        talus_heap_free(heap, kept[i]);
    }
    destroy_heap(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_what_was_asked_for),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(the_mark_notifies_once),
        cmocka_unit_test(without_a_mark_a_miss_notifies),
        cmocka_unit_test(statistics_tell_how_large_it_should_be),
        cmocka_unit_test(any_block_that_fits_may_be_put),
        cmocka_unit_test(a_shortage_panics_by_name),
        cmocka_unit_test(a_reserve_ends_with_its_heap),
        cmocka_unit_test(taken_blocks_outlive_the_reserve),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
