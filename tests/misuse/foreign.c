/* foreign.c: pointers that no heap gave out are noticed, always, and never followed (R5, R45). */
#include <sys/mman.h>

#include "misuse/recorder.h"

static char static_memory[64];

/* Every call that takes a block, with one that is none: each reports it, and none has an effect. */
static void expect_foreign(const void *pointer)
{
    void *foreign = opaque_pointer(pointer);

    errno = 4711;
    talus_free(foreign);
    assert_reported(TALUS_MISUSE_FOREIGN_POINTER, foreign);
    assert_int_equal(errno, 4711);
    talus_free_sized(foreign, 8);
    assert_reported(TALUS_MISUSE_FOREIGN_POINTER, foreign);
    talus_heap_free(talus_heap_default(), foreign);
    assert_reported(TALUS_MISUSE_FOREIGN_POINTER, foreign);
    errno = 0;
    assert_null(talus_realloc(foreign, 100));
    assert_int_not_equal(errno, 0);
    assert_reported(TALUS_MISUSE_FOREIGN_POINTER, foreign);
    errno = 0;
    assert_null(talus_heap_realloc(talus_heap_default(), foreign, 100, NULL));
    assert_int_equal(errno, EINVAL);
    assert_reported(TALUS_MISUSE_FOREIGN_POINTER, foreign);
    assert_int_equal(talus_usable_size(foreign), 0);
    recorder.reports = 0; /* whether asking for the size is reported is not promised */
}

/* R45: an object on the stack. */
static void a_stack_object(void **state)
{
    char object[64] = "stack";

    (void)state;
    expect_foreign(object);
    assert_string_equal(object, "stack");
}

/* R45: a static object, and a constant. */
static void a_static_object(void **state)
{
    (void)state;
    expect_foreign(static_memory);
    expect_foreign("a constant");
}

/* R45: a block of the system's malloc. */
static void a_block_of_the_systems_malloc(void **state)
{
    static const size_t sizes[] = { 1, 1000, 100000, 10000000 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        char *block = malloc(sizes[i]);

        assert_non_null(block);
        memset(block, 0x42, sizes[i]);
        expect_foreign(block);
        assert_int_equal(block[0], 0x42);
        assert_int_equal(block[sizes[i] - 1], 0x42);
        free(block);
    }
}

/* R45: a page of the system's mmap, at its start and inside. */
static void a_page_of_mmap(void **state)
{
    char *pages = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_ptr_not_equal(pages, MAP_FAILED);
    expect_foreign(pages);
    expect_foreign(pages + TALUS_PAGE_SIZE);
    expect_foreign(pages + 48);
    assert_int_equal(munmap(pages, MIB), 0);
    expect_foreign(pages);
}

/* R45: memory that cannot be read is not read. */
static void unreadable_memory(void **state)
{
    char *pages = mmap(NULL, MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_ptr_not_equal(pages, MAP_FAILED);
    expect_foreign(pages + 4096);
    assert_int_equal(munmap(pages, MIB), 0);
}

/* R45: pointers from bad arithmetic: multiplied, shifted, negative, beyond what the CPU can
 * address. */
static void pointers_from_bad_arithmetic(void **state)
{
    void     *block = talus_malloc(100);
    uintptr_t good = (uintptr_t)block;
    uintptr_t wrong[] = {
        1,
        8,
        4096,
        TALUS_PAGE_SIZE,
        good * 8,
        good << 13,
        good >> 7,
        (uintptr_t)0 - good,
        ~(uintptr_t)0,
        ~(uintptr_t)0 - 15,
        ~(uintptr_t)0 - TALUS_PAGE_SIZE + 1,
        (uintptr_t)1 << (sizeof(uintptr_t) * 8 - 1),
        ((uintptr_t)0xdead << (sizeof(uintptr_t) * 8 - 16)) | good >> 1,
        ((uintptr_t)1 << (sizeof(uintptr_t) * 6 - 1)) - TALUS_PAGE_SIZE,
        (uintptr_t)1 << (sizeof(uintptr_t) * 6 - 1),
    };

    (void)state;
    assert_non_null(block);
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        expect_foreign((void *)wrong[i]);
    talus_free(block);
    assert_not_reported();
}

/* R45: a foreign pointer given to an instance that never allocated anything. */
static void a_foreign_pointer_for_an_unused_instance(void **state)
{
    talus_heap *heap = talus_heap_create(NULL);

    (void)state;
    assert_non_null(heap);
    talus_heap_free(heap, static_memory);
    assert_reported(TALUS_MISUSE_FOREIGN_POINTER, static_memory);
    assert_true(talus_heap_destroy(heap));
}

/* R45: the block of a heap that was destroyed is nobody's, until its address is used again. */
static void a_block_of_a_destroyed_heap(void **state)
{
    static const size_t sizes[] = { 16, 1000, 30000, 5000000 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        talus_heap *heap = talus_heap_create(NULL);
        void       *block;

        assert_non_null(heap);
        block = talus_heap_alloc(heap, sizes[i], 0, NULL);
        assert_non_null(block);
        assert_true(talus_heap_destroy(heap));
        expect_foreign(block);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        misuse_test(a_stack_object),
        misuse_test(a_static_object),
        misuse_test(a_block_of_the_systems_malloc),
        misuse_test(a_page_of_mmap),
        misuse_test(unreadable_memory),
        misuse_test(pointers_from_bad_arithmetic),
        misuse_test(a_foreign_pointer_for_an_unused_instance),
        misuse_test(a_block_of_a_destroyed_heap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
