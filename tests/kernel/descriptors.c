/* descriptors.c: a kernel's heap whose descriptors and pages run out at the same time goes on as
 * long as its port has memory (R10, R11, D8). Descriptors are made of pages, and pages that the
 * port gives need descriptors: two are kept for that.
 *
 * Blocks of so many pages, in a first block of so many, each pair in a process of its own: among
 * these are some where the last descriptors go with the last pages. */
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/arena.h"
#include "kernel/port.h"
#include "lib/test.h"
#include <talus/port.h>

enum { FIRST_LEAST = 96, FIRST_MOST = 224, LENGTHS = 3, BLOCKS = 100 };

static _Alignas(TALUS_PAGE_SIZE) char first[FIRST_MOST * TALUS_PAGE_SIZE];

static bool starts_and_has_all(size_t pages, size_t length)
{
    if (!talus_kernel_start(&(talus_kernel_options){
            .block = first, .bytes = pages * TALUS_PAGE_SIZE, .window = 2 * ARENA_BYTES }))
        return false;
    for (unsigned i = 0; i < BLOCKS; i++)
        if (talus_malloc(length * TALUS_PAGE_SIZE) == NULL)
            return false;
    return true;
}

static bool has_all(size_t pages, size_t length)
{
    int   status = -1;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(starts_and_has_all(pages, length) ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status == 0;
}

static void a_port_that_has_memory_is_asked(void **state)
{
    unsigned failed = 0;
    (void)state;
    for (size_t pages = FIRST_LEAST; pages <= FIRST_MOST; pages++)
        for (size_t length = 2; length <= LENGTHS; length++)
            if (!has_all(pages, length)) {
                print_message("a first block of %zu pages, blocks of %zu\n", pages, length);
                failed++;
            }
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_port_that_has_memory_is_asked) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
