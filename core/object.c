/* object.c: caches of constructed objects. The promise: talus/object.h.
 *
 * 1 Purpose     Free objects must keep their contents, so the heap's own lists, whose links lie in
 *               the blocks, cannot hold them. A few arrays of pointers, the magazines, do.
 * 2 States      An object is with the program, in one magazine, or on the way: taken out of one, or
 *               not put into one yet, by one thread.
 * 3 Invariants  object[0] to object[count - 1] of a magazine are free objects, each in no other
 *               place. constructed - destructed == with the program + kept + on the way.
 * 4 Locks       None. A magazine is entered by a claim (sync/claim.h), and who finds it claimed
 *               goes on to the next: no thread waits for one that lost its CPU inside, so nobody
 *               need be pinned, and there is no depot with a lock behind the magazines.
 * 5 Ordering    What a thread did to an object before it freed it is released by the drop of the
 *               claim, and acquired by the claim of who takes it.
 * 6 Contexts    thread; in a kernel atomic. Callbacks run with no claim.
 * 7 Fork        A magazine that another thread was in is lost in the child, with its objects. */
#include "arch/port.h"
#include "core/heap.h"
#include "core/large.h"
#include "core/pagemap.h"
#include "core/report.h"
#include "core/reserve.h"

#include <talus/object.h>

/* in two lines of the usual length */
#define MAGAZINE_OBJECTS  ((uint32_t)((128 - 8) / sizeof(void *)))
#define MAGAZINES_DEFAULT 4u
#define MAGAZINES_MAX     ((size_t)65536) /* so that no size below can wrap */

struct magazine {
    struct tl_claim claim;
    tl_atomic_u32   count; /* atomic: written by who claimed it, a hint for others */
    void           *object[MAGAZINE_OBJECTS]; /* who claimed it */
};

TL_STATIC_ASSERT(sizeof(struct magazine) <= 128, "a magazine is two lines");

struct talus_object_cache {
    talus_object_type type; /* constant, as all but the counters */
    talus_heap       *heap;
    size_t            magazines;
    struct tl_fit     fit;         /* the blocks that objects lie in */
    struct tl_counter constructed; /* shared */
    struct tl_counter destructed;  /* shared */
    TL_CACHE_LINE
    struct magazine magazine[];
};

/* ---- magazines ---- */

/* The first magazine, from the caller's own on, whose count is not `but`, claimed; or NULL. */
static struct magazine *enter(talus_object_cache *cache, uint32_t but)
{
    size_t           left = cache->magazines;
    struct magazine *end = &cache->magazine[left];
    struct magazine *magazine = &cache->magazine[tl_port_place() % left];
    do {
        if (tl_load32_relaxed(&magazine->count) != but &&
            (tl_claim_try(&magazine->claim) || TL_MUTANT_object_unclaimed)) {
            if (tl_load32_relaxed(&magazine->count) != but)
                return magazine;
            tl_claim_drop(&magazine->claim);
        }
        if (++magazine == end)
            magazine = &cache->magazine[0];
    } while (--left > 0);
    return NULL;
}

static void leave(struct magazine *magazine, uint32_t count)
{
    TL_PREEMPT_POINT(object_leave);
    tl_store32_relaxed(&magazine->count, count);
    tl_claim_drop(&magazine->claim);
}

/* A free object, or NULL. */
static void *take(talus_object_cache *cache)
{
    struct magazine *magazine = enter(cache, 0);
    if (magazine == NULL)
        return NULL;
    uint32_t count = tl_load32_relaxed(&magazine->count) - 1;
    void    *object = magazine->object[count];
    leave(magazine, count);
    return object;
}

/* What became of an object that was to be put. */
enum put { PUT, PUT_NOT_FULL, PUT_TWICE };

static TL_NOINLINE enum put put(talus_object_cache *cache, void *object)
{
    struct magazine *magazine = enter(cache, MAGAZINE_OBJECTS);
    if (magazine == NULL)
        return PUT_NOT_FULL;
    uint32_t count = tl_load32_relaxed(&magazine->count), at = 0;
    while (at < count && magazine->object[at] != object)
        at++;
    magazine->object[at] = object;
    leave(magazine, count + (at == count));
    return at == count ? PUT : PUT_TWICE;
}

/* ---- objects ---- */

