/* address_space.c: the operating system itself has no more to give (ulimit -v): metadata and pages
 * both run out (R2).
 *
 * Runs in children, whose limit it is. Sanitizers need all the address space there is: with one,
 * nothing is tested here. */
#include <talus/heap.h>

#include "lib/process.h"
#include "lib/test.h"

#define STORM_BYTES (512 * MIB)
#define NO_LIMITS   77 /* exit code of a child: the system keeps none */

static char *self;

/* Allocates blocks of `size` bytes until NULL, and frees them. Returns their number; 0: something
 * was wrong. */
static size_t storm(size_t size)
{
    void **chain = NULL;
    void **block;
    size_t count = 0;

    errno = 0;
    while ((block = talus_malloc(size)) != NULL) {
        block[0] = chain;
        block[1] = (void *)(count++ ^ 0x5555);
        chain = block;
    }
    if (errno != ENOMEM)
        return 0;
    for (size_t left = count; left > 0; left--) {
        block = chain;
        if (block == NULL || block[1] != (void *)((left - 1) ^ 0x5555))
            return 0;
        chain = block[0];
        talus_free(block);
    }
    return count;
}

/* The program's other face, under the limit: what could be had once can be had again, and it is
 * most of what there is. */
static int storms(size_t size)
{
    size_t first = storm(size);
    size_t second = storm(size);
    size_t third = storm(size);

    fprintf(stderr, "%zu, %zu, %zu blocks of %zu bytes\n", first, second, third, size);
    if (first * size < STORM_BYTES / 2)
        return 5;
    return second * 10 >= first * 9 && third * 10 >= first * 9 ? 0 : 6;
}

static int limit_and_start_over(void *context)
{
    char        size[32];
    char *const argv[] = { self, size, NULL };

    snprintf(size, sizeof size, "%zu", *(size_t *)context);
    if (!process_limit_address_space(STORM_BYTES))
        return NO_LIMITS;
    process_become(argv);
    return 3;
}

static void skip_without_limits(const struct process_result *result)
{
    if (result->exit_code == NO_LIMITS)
        skip();
}

/* R2: storms of each kind of block until the address space is used up, three times over. */
static void storms_of_blocks(void **state)
{
    static size_t sizes[] = { 16, 100, 1000, 10000, 300000, 3000000 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct process_result result = process_run_child(limit_and_start_over, &sizes[i]);

        printf("%s", result.output);
        skip_without_limits(&result);
        assert_int_equal(result.signal, 0);
        assert_int_equal(result.exit_code, 0);
    }
}

static int no_address_space_at_all(void *context)
{
    (void)context;
    if (!process_limit_address_space(1))
        return NO_LIMITS;
    errno = 0;
    if (talus_malloc(100 * MIB) != NULL || errno != ENOMEM)
        return 3;
    errno = 0;
    if (talus_heap_create(NULL) == NULL && errno != ENOMEM)
        return 4;
    errno = 0;
    return talus_malloc(10) != NULL || errno == ENOMEM ? 0 : 5;
}

/* R2: not one byte of address space left, in the first call of the process even: NULL and ENOMEM,
 * no crash. */
static void nothing_left(void **state)
{
    struct process_result result = process_run_child(no_address_space_at_all, NULL);

    (void)state;
    skip_without_limits(&result);
    assert_int_equal(result.signal, 0);
    assert_int_equal(result.exit_code, 0);
}

static int refused_growths_of_one_call(void *context)
{
    talus_heap_stats_t before, after;

    (void)context;
    if (talus_malloc(16) == NULL)
        return 100;
    if (!process_limit_address_space(1))
        return NO_LIMITS;
    while (talus_malloc(16) != NULL)
        continue;
    talus_heap_stats(talus_heap_default(), &before);
    if (talus_malloc(16) != NULL)
        return 101;
    talus_heap_stats(talus_heap_default(), &after);
    return (int)(after.provider_failures - before.provider_failures);
}

/* R18: a call in vain asks for pages, gives back what the caches hold, asks once more, and no more
 * often. */
static void a_refused_call_asks_twice(void **state)
{
    struct process_result result = process_run_child(refused_growths_of_one_call, NULL);

    (void)state;
    skip_without_limits(&result);
    assert_int_equal(result.signal, 0);
    assert_int_equal(result.exit_code, 2);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_left),
        cmocka_unit_test(a_refused_call_asks_twice),
        cmocka_unit_test(storms_of_blocks),
    };

    if (TEST_SANITIZED)
        return 77;
    if (argc > 1)
        return storms(strtoull(argv[1], NULL, 10));
    self = argv[0];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
