/* subjects.h: the calls of a heap instance as a subject of the property tests; the tests differ in
 * how it is opened. */
#ifndef TALUS_TESTS_SUBJECTS_H
#define TALUS_TESTS_SUBJECTS_H

#include <talus/heap.h>

static inline void *instance_alloc(void *context, size_t size, size_t align)
{
    return talus_heap_alloc(context, size, align, NULL);
}

static inline void *instance_zalloc(void *context, size_t size, size_t align)
{
    return talus_heap_zalloc(context, size, align, NULL);
}

static inline void *instance_resize(void *context, void *block, size_t size)
{
    return talus_heap_realloc(context, block, size, NULL);
}

static inline void instance_release(void *context, void *block, size_t size)
{
    (void)size;
    talus_heap_free(context, block);
}

static inline void instance_tidy(void *context)
{
    talus_heap_trim(context);
}

static inline void instance_close(void *context)
{
    talus_heap_destroy(context);
}

#endif