static TL_COLD void retire(talus_object_cache *cache, void *object)
{
    if (cache->type.destruct != NULL)
        cache->type.destruct(cache->type.context, object);
    tl_counter_add_shared(&cache->destructed, 1);
    talus_heap_free(cache->heap, object);
}

void *talus_object_cache_alloc(talus_object_cache *cache)
{
    const talus_object_type *type = &cache->type;
    void                    *object = take(cache);
    if (TL_LIKELY(object != NULL))
        return object;
    object = talus_heap_alloc(cache->heap, type->size, type->align, type->name);
    if (object == NULL)
        return NULL;
    if (type->construct != NULL && !type->construct(type->context, object)) {
        talus_heap_free(cache->heap, object);
        return NULL;
    }
    tl_counter_add_shared(&cache->constructed, 1);
    return object;
}

void talus_object_cache_free(talus_object_cache *cache, void *object)
{
    talus_misuse misuse;
    if (object == NULL)
        return;
    if (tl_span_fitting(object, &cache->fit, &misuse) != NULL) {
        enum put what = put(cache, object);
        if (TL_LIKELY(what == PUT))
            return;
        if (what == PUT_NOT_FULL) {
            retire(cache, object);
            return;
        }
    }
    tl_misuse_report(misuse, object, "free of what cannot be a taken object of this cache");
}

TL_COLD size_t talus_object_cache_shrink(talus_object_cache *cache)
{
    size_t gone = 0;
    void  *object;
    while (gone < cache->magazines * MAGAZINE_OBJECTS && (object = take(cache)) != NULL) {
        retire(cache, object);
        gone++;
    }
    return gone;
}

TL_COLD void talus_object_cache_stats(const talus_object_cache *cache, talus_object_stats_t *stats)
{
    *stats = (talus_object_stats_t){ .constructed = tl_counter_read(&cache->constructed),
                                     .destructed = tl_counter_read(&cache->destructed),
                                     .keep = cache->magazines * MAGAZINE_OBJECTS };
    for (size_t at = 0; at < cache->magazines; at++)
        stats->kept += tl_load32_relaxed(&cache->magazine[at].count); /* relaxed: a number */
}

/* ---- life ---- */

/* A block may be longer than its class says: above TL_BORROW_ABOVE one of the next classes may
 * serve, in small memory any, and a large one that a cache kept. */
static void set_fit(talus_object_cache *cache)
{
    size_t         size = cache->type.size, align = cache->type.align;
    struct tl_fit *fit = &cache->fit;
    fit->heap = tl_heap_of(cache->heap);
    fit->align = align;
    fit->bytes = align > TL_PAGE_SIZE ? tl_large_pages(size) << TL_PAGE_SHIFT
                                      : talus_good_size(tl_size_aligned(size, align));
    if (align > TL_PAGE_SIZE || fit->bytes > TL_BORROW_ABOVE)
        fit->bytes_more = TL_USUAL_OR_SMALL(fit->bytes / 2, TL_CLASS_MAX);
}

TL_COLD talus_object_cache *talus_object_cache_create(talus_heap              *heap,
                                                      const talus_object_type *type)
{
    if (!tl_heap_is_live(tl_heap_of(heap)))
        return NULL;
    if (type == NULL || type->size > TL_REQUEST_MAX || type->align > TALUS_ALIGN_MAX ||
        (type->align & (type->align - 1)) != 0 || type->magazines > MAGAZINES_MAX)
        return tl_port_fail(TL_ERROR_INVALID);
    size_t magazines = type->magazines != 0 ? type->magazines : MAGAZINES_DEFAULT;
    struct talus_object_cache *cache = (struct talus_object_cache *)talus_heap_zalloc(
        heap, sizeof *cache + magazines * sizeof cache->magazine[0], TL_LINE_SIZE, type->name);
    if (cache == NULL)
        return NULL;
    cache->type = *type;
    cache->type.size += type->size == 0;
    cache->type.align += type->align == 0;
    cache->heap = heap;
    cache->magazines = magazines;
    set_fit(cache);
    return cache;
}

TL_COLD bool talus_object_cache_destroy(talus_object_cache *cache)
{
    (void)talus_object_cache_shrink(cache);
    if (tl_counter_read(&cache->constructed) != tl_counter_read(&cache->destructed)) {
        tl_port_fail(TL_ERROR_INVALID);
        return false;
    }
    talus_heap_free(cache->heap, cache);
    return true;
}
