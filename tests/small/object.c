/* object.c: objects in blocks of larger classes, which small memory gives out when it has no
 * others:
 * they are the cache's all the same, and come back (R46, R52). */
#include <stdio.h>
#include <stdlib.h>

#include <talus/object.h>
#include <talus/port.h>

enum { REGION = 4096, OBJECTS_MAX = 1024 };

static unsigned char region[REGION];
static void         *taken[OBJECTS_MAX];

_Noreturn static void fail(const char *what)
{
    printf("%s\n", what);
    fflush(stdout);
    _Exit(1);
}

void talus_port_panic(const char *line)
{
    fail(line);
}

void talus_port_write(const char *text, size_t length)
{
    printf("%.*s", (int)length, text);
    fail("the heap said that");
}

int main(void)
{
    const talus_object_type type = { .size = 24, .name = "object", .magazines = 1 };
    if (!talus_kernel_start(&(talus_kernel_options){ .block = region, .bytes = sizeof region }))
        fail("it does not start");
    talus_object_cache *cache = talus_object_cache_create(talus_heap_default(), &type);
    void               *larger = talus_malloc(200), *stays = talus_malloc(200);
    if (cache == NULL || larger == NULL || stays == NULL)
        fail("it has no memory to begin with");
    size_t count = 0;
    while (count < OBJECTS_MAX && (taken[count] = talus_object_cache_alloc(cache)) != NULL)
        count++;
    talus_free(larger); /* what is left is in blocks of its class */
    size_t borrowed = count;
    while (count < OBJECTS_MAX && (taken[count] = talus_object_cache_alloc(cache)) != NULL)
        count++;
    size_t in_larger = 0;
    for (size_t i = 0; i < count; i++)
        in_larger += talus_usable_size(taken[i]) > 48;
    if (count == borrowed || in_larger == 0)
        fail("no object came to lie in a larger block");
    for (size_t i = 0; i < count; i++)
        talus_object_cache_free(cache, taken[i]);
    if (!talus_object_cache_destroy(cache))
        fail("objects got lost");
    printf("%zu objects, %zu in blocks of larger classes\n", count, in_larger);
    return 0;
}
