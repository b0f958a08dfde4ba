#include "lib/object_load.h"

#include <stdatomic.h>
#include <stddef.h>

#include "lib/pattern.h"
#include "lib/rng.h"

enum { HELD = 12, BODY = 48 };

/* The first word is where the heap's lists have their links. */
struct object {
    uint64_t          key; /* what the body follows from */
    unsigned char     body[BODY];
    _Atomic uintptr_t holder; /* relaxed throughout: it must add no order of its own */
};

static void check(const struct object *object)
{
    if (!pattern_holds(object->body, BODY, object->key))
        object_load_failed("a free object was written");
}

static void demand_holder(struct object *object, uintptr_t before, uintptr_t after)
{
    if (atomic_exchange_explicit(&object->holder, after, memory_order_relaxed) != before)
        object_load_failed("an object has two holders");
}

static bool construct(void *context, void *memory)
{
    struct object *object = memory;
    (void)context;
    object->key = (uintptr_t)memory;
    pattern_fill(object->body, BODY, object->key);
    atomic_store_explicit(&object->holder, 0, memory_order_relaxed);
    return true;
}

static void destruct(void *context, void *memory)
{
    struct object *object = memory;
    (void)context;
    check(object);
    demand_holder(object, 0, UINTPTR_MAX); /* for good */
}

const talus_object_type object_load_type = { .name = "load",
                                             .size = sizeof(struct object),
                                             .construct = construct,
                                             .destruct = destruct,
                                             .magazines = 3 };

static void use(struct object *object, uint64_t key, uintptr_t me)
{
    check(object);
    demand_holder(object, 0, me);
    object->key = key;
    pattern_fill(object->body, BODY, key);
}

void object_load(talus_object_cache *cache, uint64_t seed, unsigned rounds)
{
    struct object *held[HELD] = { NULL };
    struct rng     rng = { seed };
    for (unsigned round = 0; round < rounds + HELD; round++) {
        struct object **one = &held[round < rounds ? rng_next(&rng) % HELD : round - rounds];
        if (*one != NULL) {
            check(*one);
            demand_holder(*one, (uintptr_t)seed, 0);
            talus_object_cache_free(cache, *one);
            *one = NULL;
        } else if (round < rounds && (*one = talus_object_cache_alloc(cache)) != NULL) {
            use(*one, rng_next(&rng), (uintptr_t)seed);
        }
        if (rng_next(&rng) % 256 == 0)
            (void)talus_object_cache_shrink(cache);
    }
}
