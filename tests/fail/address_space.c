/* address_space.c: the operating system itself has no more to give (ulimit -v): metadata and pages both run out (R2).
 *
 * Runs in children, whose limit it is. Sanitizers need all the address space there is: with one, nothing is tested here. */
#include <sys/resource.h>

#include <talus/heap.h>

#include "lib/process.h"
#include "lib/test.h"

struct storm {
    size_t size;  /* of each block */
    size_t bytes; /* of address space */
};

static int exhaust_address_space(void *context)
{
    const struct storm *storm = context;
    struct rlimit       limit = { storm->bytes, storm->bytes };
    size_t              counts[3];

    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return 2;
    for (int round = 0; round < 3; round++) {
        void **chain = NULL;
        void **block;

        errno = 0;
        counts[round] = 0;
        while ((block = talus_malloc(storm->size)) != NULL) {
            block[0] = chain;
            block[1] = (void *)(counts[round] ^ 0x5555);
            chain = block;
            counts[round]++;
        }
        if (errno != ENOMEM)
            return 3;
        for (size_t left = counts[round]; left > 0; left--) {
            block = chain;
            if (block == NULL || block[1] != (void *)((left - 1) ^ 0x5555))
                return 4;
            chain = block[0];
            talus_free(block);
        }
    }
    if (counts[0] * storm->size < storm->bytes / 4)
        return 5;
    /* what could be had once can be had again */
    return counts[2] * 10 >= counts[0] * 9 ? 0 : 6;
}

/* R2: storms of each kind of block until the address space is used up, three times over. */
static void storms_of_blocks(void **state)
{
    static const size_t sizes[] = { 16, 100, 1000, 10000, 300000, 3000000 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct storm          storm = { sizes[i], 512 * MIB };
        struct process_result result = process_run_child(exhaust_address_space, &storm);

        assert_int_equal(result.signal, 0);
        assert_int_equal(result.exit_code, 0);
    }
}

static int no_address_space_at_all(void *context)
{
    struct rlimit limit = { 1, 1 };

    (void)context;
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return 2;
    errno = 0;
    if (talus_malloc(100 * MIB) != NULL || errno != ENOMEM)
        return 3;
    errno = 0;
    if (talus_heap_create(NULL) == NULL && errno != ENOMEM)
        return 4;
    errno = 0;
    return talus_malloc(10) != NULL || errno == ENOMEM ? 0 : 5;
}

/* R2: not one byte of address space left, in the first call of the process even: NULL and ENOMEM, no crash. */
static void nothing_left(void **state)
{
    struct process_result result = process_run_child(no_address_space_at_all, NULL);

    (void)state;
    assert_int_equal(result.signal, 0);
    assert_int_equal(result.exit_code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_left),
        cmocka_unit_test(storms_of_blocks),
    };

    if (TEST_SANITIZED)
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
