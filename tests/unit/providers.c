/* providers.c: the two providers of the library, and the faulty one of the tests, called as a heap
 * calls them (R10, R12). */
#include <talus/heap.h>

#include "fail/faulty_provider.h"
#include "lib/test.h"

/* R10: anonymous memory: aligned to the heap's page, zeroed as it says, usable, and taken back. */
static void mmap_gives_aligned_zeroed_memory(void **state)
{
    const talus_provider *provider = talus_provider_mmap();

    (void)state;
    assert_true(provider->zeroed);
    for (size_t pages = 1; pages <= 1000; pages = pages * 3 + 1) {
        size_t bytes = pages * TALUS_PAGE_SIZE;
        char  *block = provider->map(provider->context, bytes);

        assert_non_null(block);
        assert_true(is_aligned(block, TALUS_PAGE_SIZE));
        assert_true(is_zero(block, bytes));
        memset(block, 0x12, bytes);
        provider->unmap(provider->context, block, bytes);
    }
    assert_null(provider->map(provider->context, SIZE_MAX / 16 * 15 & ~(TALUS_PAGE_SIZE - 1)));
}

/* R16: what purge says it zeroed is zero, and the rest of the block is untouched. */
static void mmap_purges(void **state)
{
    const talus_provider *provider = talus_provider_mmap();
    char                 *block = provider->map(provider->context, 8 * TALUS_PAGE_SIZE);

    (void)state;
    assert_non_null(block);
    memset(block, 0x12, 8 * TALUS_PAGE_SIZE);
    if (provider->purge(provider->context, block + 2 * TALUS_PAGE_SIZE, 4 * TALUS_PAGE_SIZE))
        assert_true(is_zero(block + 2 * TALUS_PAGE_SIZE, 4 * TALUS_PAGE_SIZE));
    assert_int_equal(block[2 * TALUS_PAGE_SIZE - 1], 0x12);
    assert_int_equal(block[6 * TALUS_PAGE_SIZE], 0x12);
    memset(block, 0x13, 8 * TALUS_PAGE_SIZE);
    provider->unmap(provider->context, block, 8 * TALUS_PAGE_SIZE);
}

/* R4: move puts pages of one block in the place of another's; where they were reads as zero. */
static void mmap_moves(void **state)
{
    const talus_provider *provider = talus_provider_mmap();
    char                 *from = provider->map(provider->context, 4 * TALUS_PAGE_SIZE);
    char                 *to = provider->map(provider->context, 10 * TALUS_PAGE_SIZE);

    (void)state;
    assert_non_null(from);
    assert_non_null(to);
    for (size_t at = 0; at < 4 * TALUS_PAGE_SIZE; at++)
        from[at] = (char)(at / 64);
    to[4 * TALUS_PAGE_SIZE] = 0x55;
    to[0] = 0x66;
    if (provider->move(provider->context, from + TALUS_PAGE_SIZE, to + TALUS_PAGE_SIZE,
                       3 * TALUS_PAGE_SIZE)) {
        for (size_t at = TALUS_PAGE_SIZE; at < 4 * TALUS_PAGE_SIZE; at++)
            assert_int_equal(to[at], (char)(at / 64));
        assert_true(is_zero(from + TALUS_PAGE_SIZE, 3 * TALUS_PAGE_SIZE));
        memset(from, 0x44, 4 * TALUS_PAGE_SIZE); /* still usable */
    }
    assert_int_equal(to[0], 0x66);
    assert_int_equal(to[4 * TALUS_PAGE_SIZE], 0x55);
    provider->unmap(provider->context, from, 4 * TALUS_PAGE_SIZE);
    provider->unmap(provider->context, to, 10 * TALUS_PAGE_SIZE);
}

/* R12, R13: the region is handed out from its first aligned page on, part behind part, until it is
 * used up. */
static void fixed_hands_out_part_behind_part(void **state)
{
    static char        memory[20 * 16384];
    talus_fixed_region region = { .start = memory + 7, .bytes = sizeof memory - 7 };
    talus_provider     provider = talus_provider_fixed(&region);
    char              *before = NULL;
    size_t             parts = 0;
    char              *part;

    (void)state;
    assert_false(provider.zeroed);
    while ((part = provider.map(provider.context, 2 * TALUS_PAGE_SIZE)) != NULL) {
        assert_true(is_aligned(part, TALUS_PAGE_SIZE));
        assert_true(part >= memory + 7);
        assert_true(part + 2 * TALUS_PAGE_SIZE <= memory + sizeof memory);
        if (before != NULL)
            assert_ptr_equal(part, before + 2 * TALUS_PAGE_SIZE);
        memset(part, (int)parts, 2 * TALUS_PAGE_SIZE);
        before = part;
        parts++;
    }
    assert_true(parts >= sizeof memory / (2 * TALUS_PAGE_SIZE) - 1);
    assert_null(provider.map(provider.context, (size_t)PTRDIFF_MAX / 2 + 1));
    assert_true(region.given <= region.bytes);
}

/* R2: the faulty provider fails the request it is told to, and counts: else the tests that use it
 * prove nothing. */
static void the_faulty_one_fails_on_request(void **state)
{
    static struct faulty_provider faulty;
    const size_t                  bytes = TALUS_PAGE_SIZE;
    void                         *block;

    (void)state;
    faulty_provider_open(&faulty, NULL);
    faulty.fail_at = 2;
    block = faulty.provider.map(&faulty, bytes);
    assert_non_null(block);
    assert_null(faulty.provider.map(&faulty, bytes));
    assert_int_equal(faulty.failures, 1);
    assert_int_equal(faulty.bytes, bytes);
    faulty.provider.unmap(&faulty, block, bytes);
    assert_int_equal(faulty.bytes, 0);
    block = faulty.provider.map(&faulty, bytes);
    assert_non_null(block);
    assert_null(faulty.violation);
    faulty.fail_onwards = true;
    assert_null(faulty.provider.map(&faulty, bytes));
    assert_null(faulty.provider.map(&faulty, bytes));
    assert_int_equal(faulty.requests, 5);
    faulty.provider.unmap(&faulty, block, bytes);
    assert_null(faulty.violation);
    faulty_provider_close(&faulty);
}

/* R10: and it notices a heap that breaks the contract. */
static void the_faulty_one_notices_a_broken_contract(void **state)
{
    static struct faulty_provider faulty;
    const size_t                  page = TALUS_PAGE_SIZE;
    char                         *block;

    (void)state;
    faulty_provider_open(&faulty, NULL);
    block = faulty.provider.map(&faulty, 4 * page);
    assert_non_null(block);
    faulty.provider.unmap(&faulty, block, 2 * page);
    assert_int_equal(faulty.violations, 1);
    faulty.provider.unmap(&faulty, block + page, page);
    assert_int_equal(faulty.violations, 2);
    faulty.provider.purge(&faulty, block + 3 * page, 2 * page);
    assert_int_equal(faulty.violations, 3);
    faulty.provider.purge(&faulty, block + 1, page);
    assert_int_equal(faulty.violations, 4);
    assert_int_equal(faulty.bytes, 4 * page);
    faulty.provider.unmap(&faulty, block, 4 * page);
    assert_int_equal(faulty.violations, 4);
    faulty_provider_close(&faulty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mmap_gives_aligned_zeroed_memory),
        cmocka_unit_test(mmap_purges),
        cmocka_unit_test(mmap_moves),
        cmocka_unit_test(fixed_hands_out_part_behind_part),
        cmocka_unit_test(the_faulty_one_fails_on_request),
        cmocka_unit_test(the_faulty_one_notices_a_broken_contract),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
