/* cplusplus.c: the public headers work in C++ (cplusplus_use.cpp is the C++ part). */
#include "lib/test.h"

int cplusplus_uses_default_heap(void);
int cplusplus_uses_heap_instance(void);

/* R1: talus.h in C++. */
static void default_heap_in_cplusplus(void **state)
{
    (void)state;
    assert_int_equal(cplusplus_uses_default_heap(), 0);
}

/* R19: heap.h in C++: a container with an allocator over a heap instance. */
static void heap_instance_in_cplusplus(void **state)
{
    (void)state;
    assert_int_equal(cplusplus_uses_heap_instance(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_heap_in_cplusplus),
        cmocka_unit_test(heap_instance_in_cplusplus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
