/* nth.c: the 1st, 2nd, ... Nth request to the provider fails, until the scenario gets through
 * without a failure.
 *
 * Each scenario runs on a new heap, twice for each N: only the Nth request fails (then the heap may
 * find another way), and every request from the Nth on fails. Whatever fails says ENOMEM; every
 * block that was had keeps its contents; afterwards, with the provider well again, the heap gives
 * what was refused; and destroy returns every page. */
#include <pthread.h>

#include <talus/reserve.h>

#include "fail/faulty_provider.h"
#include "lib/reference.h"
#include "lib/rng.h"
#include "lib/test.h"

struct attempt {
    struct faulty_provider faulty;
    talus_heap            *heap; /* NULL: the scenario creates it */
    struct reference       reference;
    uint64_t               refusals; /* calls that returned NULL with ENOMEM */
    const char            *wrong;    /* first thing that must not be; NULL: none */
};

static struct attempt attempt;

static void wrong(const char *what)
{
    if (attempt.wrong == NULL)
        attempt.wrong = what;
}

/* Notes the result of a call that may be refused. Returns whether it succeeded. */
static bool had(const void *result)
{
    if (result != NULL)
        return true;
    if (errno != ENOMEM)
        wrong("a refusal with another errno than ENOMEM");
    attempt.refusals++;
    return false;
}

static void get(size_t size, size_t align, bool zeroed)
{
    void *block;

    errno = 0;
    block = zeroed ? talus_heap_zalloc(attempt.heap, size, align, "nth")
                   : talus_heap_alloc(attempt.heap, size, align, "nth");
    if (!had(block))
        return;
    if (zeroed ? !reference_add_zeroed(&attempt.reference, block, size, talus_usable_size(block),
                                       align)
               : !reference_add(&attempt.reference, block, size, talus_usable_size(block), align))
        wrong(attempt.reference.problem);
}

static void resize(size_t index, size_t size)
{
    void *block;

    errno = 0;
    block = talus_heap_realloc(attempt.heap, attempt.reference.blocks[index].start, size, "nth");
    if (had(block) &&
        !reference_resized(&attempt.reference, index, block, size, talus_usable_size(block)))
        wrong(attempt.reference.problem);
}

static void drop(size_t index)
{
    void *block = attempt.reference.blocks[index].start;

    if (!reference_remove(&attempt.reference, index))
        wrong(attempt.reference.problem);
    talus_heap_free(attempt.heap, block);
}

static void create(const talus_heap_options *like)
{
    talus_heap_options options = *like;

    options.provider = &attempt.faulty.provider;
    errno = 0;
    attempt.heap = talus_heap_create(&options);
    had(attempt.heap);
}

/* The scenarios. */

static void scenario_create(void)
{
    const talus_heap_options options = { .name = "create" };

    create(&options);
    if (attempt.heap != NULL)
        get(1, 0, false);
}

static void scenario_create_with_initial_bytes(void)
{
    const talus_heap_options options = { .name = "initial", .initial = 3 * MIB };

    create(&options);
    if (attempt.heap != NULL)
        get(100, 0, false);
}

static void scenario_small_of_each_class(void)
{
    for (size_t size = 1; size <= 4096; size += size / 8 + 1)
        for (int i = 0; i < 3; i++)
            get(size, 0, false);
}

static void scenario_many_of_one_class(void)
{
    for (int i = 0; i < 3000; i++)
        get(1000, 0, false);
}

static void scenario_medium(void)
{
    for (size_t size = 5000; size <= MIB; size *= 2) {
        get(size, 0, false);
        get(size + 1, 0, false);
    }
}

static void scenario_large(void)
{
    for (size_t size = MIB; size <= 20 * MIB; size *= 2)
        get(size + 1, 0, false);
}

static void scenario_aligned(void)
{
    for (size_t align = 32; align <= 4 * MIB; align *= 2) {
        get(100, align, false);
        get(50000, align, false);
    }
}

static void scenario_zeroed(void)
{
    for (size_t size = 1; size <= 6 * MIB; size = size * 5 / 2 + 1)
        get(size, 0, true);
    while (attempt.reference.count > 0)
        drop(0);
    for (size_t size = 1; size <= 6 * MIB; size = size * 5 / 2 + 1)
        get(size, 64, true);
}

