/* targets.c: the process's own malloc, whatever is preloaded, and the list of targets. The talus
 * ones are in lib/target_talus.c. */
#include "stress/hosted/targets.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void *process_alloc(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void *process_zalloc(void *context, size_t size)
{
    (void)context;
    return calloc(1, size);
}

static void *process_resize(void *context, void *block, size_t size)
{
    (void)context;
    return realloc(block, size);
}

static void *process_aligned(void *context, size_t align, size_t size)
{
    void *block = NULL;
    int   error = posix_memalign(&block, align,
                                 size); /* aligned_alloc may refuse sizes that are no multiples */

    (void)context;
    if (error != 0)
        errno = error;
    return error == 0 ? block : NULL;
}

static void process_release(void *context, void *block)
{
    (void)context;
    free(block);
}

static size_t process_usable(void *context, void *block)
{
    (void)context;
    return malloc_usable_size(block);
}

static struct st_target process = {
    .name = "malloc",
    .what = "malloc and free of the process: libc's, or whatever is preloaded",
    .alloc = process_alloc,
    .zalloc = process_zalloc,
    .resize = process_resize,
    .aligned = process_aligned,
    .release = process_release,
    .usable = process_usable,
};

static struct st_target *const targets[] = { &st_target_talus, &st_target_heap, &process,
                                             &st_target_toy };

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
