/* targets.h: the heaps that talus-stress can drive. */
#ifndef STRESS_HOSTED_TARGETS_H
#define STRESS_HOSTED_TARGETS_H

#include "stress/lib/target.h"

/* NULL: no such name. */
struct st_target *st_target_find(const char *name);
struct st_target *st_target_list(size_t i); /* NULL after the last */

/* A malloc of C, by its functions. The first two must be there. */
struct st_calls {
    void *(*malloc)(size_t size);
    void (*free)(void *block);
    void *(*calloc)(size_t count, size_t size);
    void *(*realloc)(void *block, size_t size);
    void *(*aligned_alloc)(size_t align, size_t size);
    int (*posix_memalign)(void **block, size_t align, size_t size);
    size_t (*malloc_usable_size)(void *block);
};

/* Makes *target drive `calls`, which lives as long. */
void st_target_of_calls(struct st_target *target, const struct st_calls *calls);

/* Whether the name can be a library's: it has a '/', or ends like one. */
bool st_target_is_library(const char *name);

/* library.c: a target that loads the library when it is opened, and finds its functions, whose
 * names begin with `prefix`. Starts the program again behind LD_PRELOAD (`argv`: its arguments)
 * where the library must be there from the start; ends it with a message where it cannot be had. */
struct st_target *st_target_load(const char *path, const char *prefix, char **argv);

extern const struct st_calls toy_calls; /* broken on purpose: toy.c */

#endif
