/* thread.c: a thread's caches, and its end. Theory: thread.h. */
#include "core/thread.h"
#include "arch/port.h"
#include "core/adopt.h"
#include "core/heap.h"
#include "core/large.h"
#include "core/meta.h"
#include <string.h>

#define ENTRIES_FIRST 8u

#define NO_HEAP ((struct tl_heap *)(uintptr_t)1) /* equal to no heap, not even to NULL */

struct tl_cache tl_stand_ins[TL_STAND_INS] = { { .heap = NO_HEAP }, { .heap = NO_HEAP } };

_Thread_local struct tl_cache *tl_self = &tl_no_cache;

static bool fork_handlers_set; /* tl_heaps_lock */

void tl_thread_fork_handlers(void)
{
    tl_lock_acquire(&tl_heaps_lock);
    bool set = fork_handlers_set;
    fork_handlers_set = true;
    tl_lock_release(&tl_heaps_lock);
    if (!set)
        tl_port_fork_handlers();
}

/* The default heap's cache of a thread that is not ending. */
static struct tl_cache *default_cache(void)
{
    if (TL_LIKELY(tl_self != &tl_no_cache))
        return tl_self;
    if (!tl_init())
        return NULL;
    struct tl_cache *cache = tl_cache_acquire(&tl_default_heap);
    if (cache == NULL)
        return NULL;
    tl_self = cache; /* before the port, which may call us back */
    tl_port_at_thread_exit();
    tl_thread_fork_handlers();
    return cache;
}

static struct tl_heap_entry *entry_for(struct tl_cache *self, uintptr_t heap_id)
{
    size_t index = heap_id & self->others_mask;
    while (self->others[index].heap_id != 0 && self->others[index].heap_id != heap_id)
        index = (index + 1) & self->others_mask;
    return &self->others[index];
}

struct tl_cache *tl_thread_cache_of(struct tl_heap *heap)
{
    struct tl_cache *self = tl_self;
    if (self->heap == heap)
        return self;
    if (self->others == NULL)
        return NULL;
    struct tl_heap_entry *entry = entry_for(self, tl_load_relaxed(&heap->id));
    return entry->heap_id != 0 ? entry->cache : NULL;
}

static bool is_alive(const struct tl_heap_entry *entry)
{
    return entry->heap_id != 0 && tl_load_relaxed(&entry->heap->id) == entry->heap_id;
}

/* Makes room for one more entry. A table comes with a second one of its size: entries of heaps that
 * ended are dropped by copying the others over, so that any number of heaps may come and go. */
static bool make_room(struct tl_cache *self)
{
    size_t size = self->others == NULL ? 0 : self->others_mask + 1;
    if (self->others_used + 1 <= size / 2)
        return true;
    size_t alive = 0;
    for (size_t i = 0; i < size; i++)
        alive += is_alive(&self->others[i]);
    struct tl_heap_entry *old = self->others;
    if (alive + 1 <= size / 4) {
        self->others = self->others_spare;
        self->others_spare = old;
        memset(self->others, 0, size * sizeof *old);
    } else {
        size_t                new_size = size == 0 ? ENTRIES_FIRST : 2 * size;
        struct tl_heap_entry *fresh =
            (struct tl_heap_entry *)tl_meta_new(2 * new_size * sizeof *fresh);
        if (fresh == NULL)
            return false;
        self->others = fresh; /* the smaller tables stay behind: in all no more than the new ones */
        self->others_spare = fresh + new_size;
        self->others_mask = new_size - 1;
    }
    self->others_used = alive;
    for (size_t i = 0; i < size; i++)
        if (is_alive(&old[i]))
            *entry_for(self, old[i].heap_id) = old[i];
    return true;
}

struct tl_cache *tl_thread_enter(struct tl_heap *heap)
{
    if (TL_UNLIKELY(tl_self == &tl_gone_cache))
        return tl_cache_acquire(heap);
    struct tl_cache *self = default_cache();
    if (self == NULL || heap == &tl_default_heap)
        return self;
    struct tl_cache *cache = tl_thread_cache_of(heap);
    if (cache != NULL)
        return cache;
    if (!make_room(self) || (cache = tl_cache_acquire(heap)) == NULL)
        return NULL;
    uintptr_t heap_id = tl_load_relaxed(&heap->id);
    *entry_for(self, heap_id) =
        (struct tl_heap_entry){ .heap_id = heap_id, .heap = heap, .cache = cache };
    self->others_used++;
    return cache;
}

struct tl_cache *tl_thread_cache_for_free(struct tl_heap *heap)
{
    struct tl_cache *cache = tl_thread_cache_of(heap);
    return cache != NULL || tl_self == &tl_gone_cache ? cache : tl_thread_enter(heap);
}

void tl_thread_let_go(struct tl_cache *cache)
{
    if (TL_UNLIKELY(tl_self == &tl_gone_cache))
        tl_cache_leave(cache);
}

void tl_thread_exit(void)
{
    struct tl_cache *self = tl_self;
    if (self == &tl_no_cache || self == &tl_gone_cache)
        return;
    tl_self = TL_MUTANT_exit_keeps_cache ? self : &tl_gone_cache;
    if (self->others != NULL) {
        tl_lock_acquire(&tl_heaps_lock); /* so that none of the heaps ends meanwhile */
        for (size_t i = 0; i <= self->others_mask; i++)
            if (is_alive(&self->others[i]))
                tl_cache_leave(self->others[i].cache);
        memset(self->others, 0, (self->others_mask + 1) * sizeof *self->others);
        self->others_used = 0;
        tl_lock_release(&tl_heaps_lock);
    }
    /* not above: it may call a provider, which no lock allows */
    if (self->empty_bytes > TL_IDLE_EMPTY_MAX)
        tl_span_release_empty(self);
    tl_large_release_kept(self);
    tl_cache_leave(self);
}
