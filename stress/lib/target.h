/* target.h: the heap under test, as the few functions that every malloc has. */
#ifndef STRESS_LIB_TARGET_H
#define STRESS_LIB_TARGET_H

#include <stdbool.h>
#include <stddef.h>

/* All functions may be called by any number of threads at once. `context` is passed through. */
struct st_target {
    const char *name;
    const char *what; /* one line for --help */
    void       *context;
    void *(*alloc)(void *context, size_t size);
    void *(*zalloc)(void *context, size_t size);                /* NULL: alloc is called instead */
    void *(*resize)(void *context, void *block, size_t size);   /* NULL: alloc and release are */
    void *(*aligned)(void *context, size_t align, size_t size); /* NULL: as zalloc */
    void (*release)(void *context, void *block);
    size_t (*usable)(void *context, void *block); /* NULL: unknown */
    /* Before and after a suite; called by the main thread, no worker runs. NULL: nothing to do. */
    void (*open)(struct st_target *target);
    void (*close)(struct st_target *target);
    /* Bytes that the heap believes to be in use, once every thread's cache is flushed. NULL:
     * unknown, so lost blocks go unnoticed. Called by the main thread, no worker runs. */
    size_t (*allocated)(void *context);
    bool instances; /* the suites that make heaps of their own may run */
};

extern struct st_target st_target_talus; /* the default heap, talus_malloc and so on */
extern struct st_target st_target_heap;  /* a heap instance for each suite, destroyed at its end */

#endif
