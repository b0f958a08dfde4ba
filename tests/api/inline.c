/* inline.c: talus/inline.h, from C (inline_use.cpp is the C++ part). */
#include <talus/inline.h>

#include <errno.h>
#include <pthread.h>

#include "lib/test.h"

/* Small blocks are of their own class; others may come from one of the next. */
static void assert_class_of(const void *block, size_t size)
{
    size_t good = talus_good_size(size);

    assert_in_range(talus_usable_size(block), good, size <= 1024 ? good : good + good / 3);
}

/* A block of a constant size. */
#define CHECK_CONSTANT(size)                                     \
    do {                                                         \
        unsigned char *block = talus_malloc_inline(size);        \
        assert_non_null(block);                                  \
        assert_int_equal((uintptr_t)block % TALUS_ALIGN_MIN, 0); \
        assert_class_of(block, size);                            \
        memset(block, 0x5a, size);                               \
        talus_free_inline(block);                                \
    } while (0)

/* R24: the class that the compiler computes is the class of the table and of the formula. */
static void constant_sizes_have_their_class(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        CHECK_CONSTANT(1);
        CHECK_CONSTANT(16);
        CHECK_CONSTANT(17);
        CHECK_CONSTANT(128);
        CHECK_CONSTANT(129);
        CHECK_CONSTANT(144);
        CHECK_CONSTANT(145);
        CHECK_CONSTANT(256);
        CHECK_CONSTANT(257);
        CHECK_CONSTANT(1000);
        CHECK_CONSTANT(1024);
        CHECK_CONSTANT(1025);
        CHECK_CONSTANT(5000);
        CHECK_CONSTANT(32768);
        CHECK_CONSTANT(65535);
        CHECK_CONSTANT(65536);
        CHECK_CONSTANT(65537);
        CHECK_CONSTANT(3000000);
    }
    void *empty = talus_malloc_inline(0);
    assert_int_equal(talus_usable_size(empty), talus_good_size(0));
    talus_free_inline(empty);
    errno = 0;
    assert_null(talus_malloc_inline(opaque_size(SIZE_MAX)));
    assert_int_equal(errno, ENOMEM);
}

/* R2, R24: sizes that are known at run time only, freed by either free. */
static void any_size(void **state)
{
    void *kept[64] = { NULL };

    (void)state;
    for (size_t size = 0; size < 200000; size += size / 50 + 1) {
        unsigned char *block = talus_malloc_inline(size);

        assert_non_null(block);
        assert_class_of(block, size);
        memset(block, (int)size, size);
        if (size % 2 == 0)
            talus_free_inline(kept[size % 64]);
        else
            talus_free(kept[size % 64]);
        kept[size % 64] = block;
    }
    for (size_t i = 0; i < COUNT_OF(kept); i++)
        talus_free_inline(kept[i]);
    talus_free_inline(NULL);
}

static void *free_all(void *argument)
{
    void **blocks = argument;

    for (size_t i = 0; i < 1000; i++)
        talus_free_inline(blocks[i]);
    for (size_t i = 0; i < 1000; i++)
        blocks[i] = talus_malloc_inline(i % 300);
    return NULL;
}

/* R30: blocks go from thread to thread, from a thread's first call on and after its end. */
static void between_threads(void **state)
{
    static void *blocks[1000];
    pthread_t    thread;

    (void)state;
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < COUNT_OF(blocks); i++)
            blocks[i] = talus_malloc_inline(i % 300);
        assert_int_equal(pthread_create(&thread, NULL, free_all, blocks), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        for (size_t i = 0; i < COUNT_OF(blocks); i++) {
            assert_non_null(blocks[i]);
            memset(blocks[i], round, i % 300);
            talus_free_inline(blocks[i]);
        }
    }
}

int inline_in_cplusplus(void);

/* R24: the same in C++, mixed with C. */
static void in_cplusplus(void **state)
{
    (void)state;
    assert_int_equal(inline_in_cplusplus(), 0);
}

static talus_misuse noticed;

static void note(talus_misuse what, const void *pointer, const char *message)
{
    (void)pointer;
    (void)message;
    noticed = what;
}

/* R45: what is no block is noticed as by talus_free. */
static void a_foreign_pointer_is_noticed(void **state)
{
    char local[64];

    (void)state;
    noticed = TALUS_MISUSE_HEAP_DESTROYED;
    talus_set_misuse_handler(note);
    talus_free_inline(opaque_pointer(local));
    talus_set_misuse_handler(NULL);
    assert_int_equal(noticed, TALUS_MISUSE_FOREIGN_POINTER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_sizes_have_their_class),
        cmocka_unit_test(any_size),
        cmocka_unit_test(between_threads),
        cmocka_unit_test(in_cplusplus),
        cmocka_unit_test(a_foreign_pointer_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
