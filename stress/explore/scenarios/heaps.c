/* heaps.c: heaps that come and go, the dump, caches of objects. */
#include "explore/scenarios/list.h"

#include "core/limits.h"

#include <talus/inspect.h>
#include <talus/object.h>

static talus_heap *heap;

static void begin(void)
{
    ex_heap_begin(24, true, (talus_heap_options){ .growth = 8 * TL_PAGE_SIZE });
    ex_alloc(0, EX_SIZE);
}

/* ---- heaps ---- */

static const talus_heap_options small = { .name = "small", .growth = 4 * TL_PAGE_SIZE };

static void live(unsigned slot)
{
    talus_heap *own = talus_heap_create(&small);
    if (own == NULL)
        return;
    ex_alloc_in(own, slot, EX_SIZE, 0);
    ex_free(slot);
    if (!talus_heap_destroy(own))
        ex_fail("destroy: the heap stays");
}

static void live_a(void)
{
    live(8);
}

static void live_b(void)
{
    live(9);
}

const struct ex_scenario ex_heaps = {
    "heaps",
    "two heaps come and go at once",
    { begin, { EX_THREAD("first", live_a, 0), EX_THREAD("second", live_b, 1) }, ex_heap_check },
};

/* ---- late-free: the last block comes back, and the heap ends ---- */

static tl_atomic_word freed;

static void begin_late(void)
{
    begin();
    heap = talus_heap_create(&small);
    ex_alloc_in(heap, 1, EX_SIZE, 0);
    ex_alloc_in(heap, 2, EX_SIZE, 0);
}

static void free_late(void)
{
    ex_free(1);
    tl_store_release(&freed, 1);
    ex_alloc(8, EX_SIZE);
}

static void end_heap(void)
{
    ex_free(2);
    while (tl_load_acquire(&freed) == 0)
        tl_explore_spin();
    if (!talus_heap_destroy(heap))
        ex_fail("destroy: the heap stays");
    ex_free(0);
}

const struct ex_scenario ex_late_free = {
    "late-free",
    "a heap ends right after its last block came back from another CPU",
    { begin_late,
      { EX_THREAD("freer", free_late, 1), EX_THREAD("ender", end_heap, 0) },
      ex_heap_check },
};

/* ---- dump ---- */

static void drop(void *context, const char *text, size_t length)
{
    (void)context;
    (void)text;
    (void)length;
}

static void dump(void)
{
    talus_heap_dump(talus_heap_default(), drop, NULL);
}

static void take_and_free_pages(void)
{
    ex_alloc(8, EX_SIZE);
    ex_free(0);
    ex_alloc_pages(9, 2);
    ex_free(8);
    ex_free(9);
}

const struct ex_scenario ex_dump = {
    "dump",
    "the dump in the midst of mallocs, frees and pages that go back",
    { begin,
      { EX_THREAD("thread", take_and_free_pages, 0), EX_INTERRUPT("panic", dump, 1) },
      ex_heap_check },
};

/* ---- objects ---- */

static talus_object_cache *objects;

static void begin_objects(void)
{
    begin();
    objects = talus_object_cache_create(talus_heap_default(),
                                        &(talus_object_type){ .size = EX_SIZE, .magazines = 1 });
    if (objects == NULL)
        ex_fail("no cache of objects");
    talus_object_cache_free(objects, talus_object_cache_alloc(objects));
}

static void use_object(unsigned slot)
{
    void *object = talus_object_cache_alloc(objects);
    if (object == NULL)
        ex_fail("objects: no memory");
    ex_own(object, EX_SIZE, slot);
    talus_object_cache_free(objects, ex_give(slot));
}

static void use_a(void)
{
    use_object(8);
    use_object(9);
}

static void use_b(void)
{
    use_object(10);
    use_object(11);
}

static void check_objects(void)
{
    (void)talus_object_cache_shrink(objects);
    if (!talus_object_cache_destroy(objects))
        ex_fail("lost block: an object is missing from its cache");
    ex_heap_check();
}

const struct ex_scenario ex_objects = {
    "objects",
    "objects out of one magazine and back, on two CPUs",
    { begin_objects,
      { EX_THREAD("first", use_a, 0), EX_THREAD("second", use_b, 1) },
      check_objects },
};
