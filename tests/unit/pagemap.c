/* pagemap.c: the page map (core/pagemap.h): any address may be asked for, and only our own pages
 * have an answer. */
#include "core/pagemap.h"
#include "core/region.h"

#include "lib/process.h"
#include "lib/rng.h"
#include "lib/test.h"

#include <sys/wait.h>
#include <unistd.h>

static int make_map(void **state)
{
    (void)state;
    return tl_page_map_init() ? 0 : -1;
}

static void *map_pages(size_t pages)
{
    const talus_provider *provider = talus_provider_mmap();
    void                 *block = provider->map(provider->context, pages * TL_PAGE_SIZE);

    assert_non_null(block);
    assert_true(is_aligned(block, TL_PAGE_SIZE));
    return block;
}

static void unmap_pages(void *block, size_t pages)
{
    const talus_provider *provider = talus_provider_mmap();

    provider->unmap(provider->context, block, pages * TL_PAGE_SIZE);
}

/* R45: any number whatsoever may be looked up; what is not ours has the zero descriptor. */
static void any_address_may_be_asked_for(void **state)
{
    struct rng rng = rng_seeded(test_seed());

    (void)state;
    for (unsigned bit = 0; bit < sizeof(uintptr_t) * 8; bit++) {
        assert_int_equal(tl_span_kind(tl_page_span((uintptr_t)1 << bit)), TL_SPAN_NONE);
        assert_int_equal(tl_span_kind(tl_page_span(((uintptr_t)1 << bit) - 1)), TL_SPAN_NONE);
        assert_int_equal(tl_span_kind(tl_page_span(~(uintptr_t)0 << bit)), TL_SPAN_NONE);
    }
    for (int i = 0; i < 100000; i++)
        assert_int_equal(tl_span_kind(tl_page_span((uintptr_t)rng_next(&rng))), TL_SPAN_NONE);
}

/* R5: after a run's pages were entered every address in them finds the run, those around it do not;
 * and the reverse. */
static void pages_find_their_run(void **state)
{
    enum { PAGES = 64 };
    char           *block = map_pages(PAGES);
    unsigned        got = 0;
    struct tl_span *span = tl_descriptors_new(1, &got);

    (void)state;
    assert_non_null(span);
    assert_int_equal(got, 1);
    struct tl_region region = { .start = (uintptr_t)block, .pages = PAGES };
    assert_true(tl_page_map_cover(&region));
    for (size_t page = 10; page < 50; page++)
        tl_page_set((uintptr_t)block + page * TL_PAGE_SIZE, span);
    for (size_t at = 0; at < PAGES * TL_PAGE_SIZE; at += 1000) {
        bool inside = at / TL_PAGE_SIZE >= 10 && at / TL_PAGE_SIZE < 50;

        assert_true((tl_page_span((uintptr_t)block + at) == span) == inside);
    }
    for (size_t page = 10; page < 50; page++)
        tl_page_set((uintptr_t)block + page * TL_PAGE_SIZE, NULL);
    for (size_t page = 0; page < PAGES; page++)
        assert_int_equal(tl_span_kind(tl_page_span((uintptr_t)block + page * TL_PAGE_SIZE)),
                         TL_SPAN_NONE);
    tl_region_delist(&region);
    unmap_pages(block, PAGES);
}

#define NO_LIMITS 77

/* Under an address space limit, in a process of its own: exit code 0, the number of the step, or
 * NO_LIMITS where the system keeps none. */
static int fold_in_a_child(void)
{
    /* above what two maps take, the other tests' and, where the library's constructor is linked,
     * its own */
    if (!process_limit_address_space((size_t)1 << (sizeof(void *) == 8 ? 38 : 28)))
        return NO_LIMITS;
    if (!tl_page_map_init())
        return 1;
    size_t           entries = ~tl_page_fold + 1;
    struct tl_region first = { .start = 5 * TL_PAGE_SIZE, .pages = 8 };
    struct tl_region folded = { .start = (entries + 12) * TL_PAGE_SIZE, .pages = 2 };
    struct tl_region beside = { .start = (entries + 13) * TL_PAGE_SIZE, .pages = 2 };
    if (tl_page_entry(folded.start) != tl_page_entry(first.start + 7 * TL_PAGE_SIZE))
        return 2;
    if (!tl_page_map_cover(&first))
        return 3;
    if (tl_page_map_cover(&folded))
        return 4;
    if (!tl_page_map_cover(&beside))
        return 5;
    tl_region_delist(&first);
    return tl_page_map_cover(&(struct tl_region){ .start = folded.start, .pages = 1 }) ? 0 : 6;
}

/* R45: where address space is limited, of two blocks that share entries one is refused: covering
 * enlists, so that nothing comes between the question and the answer. */
static void folded_blocks_never_share_entries(void **state)
{
    int status = -1;

    (void)state;
    if (TEST_SANITIZED) /* its own mappings are beyond any limit */
        skip();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(fold_in_a_child());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_LIMITS)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* R8: descriptors come in any number, but for the rest of a batch, no two alike, aligned so that
 * strangers' and owner's fields lie on lines of their own; a batch lies on one system page. */
static void descriptors_are_distinct(void **state)
{
    enum { COUNT = 500, BATCH_BYTES = TL_DESCRIPTOR_BATCH * sizeof(struct tl_span) };
    uintptr_t       before = 0;
    unsigned        got = 0;
    struct tl_span *chain = tl_descriptors_new(COUNT, &got);

    (void)state;
    assert_in_range(got, COUNT - TL_DESCRIPTOR_BATCH + 1, COUNT);
    assert_true(is_aligned((char *)(chain + got), BATCH_BYTES));
    for (unsigned i = 0; i < got; i++) {
        assert_non_null(chain);
        assert_true(is_aligned(chain, TL_LINE_SIZE));
        assert_int_equal(tl_span_kind(chain), TL_SPAN_UNUSED);
        assert_true((uintptr_t)chain >= before + sizeof *chain);
        before = (uintptr_t)chain;
        chain = chain->free.next;
    }
    assert_null(chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_address_may_be_asked_for),
        cmocka_unit_test(pages_find_their_run),
        cmocka_unit_test(folded_blocks_never_share_entries),
        cmocka_unit_test(descriptors_are_distinct),
    };

    return cmocka_run_group_tests(tests, make_map, NULL);
}