static void scenario_realloc_growth(void)
{
    get(10, 0, false);
    get(10, 0, false);
    for (size_t size = 20; size <= 12 * MIB && attempt.reference.count > 0; size *= 2) {
        resize(0, size);
        resize(attempt.reference.count - 1, size / 3 + 1);
    }
}

static void scenario_realloc_down_and_up(void)
{
    get(8 * MIB, 0, false);
    for (int i = 0; i < 4 && attempt.reference.count > 0; i++) {
        resize(0, 100);
        resize(0, 3 * MIB);
        resize(0, 9 * MIB);
    }
}

static void scenario_mixed_with_frees(void)
{
    struct rng rng = rng_seeded(1); /* the same for every N */

    for (int i = 0; i < 400; i++) {
        if (attempt.reference.count > 0 && rng_below(&rng, 3) == 0)
            drop(rng_below(&rng, attempt.reference.count));
        else
            get(rng_size(&rng, MIB), 0, rng_below(&rng, 4) == 0);
        if (i % 100 == 99)
            talus_heap_trim(attempt.heap);
    }
}

static void *thread_body(void *context)
{
    (void)context;
    get(100, 0, false);
    get(30000, 0, false);
    get(2 * MIB, 0, true);
    return NULL;
}

static void scenario_new_threads(void)
{
    for (int i = 0; i < 4; i++) {
        pthread_t thread;

        /* one after the other: the references are not shared */
        if (pthread_create(&thread, NULL, thread_body, NULL) != 0 ||
            pthread_join(thread, NULL) != 0)
            wrong("no thread");
    }
}

static void take(talus_reserve *reserve, size_t size)
{
    void *block = talus_reserve_take(reserve);

    if (block != NULL &&
        !reference_add(&attempt.reference, block, size, talus_usable_size(block), 64))
        wrong(attempt.reference.problem);
}

/* Filled at creation, by slow exits, by request. What lies in it at the end is freed with it. */
static void scenario_reserve(void)
{
    const size_t   size = 40000, count = 50;
    talus_reserve *reserve;

    errno = 0;
    reserve = talus_reserve_create(attempt.heap, size, 64, count, count, NULL, NULL);
    if (!had(reserve))
        return;
    for (size_t i = 0; i < count / 2; i++)
        take(reserve, size);
    for (int i = 0; i < 200; i++)
        get(1000, 0, false);
    for (size_t i = 0; i < count; i++)
        take(reserve, size);
    errno = 0;
    had(talus_reserve_prepare(reserve, count / 2) ? reserve : NULL);
    errno = 0;
    had(talus_reserve_refill(reserve) ? reserve : NULL);
    take(reserve, size);
    if (!talus_reserve_destroy(reserve))
        wrong("a reserve could not be destroyed");
}

static void drain(size_t index, bool mark)
{
    if (!talus_heap_drain(attempt.heap, attempt.reference.blocks[index].start, mark))
        wrong("a block of the heap's was not found");
}

/* Growth ahead of need, which may fail unseen, and blocks that leave while others come. */
static void scenario_owner(void)
{
    const talus_heap_options options = { .name = "owner",
                                         .growth = 256 * KIB,
                                         .low_water = 384 * KIB };

    create(&options);
    for (int round = 0; round < 3 && attempt.heap != NULL; round++) {
        for (int i = 0; i < 30; i++)
            get(rng_size(&(struct rng){ (uint64_t)(i + 1) }, 200 * KIB), 0, i % 4 == 0);
        for (size_t i = 0; i < attempt.reference.count; i += 5)
            drain(i, true);
        for (size_t i = attempt.reference.count; i-- > 0;)
            if (i % 3 == 0)
                drop(i);
            else if (i % 7 == 0)
                resize(i, 300 * KIB);
        talus_heap_contract(attempt.heap, 0);
        get(MIB, 0, true);
        if (attempt.reference.count > 0)
            drain(attempt.reference.count - 1, false);
        talus_heap_shrink(attempt.heap, 50);
    }
}

static void scenario_destroy_while_full(void)
{
    scenario_small_of_each_class();
    scenario_large();
    attempt.reference.count = 0; /* the blocks go down with the heap */
    if (!talus_heap_destroy(attempt.heap))
        wrong("destroy failed");
    attempt.heap = NULL;
}

/* Afterwards. */

