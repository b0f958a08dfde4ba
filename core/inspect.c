/* inspect.c: the dump for a panic handler. The promise: talus/inspect.h.
 *
 * 1 Purpose     Says what the heaps look like, from any context, whatever state they are in.
 * 2 Trust       Structures are type-stable: what was a heap, a cache, a reserve, a region or a
 *               descriptor once stays readable for good (D1). So a pointer is followed when it
 *               leads into an area that such structures come from (tl_meta_holds), whole and
 *               aligned, and not else. Pages are looked up in the page map, which answers for any
 *               number; blocks are never read. A name is read if the pointer beside it is what it
 *               must be.
 * 3 Bounds      LIST_MAX entries of a list, ENTRIES_MAX of all, since lists hang off lists;
 *               STEPS_MAX runs of all regions.
 * 4 Ordering    None: every read of a field that others write is relaxed, or tl_peek; who writes
 *               one does so by tl_poke (arch/atomic.h).
 * 5 Locks       None.
 * 6 Contexts    any. */
#include "arch/port.h"
#include "core/heap.h"
#include "core/meta.h"
#include "core/pagemap.h"
#include "core/report.h"
#include "core/reserve.h"
#include "core/thread.h"

#include <stdarg.h>
#include <talus/inspect.h>

#define LIST_MAX    256u
#define ENTRIES_MAX 1024u
#define STEPS_MAX   ((size_t)1 << 20)

/* Runs of one heap are counted by size class, then by kind. */
#define TALLIES (TL_CLASS_COUNT + TL_SPAN_LARGE + 1)

struct dump {
    talus_dump_write      write;
    void                 *context;
    size_t                steps;   /* left for runs */
    unsigned              entries; /* left for lists */
    const struct tl_heap *heap;    /* the one at hand, as all below */
    unsigned              cpu;     /* whose cache comes next */
    struct {
        uint32_t runs;
        uint32_t sum; /* of a class: blocks given out; of a kind: pages */
    } tally[TALLIES];
};

static TL_COLD void line(const struct dump *dump, const char *format, ...)
{
    static char    of_all[160];
    char           own[160], *buffer = TL_MUTANT_dump_one_buffer ? of_all : own;
    struct tl_text text = { .buffer = buffer, .size = sizeof own - 1 };
    va_list        arguments;
    va_start(arguments, format);
    tl_text_add_list(&text, format, arguments);
    va_end(arguments);
    buffer[text.length++] = '\n'; /* room for it was kept by size - 1 */
    dump->write(dump->context, buffer, text.length);
}

/* Whether the entry at `entry` may be read, if `more` may be at all; says so if not. */
static TL_COLD bool may_read(const struct dump *dump, const void *entry, size_t bytes, bool more)
{
    bool may = more && (entry == &tl_default_heap || tl_meta_holds(entry, bytes));
    if (!may)
        line(dump, "  not read: %p", (uintptr_t)entry);
    return may;
}

typedef void visitor(struct dump *dump, const void *entry);

/* Visits a list, whose entries of `bytes` have the link to the next at `next_at`. */
static TL_COLD void each(struct dump *dump, const void *entry, size_t bytes, size_t next_at,
                         visitor *visit)
{
    for (unsigned left = LIST_MAX; entry != NULL; left--) {
        if (!may_read(dump, entry, bytes, left > 0 && dump->entries > 0))
            return;
        dump->entries--; /* before those that hang off it take the rest */
        visit(dump, entry);
        entry = tl_peek((const void *const *)((const char *)entry + next_at));
    }
}

static uintptr_t name_of(const char *const *name, const void *vouching, const void *heap)
{
    return (uintptr_t)(vouching == heap ? tl_peek(name) : "?");
}

static TL_COLD void dump_cache(struct dump *dump, const void *entry)
{
    const struct tl_cache *cache = (const struct tl_cache *)entry;
    line(dump, "  cache %z, %p: state %z, %z bytes given out, %z large, inbox %p",
         (uintptr_t)dump->cpu++, (uintptr_t)cache, (uintptr_t)tl_claim_state(&cache->claim),
         tl_counter_read(&cache->given_out), tl_counter_read(&cache->large_bytes),
         tl_load_relaxed(&cache->inbox.head));
}

static TL_COLD void dump_reserve(struct dump *dump, const void *entry)
{
    const struct tl_reserve *reserve = (const struct tl_reserve *)entry;
    line(dump, "  reserve %p '%s': %z blocks, %z given, %z taken, %z misses", (uintptr_t)reserve,
         name_of(&reserve->policy.name, (const void *)tl_load_relaxed(&reserve->heap), dump->heap),
         tl_peek(&reserve->slots.count), tl_counter_read(&reserve->given),
         tl_counter_read(&reserve->taken), tl_counter_read(&reserve->misses));
}

