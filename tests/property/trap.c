/* trap.c: a misaligned access by the core's own code ends the program. Built where that is so: with
 * UndefinedBehaviorSanitizer, and under an emulator that traps as its CPU does. There every test
 * that passes shows that it made none (R22); this one shows that the trap is set. */
#include "core/cache.h"
#include "core/region.h"
#include "core/remote.h"

#include <signal.h>
#include <sys/resource.h>

#include "lib/process.h"
#include "lib/test.h"

static TL_ALIGNED(TL_LINE_SIZE) unsigned char place[sizeof(struct tl_cache) + TL_LINE_SIZE];

/* One call into the core with a structure that lies `offset` bytes behind the start of a line. */
struct attempt {
    void (*call)(size_t offset);
    size_t offset;
};

static void load_from(size_t offset)
{
    struct tl_region one_page = { .pages = 1 };

    memcpy(place + offset, &one_page, sizeof one_page);
    (void)tl_region_at(opaque_pointer(place + offset), 0);
}

static void store_to(size_t offset)
{
    struct tl_region *regions = NULL;

    tl_region_insert(&regions, opaque_pointer(place + offset));
}

static void push_to(size_t offset)
{
    static struct tl_span  span;
    static struct tl_block block;

    tl_store_relaxed(&span.owner, (uintptr_t)opaque_pointer(place + offset));
    tl_remote_push(&span, &block);
}

static int make(void *context)
{
    const struct attempt *attempt = context;

    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
    signal(SIGBUS, SIG_DFL); /* cmocka has a handler of its own */
    attempt->call(attempt->offset);
    return 0;
}

/* The call returns where the structure is aligned, and nowhere else. */
static void expect_trap(void (*call)(size_t offset))
{
    struct attempt        attempt = { .call = call };
    struct process_result ended = process_run_child(make, &attempt);

    assert_int_equal(ended.signal, 0);
    assert_int_equal(ended.exit_code, 0);
    attempt.offset = sizeof(void *) / 2;
    ended = process_run_child(make, &attempt);
    if (TEST_SANITIZED)
        assert_non_null(strstr(ended.output, "misaligned address"));
    else
        assert_int_equal(ended.signal, SIGBUS);
}

/* R22: of a field, in core/region.c. */
static void a_load_traps(void **state)
{
    (void)state;
    expect_trap(load_from);
}

/* R22: the same. */
static void a_store_traps(void **state)
{
    (void)state;
    expect_trap(store_to);
}

/* R22: of an inbox, in core/remote.c. */
static void an_atomic_exchange_traps(void **state)
{
    (void)state;
    expect_trap(push_to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_traps),
        cmocka_unit_test(a_store_traps),
        cmocka_unit_test(an_atomic_exchange_traps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
