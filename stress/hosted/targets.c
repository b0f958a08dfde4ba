/* targets.c: any malloc of C as a target, and the list of targets. The talus ones are in
 * lib/target_talus.c. */
#include "stress/hosted/targets.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *calls_alloc(void *context, size_t size)
{
    const struct st_calls *calls = context;
    return calls->malloc(size);
}

static void *calls_zalloc(void *context, size_t size)
{
    const struct st_calls *calls = context;
    return calls->calloc(1, size);
}

static void *calls_resize(void *context, void *block, size_t size)
{
    const struct st_calls *calls = context;
    return calls->realloc(block, size);
}

static void *calls_posix_memalign(void *context, size_t align, size_t size)
{
    const struct st_calls *calls = context;
    void                  *block = NULL;
    int                    error = calls->posix_memalign(&block, align, size);

    if (error != 0)
        errno = error;
    return error == 0 ? block : NULL;
}

/* The standard leaves sizes that are no multiples of the alignment to the library. */
static void *calls_aligned_alloc(void *context, size_t align, size_t size)
{
    const struct st_calls *calls = context;
    return calls->aligned_alloc(align, (size + align - 1) / align * align);
}

static void calls_release(void *context, void *block)
{
    const struct st_calls *calls = context;
    calls->free(block);
}

static size_t calls_usable(void *context, void *block)
{
    const struct st_calls *calls = context;
    return calls->malloc_usable_size(block);
}

void st_target_of_calls(struct st_target *target, const struct st_calls *calls)
{
    target->context = (void *)(uintptr_t)calls;
    target->alloc = calls_alloc;
    target->release = calls_release;
    target->zalloc = calls->calloc != NULL ? calls_zalloc : NULL;
    target->resize = calls->realloc != NULL ? calls_resize : NULL;
    target->aligned = calls->posix_memalign != NULL  ? calls_posix_memalign
                      : calls->aligned_alloc != NULL ? calls_aligned_alloc
                                                     : NULL;
    target->usable = calls->malloc_usable_size != NULL ? calls_usable : NULL;
}

/* posix_memalign alone: aligned_alloc may refuse sizes. */
static const struct st_calls system_calls = {
    .malloc = malloc,
    .free = free,
    .calloc = calloc,
    .realloc = realloc,
    .posix_memalign = posix_memalign,
    .malloc_usable_size = malloc_usable_size,
};

static void system_open(struct st_target *target)
{
    st_target_of_calls(target, &system_calls);
}

static void toy_open(struct st_target *target)
{
    st_target_of_calls(target, &toy_calls);
}

static struct st_target system_target = {
    .name = "system",
    .what = "malloc and free of the process: libc's, or whatever is preloaded",
    .open = system_open,
};

static struct st_target toy_target = {
    .name = "toy",
    .what = "an allocator with a lost update in its list: must fail, proves the oracle",
    .open = toy_open,
};

static struct st_target *const targets[] = { &st_target_talus, &st_target_heap, &system_target,
                                             &toy_target };

struct st_target *st_target_list(size_t i)
{
    return i < sizeof(targets) / sizeof(targets[0]) ? targets[i] : NULL;
}

struct st_target *st_target_find(const char *name)
{
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        if (strcmp(targets[i]->name, name) == 0)
            return targets[i];
    return NULL;
}

bool st_target_is_library(const char *name)
{
    return strchr(name, '/') != NULL || strstr(name, ".so") != NULL;
}
