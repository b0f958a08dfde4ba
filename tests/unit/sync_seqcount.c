/* sync_seqcount.c: sync/seqcount.h. R30: a reader gets words of one and the same write. */
#include "sync_stubs.h"

#include <sched.h>

#include "sync/seqcount.h"

enum { WRITES = TEST_ROUNDS(100000), WORDS = 4 };

struct record {
    struct tl_seqcount count;
    tl_atomic_word     words[WORDS]; /* all the same, in one write */
    tl_atomic_word     finished;
    tl_atomic_word     mixtures; /* reads that were said to be whole and were not */
    tl_atomic_word     backwards;
};

static void write_all(struct record *record)
{
    for (uintptr_t value = 1; value <= WRITES; value++) {
        tl_seqcount_write_begin(&record->count);
        for (int i = 0; i < WORDS; i++)
            tl_seqcount_put(&record->words[i], value);
        tl_seqcount_write_end(&record->count);
        if (value % 256 == 0)
            sched_yield();
    }
    tl_store_release(&record->finished, 1);
}

static void read_all(struct record *record)
{
    uintptr_t last = 0;

    while (tl_load_acquire(&record->finished) == 0) {
        uintptr_t words[WORDS];
        uint32_t  sequence;
        do {
            sequence = tl_seqcount_read_begin(&record->count);
            for (int i = 0; i < WORDS; i++)
                words[i] = tl_seqcount_get(&record->words[i]);
        } while (tl_seqcount_read_retry(&record->count, sequence));
        for (int i = 1; i < WORDS; i++)
            if (words[i] != words[0])
                tl_add_relaxed(&record->mixtures, 1);
        if (words[0] < last)
            tl_add_relaxed(&record->backwards, 1);
        last = words[0];
    }
}

static void write_or_read(int index, void *shared)
{
    if (index == 0)
        write_all(shared);
    else
        read_all(shared);
}

static void readers_get_whole_records(void **state)
{
    static struct record record;

    (void)state;
    sync_run_threads(3, write_or_read, &record);
    assert_int_equal(tl_load_relaxed(&record.mixtures), 0);
    assert_int_equal(tl_load_relaxed(&record.backwards), 0);
    assert_int_equal(tl_load32_relaxed(&record.count.sequence), 2 * WRITES);
}

static void a_write_in_between_is_noticed(void **state)
{
    static struct tl_seqcount count;
    uint32_t                  sequence = tl_seqcount_read_begin(&count);

    (void)state;
    assert_false(tl_seqcount_read_retry(&count, sequence));
    tl_seqcount_write_begin(&count);
    assert_true(tl_seqcount_read_retry(&count, sequence));
    tl_seqcount_write_end(&count);
    assert_true(tl_seqcount_read_retry(&count, sequence));
    sequence = tl_seqcount_read_begin(&count);
    assert_false(tl_seqcount_read_retry(&count, sequence));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_in_between_is_noticed),
        cmocka_unit_test(readers_get_whole_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
