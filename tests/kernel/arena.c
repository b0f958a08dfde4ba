#include "kernel/arena.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <string.h>

#include <talus/heap.h>

#define PAGES (ARENA_BYTES / TALUS_PAGE_SIZE)

static alignas(TALUS_PAGE_SIZE) char memory[ARENA_BYTES];
static bool            taken[PAGES]; /* lock */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void *arena_take(size_t bytes)
{
    size_t wanted = bytes / TALUS_PAGE_SIZE, found = 0, page = 0;
    pthread_mutex_lock(&lock);
    while (page < PAGES && found < wanted)
        found = taken[page++] ? 0 : found + 1;
    char *block = found == wanted ? memory + (page - wanted) * TALUS_PAGE_SIZE : NULL;
    if (block != NULL) {
        memset(&taken[page - wanted], true, wanted);
        memset(block, 0xa5, bytes);
    }
    pthread_mutex_unlock(&lock);
    return block;
}

void arena_give(void *block, size_t bytes)
{
    pthread_mutex_lock(&lock);
    memset(block, 0x5a, bytes);
    memset(&taken[(size_t)((char *)block - memory) / TALUS_PAGE_SIZE], false,
           bytes / TALUS_PAGE_SIZE);
    pthread_mutex_unlock(&lock);
}