static void check_afterwards(void)
{
    if (!reference_check_all(&attempt.reference))
        wrong(attempt.reference.problem);
    attempt.faulty.fail_at = 0;
    if (attempt.heap != NULL) {
        uint64_t refusals = attempt.refusals;

        get(100, 0, false);
        get(40000, 0, true);
        get(5 * MIB, 0, false);
        if (attempt.refusals != refusals)
            wrong("refused although the provider is well again");
        while (attempt.reference.count > 0)
            drop(attempt.reference.count - 1);
        if (!talus_heap_destroy(attempt.heap))
            wrong("destroy failed");
    }
    if (attempt.faulty.bytes != 0)
        wrong("pages were not returned");
    if (attempt.faulty.violation != NULL)
        wrong(attempt.faulty.violation);
}

/* Returns true when the scenario got through without a failure. */
static bool run_attempt(void (*scenario)(void), bool creates, uint64_t fail_at, bool onwards)
{
    const talus_heap_options options = { .name = "nth" };
    uint64_t                 failures;

    memset(&attempt, 0, sizeof attempt);
    faulty_provider_open(&attempt.faulty, NULL);
    reference_open(&attempt.reference);
    attempt.faulty.fail_at = fail_at;
    attempt.faulty.fail_onwards = onwards;
    if (!creates)
        create(&options);
    scenario();
    failures = attempt.faulty.failures;
    if (failures == 0 && attempt.refusals > 0)
        wrong("a refusal although no request failed");
    if (onwards && fail_at == 1 && attempt.refusals == 0)
        wrong("got through although the provider gave nothing");
    check_afterwards();
    reference_close(&attempt.reference);
    faulty_provider_close(&attempt.faulty);
    if (attempt.wrong != NULL)
        fail_msg("request %llu%s: %s", (unsigned long long)fail_at, onwards ? " and later" : "",
                 attempt.wrong);
    return failures == 0;
}

static void fail_every_request(void (*scenario)(void), bool creates)
{
    for (int onwards = 0; onwards <= 1; onwards++) {
        uint64_t n = 1;

        while (!run_attempt(scenario, creates, n, onwards == 1))
            assert_true(++n < 2000);
        /* at least the first request was one that could fail */
        assert_true(n > 1);
    }
}

/* R2, R19: creation fails whole or not at all. */
static void creation(void **state)
{
    (void)state;
    fail_every_request(scenario_create, true);
    fail_every_request(scenario_create_with_initial_bytes, true);
}

/* R2, R18: small blocks. */
static void small_blocks(void **state)
{
    (void)state;
    fail_every_request(scenario_small_of_each_class, false);
    fail_every_request(scenario_many_of_one_class, false);
}

/* R2, R18, R23: blocks of pages. */
static void larger_blocks(void **state)
{
    (void)state;
    fail_every_request(scenario_medium, false);
    fail_every_request(scenario_large, false);
}

/* R2, R20: aligned blocks. */
static void aligned_blocks(void **state)
{
    (void)state;
    fail_every_request(scenario_aligned, false);
}

/* R3: zeroed blocks. */
static void zeroed_blocks(void **state)
{
    (void)state;
    fail_every_request(scenario_zeroed, false);
}

/* R4: a resize that is refused leaves the old block as it was. */
static void resizing(void **state)
{
    (void)state;
    fail_every_request(scenario_realloc_growth, false);
    fail_every_request(scenario_realloc_down_and_up, false);
}

/* R2, R16: a life with frees and trims. */
static void a_mixed_life(void **state)
{
    (void)state;
    fail_every_request(scenario_mixed_with_frees, false);
}

/* R30: the first allocations of new threads. */
static void new_threads(void **state)
{
    (void)state;
    fail_every_request(scenario_new_threads, false);
}

/* R33, R34: a reserve that cannot be had, or not be refilled. */
static void reserves(void **state)
{
    (void)state;
    fail_every_request(scenario_reserve, false);
}

/* R14, R16, R17: low water, blocks that go back and blocks that drain. */
static void owners(void **state)
{
    (void)state;
    fail_every_request(scenario_owner, true);
}

/* R19: destroyed in the midst of it. */
static void destruction(void **state)
{
    (void)state;
    fail_every_request(scenario_destroy_while_full, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creation),      cmocka_unit_test(small_blocks),
        cmocka_unit_test(larger_blocks), cmocka_unit_test(aligned_blocks),
        cmocka_unit_test(zeroed_blocks), cmocka_unit_test(resizing),
        cmocka_unit_test(a_mixed_life),  cmocka_unit_test(new_threads),
        cmocka_unit_test(reserves),      cmocka_unit_test(owners),
        cmocka_unit_test(destruction),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
