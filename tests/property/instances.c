/* instances.c: random sequences on heap instances: without a limit, with one, and on a fixed
 * region, where requests fail. */
#include "fail/faulty_provider.h"
#include "lib/rng.h"
#include "lib/test.h"
#include "property/runner.h"
#include "property/subjects.h"

static struct faulty_provider counted;
static size_t                 limit;
static unsigned char          region_memory[768 * 1024];
static talus_fixed_region     region;

static void *open_counted(void)
{
    talus_heap_options options = {
        .name = "property", .provider = &counted.provider, .limit = limit, .decay_ms = 1
    };

    faulty_provider_open(&counted, NULL);
    return talus_heap_create(&options);
}

/* Aborts rather than asserts: it also runs in the children that shorten a sequence. */
static void close_counted(void *context)
{
    if (!talus_heap_destroy(context) || counted.bytes != 0 || counted.violations != 0 ||
        (limit != 0 && counted.bytes_peak > limit)) {
        fprintf(stderr, "after destroy: %zu bytes not returned, peak %zu, %s\n", counted.bytes,
                counted.bytes_peak,
                counted.violation != NULL ? counted.violation : "no broken contract");
        abort();
    }
    faulty_provider_close(&counted);
}

static void *open_region(void)
{
    talus_provider     provider;
    talus_heap_options options = { .name = "property in a region", .provider = &provider };

    region = (talus_fixed_region){ .start = region_memory + 5, .bytes = sizeof region_memory - 5 };
    provider = talus_provider_fixed(&region);
    return talus_heap_create(&options);
}

static const struct subject unlimited = {
    .name = "instance",
    .open = open_counted,
    .close = close_counted,
    .alloc = instance_alloc,
    .zalloc = instance_zalloc,
    .resize = instance_resize,
    .release = instance_release,
    .usable = talus_usable_size,
    .tidy = instance_tidy,
    .largest = 4 * MIB,
    .live_max = 64 * MIB,
};

static void run_seeds(const struct subject *subject, uint64_t sequences, size_t operations)
{
    uint64_t seed = test_seed();

    for (uint64_t i = 0; i < sequences; i++)
        assert_true(run_sequence(subject, seed + i, operations));
}

/* R1 to R5, R19, R46: each sequence on a new heap; its pages are all back after destroy. */
static void an_instance_keeps_every_promise(void **state)
{
    (void)state;
    limit = 0;
    run_seeds(&unlimited, 10, (size_t)TEST_ROUNDS(5000));
}

/* R15, R46: more is asked than the limit allows; refusals are right, nothing is lost, and the empty
 * heap has room again. */
static void a_limited_instance_keeps_every_promise(void **state)
{
    struct subject limited = unlimited;

    (void)state;
    limit = 3 * MIB;
    limited.name = "instance with a limit";
    limited.largest = 2 * MIB;
    limited.may_refuse = true;
    limited.surely = MIB;
    run_seeds(&limited, 10, (size_t)TEST_ROUNDS(5000));
}

/* R12, R13, R46: a small fixed region: refusals are right, and pages merge again. */
static void a_region_keeps_every_promise(void **state)
{
    struct subject fixed = unlimited;

    (void)state;
    fixed.name = "fixed region";
    fixed.open = open_region;
    fixed.close = instance_close;
    fixed.largest = 256 * KIB;
    fixed.may_refuse = true;
    fixed.surely = 512 * KIB;
    run_seeds(&fixed, 10, (size_t)TEST_ROUNDS(5000));
}

/* R15, R24: the same with small sizes only: what one class leaves free must serve the others. */
static void a_region_of_small_blocks_keeps_every_promise(void **state)
{
    struct subject fixed = unlimited;

    (void)state;
    fixed.name = "fixed region, small sizes";
    fixed.open = open_region;
    fixed.close = instance_close;
    fixed.largest = 2048;
    fixed.may_refuse = true;
    fixed.surely = 512 * KIB;
    run_seeds(&fixed, 5, (size_t)TEST_ROUNDS(20000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_instance_keeps_every_promise),
        cmocka_unit_test(a_limited_instance_keeps_every_promise),
        cmocka_unit_test(a_region_keeps_every_promise),
        cmocka_unit_test(a_region_of_small_blocks_keeps_every_promise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