/* Counts the run that `address` is the first page of. Returns the pages to go on by. */
static TL_COLD size_t count_run(struct dump *dump, uintptr_t address)
{
    const struct tl_span *span = tl_span_at(address);
    if (!tl_meta_holds(span, sizeof *span) || tl_peek(&span->start) != address)
        return 1;
    size_t   pages = tl_peek(&span->pages);
    uint32_t kind = tl_span_kind(span), at = TL_CLASS_COUNT + kind, sum = (uint32_t)pages;
    if (kind == TL_SPAN_CUT) {
        at = tl_peek(&span->class_id);
        sum = tl_peek(&span->own.outstanding);
    }
    if (at < TALLIES) {
        dump->tally[at].runs++;
        dump->tally[at].sum += sum;
    }
    return pages;
}

static TL_COLD void dump_region(struct dump *dump, const void *entry)
{
    const struct tl_region *region = (const struct tl_region *)entry;
    uintptr_t               start = tl_peek(&region->start);
    size_t                  pages = tl_peek(&region->pages);
    line(dump, "  region %p: %z pages", start, pages);
    for (size_t page = 0; page < pages && dump->steps > 0; dump->steps--) {
        size_t run = count_run(dump, start + (page << TL_PAGE_SHIFT));
        page += run - 1 < pages - page ? run : 1; /* nonsense leads to the next page */
    }
}

static TL_COLD void dump_caches(struct dump *dump, const struct tl_heap *heap)
{
    dump->cpu = 0;
#if TL_KERNEL
    while (dump->cpu < TALUS_CPUS_MAX) {
        const struct tl_cache *cache = tl_peek(&heap->cpu[dump->cpu]);
        if (cache != &tl_no_cache && may_read(dump, cache, sizeof *cache, true))
            dump_cache(dump, cache);
        else
            dump->cpu++;
    }
#else
    each(dump, tl_peek(&heap->caches), sizeof(struct tl_cache), offsetof(struct tl_cache, next),
         dump_cache);
#endif
}

static TL_COLD void dump_tally(const struct dump *dump, unsigned at)
{
    static const char kinds[][8] = { "no", "unused", "free", "aside", "busy", "cut", "large" };
    TL_STATIC_ASSERT(sizeof kinds / sizeof kinds[0] == TL_SPAN_LARGE + 1, "each kind has a name");
    uintptr_t runs = dump->tally[at].runs, sum = dump->tally[at].sum;
    if (runs == 0)
        return;
    bool of_class = at < TL_CLASS_COUNT;
    line(dump, of_class ? "  blocks of %z: %z spans, %z out" : "  %s: %z runs, %z pages",
         of_class ? tl_class_size(at) : (uintptr_t)kinds[at - TL_CLASS_COUNT], runs, sum);
}

static TL_COLD void dump_heap(struct dump *dump, const void *entry)
{
    const struct tl_heap *heap = (const struct tl_heap *)entry;
    const struct tl_pool *pool = &heap->pool;
    dump->heap = heap;
    line(dump, "heap %p '%s': bytes: %z mapped, %z most, limit %z, growing by %z", (uintptr_t)heap,
         name_of(&pool->name, tl_peek(&pool->heap), heap), tl_peek(&pool->mapped),
         tl_peek(&pool->mapped_peak), tl_peek(&pool->limit), tl_peek(&pool->growing));
    line(dump, "  pages: %z free, %z dirty; locked: heap %z, pool %z", tl_peek(&pool->free_pages),
         tl_peek(&pool->dirty_pages), (uintptr_t)tl_lock_looks_held(&heap->lock),
         (uintptr_t)tl_lock_looks_held(&pool->lock));
    dump_caches(dump, heap);
    each(dump, tl_peek(&heap->reserves), sizeof(struct tl_reserve),
         offsetof(struct tl_reserve, next), dump_reserve);
    memset(dump->tally, 0, sizeof dump->tally);
    each(dump, tl_peek(&pool->regions), sizeof(struct tl_region), offsetof(struct tl_region, next),
         dump_region);
    for (unsigned at = 0; at < TALLIES; at++)
        dump_tally(dump, at);
    if (dump->steps == 0)
        line(dump, "  not all runs");
}

static TL_COLD void write_error(void *context, const char *text, size_t length)
{
    (void)context;
    tl_port_write_error(text, length);
}

TL_COLD void talus_heap_dump(talus_heap *handle, talus_dump_write write, void *context)
{
    struct dump dump;
    dump.write = write != NULL ? write : write_error;
    dump.context = context;
    dump.steps = STEPS_MAX;
    dump.entries = ENTRIES_MAX;
    if (handle != NULL) {
        if (may_read(&dump, handle, sizeof(struct tl_heap), true))
            dump_heap(&dump, handle);
        return;
    }
    dump_heap(&dump, &tl_default_heap);
    each(&dump, tl_heaps_first(), sizeof(struct tl_heap), offsetof(struct tl_heap, next),
         dump_heap);
}
