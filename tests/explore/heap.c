/* heap.c: what a scenario's heap watches beside its blocks: a descriptor that nobody uses any more
 * is neither read nor written. (The rest is shown by seeded bugs: stress/explore/mutants.h.) */
#include "explore/scenario.h"
#include "explore/search.h"

#include "core/heap.h"
#include "core/pagemap.h"
#include "lib/test.h"

#include <stdlib.h>

static const struct tl_span *stays, *goes;

enum { READS, WRITES, READS_WHAT_STAYS };
static int *late_does; /* allocated: what is static is put back before each run */

/* Of two neighbours that are freed the one behind joins the other's run, and its descriptor goes.
 */
static void prepare(void)
{
    ex_heap_begin(12, false, (talus_heap_options){ 0 });
    ex_alloc_pages(0, 2);
    ex_alloc_pages(1, 2);
    ex_alloc_pages(2, 2);
    uintptr_t one = (uintptr_t)ex_block(0), other = (uintptr_t)ex_block(1);
    stays = tl_span_at((uintptr_t)ex_block(2));
    goes = tl_span_at(one < other ? other : one);
}

static void free_both(void)
{
    ex_free(0);
    ex_free(1);
    (void)talus_heap_trim(talus_heap_default()); /* what the cache keeps, too */
}

/* As a free that looks at its descriptor once more behind its push. */
static void look_late(void)
{
    if (*late_does == WRITES)
        tl_store_relaxed((tl_atomic_word *)&goes->owner, 0);
    else
        (void)tl_load_relaxed(*late_does == READS ? &goes->owner : &stays->owner);
}

static void a_late_look_is_found(void **state)
{
    static const char *const says[] = { "freed descriptor: byte 0 of a spare one is read",
                                        "freed descriptor: byte 0 of a spare one is written" };
    const struct ex_program  program = {
         prepare, { EX_THREAD("owner", free_both, 0), EX_THREAD("late", look_late, 1) }, NULL
    };
    const struct ex_limits limits = { 0 };
    (void)state;
    late_does = malloc(sizeof *late_does);
    assert_non_null(late_does);
    assert_true(ex_engine_begin(&program, ex_heap_look));
    for (*late_does = READS; *late_does <= READS_WHAT_STAYS; ++*late_does) {
        struct ex_found found;
        ex_search_bounded(0, &limits, &found);
        assert_int_equal(found.failed, *late_does != READS_WHAT_STAYS);
        if (found.failed)
            assert_string_equal(found.run.text, says[*late_does]);
        free(found.schedule.segment);
    }
    ex_engine_end();
    free(late_does);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_late_look_is_found) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
