/* recorder.h: a misuse handler that notes what it was told, for tests of what the heap notices. */
#ifndef TALUS_TESTS_RECORDER_H
#define TALUS_TESTS_RECORDER_H

#include <talus/heap.h>

#include "lib/test.h"

struct recorder {
    size_t       reports;
    talus_misuse what; /* of the last report */
    const void  *pointer;
    char         message[256];
};

static struct recorder recorder;

static inline void record(talus_misuse what, const void *pointer, const char *message)
{
    recorder.reports++;
    recorder.what = what;
    recorder.pointer = pointer;
    recorder.message[0] = '\0';
    if (message != NULL)
        strncat(recorder.message, message, sizeof recorder.message - 1);
}

/* Setup of each test: nothing recorded yet. */
static inline int start_recording(void **state)
{
    (void)state;
    memset(&recorder, 0, sizeof recorder);
    talus_set_misuse_handler(record);
    return 0;
}

/* Teardown: the default handler again; and whatever was done wrong, the heap works on. */
static inline int heap_works_on(void **state)
{
    void *blocks[200];

    (void)state;
    talus_set_misuse_handler(NULL);
    for (size_t i = 0; i < COUNT_OF(blocks); i++) {
        blocks[i] = talus_malloc(i * i * 10);
        if (blocks[i] == NULL)
            return -1;
        memset(blocks[i], (int)i, i * i * 10);
        for (size_t j = 0; j < i; j++)
            if (blocks[j] == blocks[i])
                return -1;
    }
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        talus_free(blocks[i]);
    return 0;
}

#define misuse_test(test) cmocka_unit_test_setup_teardown(test, start_recording, heap_works_on)

/* Exactly one report since the start, or since the last of these. */
#define assert_reported(expected_what, expected_pointer)      \
    do {                                                      \
        assert_int_equal(recorder.reports, 1);                \
        assert_int_equal(recorder.what, expected_what);       \
        assert_ptr_equal(recorder.pointer, expected_pointer); \
        assert_true(strlen(recorder.message) > 0);            \
        assert_null(strchr(recorder.message, '\n'));          \
        recorder.reports = 0;                                 \
    } while (0)

#define assert_not_reported() assert_int_equal(recorder.reports, 0)

#endif
