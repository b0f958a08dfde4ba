/* counted_heap.h: a heap over a provider that counts what goes through it, checks the contract, and
 * must have everything back in the end. One at a time. */
#ifndef TALUS_TESTS_COUNTED_HEAP_H
#define TALUS_TESTS_COUNTED_HEAP_H

#include <talus/heap.h>

#include "fail/faulty_provider.h"
#include "lib/test.h"

static struct faulty_provider counted;

/* A heap whose provider is `counted`, unless `options` name another; `below` gives `counted` its
 * memory (NULL: talus_provider_mmap()). */
static inline talus_heap *create_counted_over(const talus_provider *below,
                                              talus_heap_options    options)
{
    talus_heap *heap;

    faulty_provider_open(&counted, below);
    if (options.provider == NULL)
        options.provider = &counted.provider;
    heap = talus_heap_create(&options);
    assert_non_null(heap);
    return heap;
}

/* create_counted(.limit = MIB, .decay_ms = 1): with these options. */
#define create_counted(...) \
    create_counted_over(NULL, (talus_heap_options){ .name = "counted", __VA_ARGS__ })

static inline void destroy_counted(talus_heap *heap)
{
    assert_true(talus_heap_destroy(heap));
    assert_string_equal(counted.violation != NULL ? counted.violation : "", "");
    assert_int_equal(counted.bytes, 0);
    assert_int_equal(counted.count, 0);
    assert_int_equal(counted.unmaps, counted.maps);
    faulty_provider_close(&counted);
}

#endif
