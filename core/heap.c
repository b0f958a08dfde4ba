/* heap.c: heap instances and their public functions. See heap.h here and in include/talus. */
#include "core/heap.h"
#include "arch/port.h"
#include "core/adopt.h"
#include "core/fast.h"
#include "core/large.h"
#include "core/meta.h"
#include "core/purger.h"
#include "core/realloc.h"
#include "core/report.h"
#include "core/reserve.h"
#include "core/runs.h"
#include "core/stats.h"

struct tl_lock tl_heaps_lock = TL_LOCK_INIT;
struct tl_heap tl_default_heap;

static struct tl_heap *heaps; /* all but the default one; tl_heaps_lock, as all below */
static struct tl_heap *spare;
static uintptr_t       last_id;
#if !TL_KERNEL
static struct tl_heap *visited; /* the purge thread is at work on it */
static struct tl_event visit_ended;
#endif

void tl_heap_init(struct tl_heap *heap, const talus_heap_options *options)
{
    /* but the id: who holds the handle of a heap that ended may ask for it at any time */
    tl_meta_wipe(&heap->wants, sizeof *heap - offsetof(struct tl_heap, wants));
    heap->idle_end = &heap->idle;
    heap->real_time = TL_KERNEL && options->real_time;
    heap->on_exhausted = options->on_exhausted;
    heap->on_exhausted_context = options->on_exhausted_context;
    heap->panic = options->panic;
    tl_pool_init(&heap->pool, heap, options);
#if TL_KERNEL
    for (unsigned cpu = 0; cpu < TALUS_CPUS_MAX; cpu++)
        tl_poke(&heap->cpu[cpu], &tl_no_cache);
#endif
    tl_lock_acquire(&tl_heaps_lock);
    tl_store_relaxed(&heap->id, TL_MUTANT_heap_id_reused ? (uintptr_t)heap : ++last_id);
    if (heap != &tl_default_heap) {
        tl_poke(&heap->next, heaps);
        heap->link = &heaps;
        if (heaps != NULL)
            heaps->link = &heap->next;
        tl_poke(&heaps, heap);
    }
    tl_lock_release(&tl_heaps_lock);
}

static struct tl_heap *heap_structure(void)
{
    tl_lock_acquire(&tl_heaps_lock);
    struct tl_heap *heap = spare;
    if (heap != NULL)
        spare = heap->next;
    tl_lock_release(&tl_heaps_lock);
    return heap != NULL ? heap : (struct tl_heap *)tl_meta_new(sizeof(struct tl_heap));
}

/* Takes the heap off the list of heaps: its id is 0 from now on. Waits for the purge thread, if it
 * is at work on it. */
static void unlist_heap(struct tl_heap *heap)
{
    tl_lock_acquire(&tl_heaps_lock);
    tl_store_relaxed(&heap->id, 0);
#if !TL_KERNEL
    while (visited == heap && !TL_MUTANT_heap_end_unwaited) {
        uint32_t ticket = tl_event_prepare(&visit_ended);
        tl_lock_release(&tl_heaps_lock);
        tl_event_wait(&visit_ended, ticket);
        tl_lock_acquire(&tl_heaps_lock);
    }
#endif
    tl_poke(heap->link, heap->next);
    if (heap->next != NULL)
        heap->next->link = heap->link;
    tl_lock_release(&tl_heaps_lock);
}

static void end(struct tl_heap *heap)
{
    unlist_heap(heap);
    tl_reserve_heap_ends(heap);
    tl_pool_destroy(&heap->pool);
    tl_caches_recycle(heap);
    tl_lock_acquire(&tl_heaps_lock);
    tl_poke(&heap->next, spare);
    spare = heap;
    tl_lock_release(&tl_heaps_lock);
}

#if !TL_KERNEL
void tl_heaps_visit(void (*visit)(struct tl_heap *heap, void *context), void *context)
{
    visit(&tl_default_heap, context); /* it never ends */
    tl_lock_acquire(&tl_heaps_lock);
    struct tl_heap *heap = heaps;
    while (heap != NULL) {
        if (tl_load_relaxed(&heap->id) != 0) {
            visited = heap;
            tl_lock_release(&tl_heaps_lock);
            visit(heap, context);
            tl_lock_acquire(&tl_heaps_lock);
            visited = NULL;
            tl_event_signal_all(&visit_ended);
        }
        heap = heap->next; /* it is on the list still: who ends it has waited */
    }
    tl_lock_release(&tl_heaps_lock);
}
#endif

/* No call of a real-time heap fetches descriptors: they are there. */
static void provide(struct tl_heap *heap, size_t bytes)
{
#if TL_KERNEL
    if (heap->real_time)
        tl_spares_provide(&heap->pool, bytes >> TL_PAGE_SHIFT);
#else
    (void)heap;
    (void)bytes;
#endif
}

TL_SLOW talus_heap *talus_heap_create(const talus_heap_options *options)
{
    const talus_heap_options usual = { 0 };
    if (options == NULL)
        options = &usual;
    if (!TL_GROWS && (options->provider != NULL || options->initial != 0))
        return tl_port_fail(TL_ERROR_INVALID);
    const talus_provider *provider =
        options->provider != NULL ? options->provider : tl_provider_default();
    size_t unit = provider->purge_unit;
    if (provider->map == NULL || (options->limit != 0 && options->limit < TL_PAGE_SIZE) ||
        (unit & (unit - 1)) != 0 || unit > TL_PAGE_SIZE)
        return tl_port_fail(TL_ERROR_INVALID);
    struct tl_heap *heap = NULL;
    if (tl_init()) {
        /* if not, what is left may do */
        (void)tl_kernel_meta_ready(sizeof(struct tl_heap) + sizeof(struct tl_cache));
        heap = heap_structure();
    }
    if (heap == NULL)
        return tl_port_fail(TL_ERROR_MEMORY);
    tl_heap_init(heap, options);
    if (!tl_heap_begin(heap) || !tl_pool_grow_to(&heap->pool, options->initial)) {
        end(heap);
        return tl_port_fail(TL_ERROR_MEMORY);
    }
    provide(heap, options->initial);
    return tl_heap_handle(heap);
}

bool tl_heap_is_live(const struct tl_heap *heap)
{
    if (TL_LIKELY(tl_is_alive(heap, "use of a heap that was destroyed or never created")))
        return true;
    tl_port_fail(TL_ERROR_INVALID);
    return false;
}

TL_SLOW bool talus_heap_destroy(talus_heap *handle)
{
    struct tl_heap *heap = tl_heap_of(handle);
    if (!tl_heap_is_live(heap))
        return false;
    if (heap == &tl_default_heap) {
        tl_port_fail(TL_ERROR_INVALID);
        return false;
    }
    end(heap);
    return true;
}

TL_SLOW talus_heap *talus_heap_default(void)
{
    return tl_init() ? tl_heap_handle(&tl_default_heap) : NULL;
}

static bool is_large(size_t size, size_t align)
{
    return align > (TL_SMALL ? TL_CLASS_MAX : TL_PAGE_SIZE) || size > TL_CLASS_MAX;
}

static unsigned class_of(size_t size, size_t align)
{
    return tl_class_of_size(align > TL_GRAIN ? tl_size_aligned(size, align) : size);
}

/* All blocks that the calling thread's cache (NULL: none) and the idle ones hold go to their spans,
 * and empty spans to the pool: the first round sends foreign blocks to their owners' inboxes, the
 * second takes them in, where there are idle caches to send and to receive any. In a kernel a piece
 * of that, pinned; true: there is more. */
static bool flush(struct tl_heap *heap, struct tl_cache *cache)
{
    bool more = false;
    if (!TL_KERNEL)
        tl_reserve_drain(heap);
    for (unsigned round = 0; round < (TL_KERNEL ? 1 : 2); round++) {
        more = tl_adopt_flush_idle(heap);
        if (cache != NULL && tl_cache_flush(cache))
            more = true;
        if (tl_counter_read(&heap->idle_count) == 0)
            break;
    }
    return more;
}

void tl_heap_flush(struct tl_heap *heap)
{
    /* in a kernel the two rounds are here: what the first sends home, the second takes in */
    uint32_t rounds = TL_KERNEL ? 2 : 1;
    for (uint32_t pieces = TL_PIECES_MAX; rounds > 0 && pieces > 0; pieces--) {
        (void)tl_port_pin();
        struct tl_cache *cache = tl_thread_cache_of(heap);
        if (cache != NULL)
            tl_cache_piece_begin(cache);
        if (!flush(heap, cache))
            rounds--;
        tl_port_unpin();
    }
}

/* What is asked for; `align` as in tl_heap_alloc_slow, `size` not 0. */
struct request {
    struct tl_heap *heap;
    size_t          size;
    size_t          align;
    bool            zero;
};

/* One try with `cache`, the calling thread's. */
static TL_INLINE_HOSTED void *try_with(const struct request *request, struct tl_cache *cache)
{
    size_t size = request->size, align = request->align;
    if (is_large(size, align))
        return tl_large_alloc(request->heap, cache, size, align, request->zero);
    bool     or_larger = size > TL_BORROW_ABOVE && align <= TL_GRAIN;
    unsigned class_id = class_of(size, align);
    void    *block = tl_cache_alloc(cache, class_id, or_larger);
    if (request->zero && block != NULL)
        memset(block, 0, cache->zeroed ? sizeof(struct tl_block) : tl_class_size(class_id));
    return block;
}

void *tl_heap_try_alloc(struct tl_heap *heap, struct tl_cache *cache, size_t size, size_t align)
{
    struct request request = { heap, size, align, false };
    return size <= TL_REQUEST_MAX ? try_with(&request, cache) : NULL;
}

/* One try with whatever cache the calling thread may use, pinned meanwhile; `more` not NULL: first
 * what the caches hold goes back, and it says what flush does. */
static TL_INLINE_HOSTED void *try_alloc(const struct request *request, bool *more)
{
    struct tl_heap  *heap = request->heap;
    struct tl_cache *cache = tl_thread_enter(heap);
    if (TL_UNLIKELY(cache == NULL))
        return NULL;
    if (more == NULL || !heap->real_time)
        tl_cache_piece_begin(cache); /* else what the try before left of it is all */
    if (more != NULL)
        *more = flush(heap, cache);
    if (TL_KERNEL && is_large(request->size, request->align)) { /* it may take long to clear */
        tl_reserve_look(cache);
        tl_thread_let_go(cache);
        return tl_large_alloc(heap, NULL, request->size, request->align, request->zero);
    }
    void *block = try_with(request, cache);
    tl_thread_let_go(cache);
    return block;
}

#if TL_KERNEL
/* Tries with what other CPUs' caches were sent and did not take in yet: a CPU that is idle, or busy
 * elsewhere, keeps any amount of it. */
static void *try_arrivals(const struct request *request, bool any)
{
    size_t left = SIZE_MAX;
    bool   more = true;
    void  *block = NULL;
    while (more && block == NULL) {
        struct tl_cache *cache = tl_thread_enter(request->heap);
        if (cache == NULL)
            break;
        tl_cache_piece_begin(cache);
        more = tl_adopt_arrivals(cache, class_of(request->size, request->align), any, &left);
        if (more) /* a piece of it is taken in */
            block = try_with(request, cache);
        tl_thread_let_go(cache);
    }
    return block;
}

/* First where something fits: all that is taken over serves somebody. Then anywhere, one at a time:
 * what does not fit is sent home, and many who took it from each other would find nothing. */
static TL_COLD void *rob_others(const struct request *request)
{
    tl_atomic_u32 *robbing = &request->heap->robbing;
    uint32_t       nobody = 0;
    void          *block = try_arrivals(request, false);
    /* pairs with the release */
    if (block == NULL && tl_cas32_acquire(robbing, &nobody, 1)) {
        block = try_arrivals(request, true);
        tl_store32_release(robbing, 0);
    }
    return block;
}
#endif

/* When memory is short: apart, so that the usual try is short. */
static TL_SLOW TL_INLINE_HOSTED void *try_hard(const struct request *request, bool flushing)
{
    bool     more = false;
    uint32_t pieces = TL_KERNEL && !request->heap->real_time ? TL_PIECES_MAX : 1;
    void    *block;
    do
        block = try_alloc(request, flushing ? &more : NULL);
    while (block == NULL && more && --pieces > 0);
#if TL_KERNEL
    if (block == NULL && flushing && !request->heap->real_time &&
        !is_large(request->size, request->align))
        block = rob_others(request);
#endif
    return block;
}

/* What is due is done by who comes by, where a free is pinned, or in the midst of a cache that an
 * owner who is told of a removal may use. */
static void decay(struct tl_heap *heap)
{
    bool may = TL_KERNEL ? tl_port_may_block() /* the provider may */
                         : TL_UNLIKELY(tl_pool_is_due(&heap->pool, TL_DUE_REMOVAL));
    if (may) {
        tl_pool_answer_low(&heap->pool);
        tl_pool_decay(&heap->pool, false);
    }
}

#if TL_KERNEL
/* Pages that one try for such a block may take from the pool. */
static size_t pages_wanted(const struct request *request)
{
    size_t size = request->size, align = request->align;
    if (is_large(size, align))
        return tl_large_pages(size) + (align > TL_PAGE_SIZE ? (align >> TL_PAGE_SHIFT) - 1 : 0);
    return tl_classes[class_of(size, align)].span_pages;
}

/* Tries with more and more pages from the provider. */
static void *alloc_by_growth(const struct request *request)
{
    struct tl_heap *heap = request->heap;
    tl_reserve_drain(heap); /* what interrupts freed is there already */
    decay(heap);
    /* what failed may have been for want of memory for the heap's structures */
    unsigned cuts = request->align > TL_PAGE_SIZE ? 2 : 1;
    bool     ready = tl_kernel_meta_ready(tl_kernel_meta_for(&heap->pool, cuts));
    void    *block;
    while ((block = try_hard(request, false)) == NULL && tl_port_may_block() &&
           tl_pool_grow(&heap->pool, pages_wanted(request), ready))
        /* others may have taken what came */
        ready = tl_kernel_meta_ready(tl_kernel_meta_for(&heap->pool, cuts));
    return block;
}
#endif

static TL_SLOW TL_NOINLINE void *alloc_again(const struct request *request)
{
    struct tl_heap *heap = request->heap;
    size_t          size = request->size;
#if TL_KERNEL
    void *grown = heap->real_time ? NULL : alloc_by_growth(request);
    if (grown != NULL)
        return grown;
#endif
    void *block = try_hard(request, true);
    if (block == NULL && heap->on_exhausted != NULL &&
        heap->on_exhausted(heap->on_exhausted_context, tl_heap_handle(heap), size))
        block = try_hard(request, true); /* what was freed may lie in a cache */
    if (block == NULL && heap->panic)
        tl_report_panic("heap '%s' has no memory for %z bytes", (uintptr_t)heap->pool.name, size);
    return block != NULL ? block : tl_port_fail(TL_ERROR_MEMORY);
}

TL_NOINLINE void *tl_heap_alloc_again(struct tl_heap *heap, size_t size, size_t align, bool zero)
{
    struct request request = { heap, size, align, zero };
    return alloc_again(&request);
}

static TL_NOINLINE void *alloc_in_range(struct tl_heap *heap, size_t size, size_t align, bool zero)
{
    struct request request = { heap, size, align, zero };
    /* who finds a block in the cache takes no lock */
    if (is_large(size, align) || tl_pool_is_due(&heap->pool, TL_DUE_ANY))
        decay(heap);
    void *block = try_alloc(&request, NULL);
    if (TL_LIKELY(block != NULL))
        return block;
    struct request again = request; /* in a process the request need be in memory only now */
    return alloc_again(TL_KERNEL ? &request : &again);
}

void *tl_heap_alloc_slow(struct tl_heap *heap, size_t size, size_t align, bool zero)
{
    if (TL_UNLIKELY(size > TL_REQUEST_MAX))
        return tl_port_fail(TL_ERROR_MEMORY);
    return alloc_in_range(heap, size + (size == 0), align, zero);
}

static void *heap_alloc(talus_heap *handle, size_t size, size_t align, bool zero)
{
    struct tl_heap *heap = tl_heap_of(handle);
    if (!tl_heap_is_live(heap))
        return NULL;
    if ((align & (align - 1)) != 0 || align > TALUS_ALIGN_MAX)
        return tl_port_fail(TL_ERROR_INVALID);
    return tl_heap_alloc_slow(heap, size, align, zero);
}

void *talus_heap_alloc(talus_heap *handle, size_t size, size_t align, const char *tag)
{
    (void)tag; /* kept by debug heaps only */
    return heap_alloc(handle, size, align, false);
}

void *talus_heap_zalloc(talus_heap *handle, size_t size, size_t align, const char *tag)
{
    (void)tag;
    return heap_alloc(handle, size, align, true);
}

void *talus_heap_realloc(talus_heap *handle, void *block, size_t size, const char *tag)
{
    struct tl_heap *heap = tl_heap_of(handle);
    (void)tag;
    if (!tl_heap_is_live(heap))
        return NULL;
    block =
        block == NULL ? tl_heap_alloc_slow(heap, size, 0, false) : tl_realloc(heap, block, size);
    if (!TL_KERNEL && block != NULL)
        decay(heap);
    return block;
}

void talus_heap_free(talus_heap *handle, void *block)
{
    struct tl_heap *heap = tl_heap_of(handle);
    if (block == NULL || !tl_heap_is_live(heap))
        return;
    struct tl_span   *span = tl_span_at((uintptr_t)block);
    enum tl_span_kind kind = tl_span_kind(span);
    if ((kind == TL_SPAN_CUT || kind == TL_SPAN_LARGE) && tl_span_heap(span) != heap)
        tl_misuse_report(TALUS_MISUSE_WRONG_HEAP, block, "free of a block of another heap");
    else
        tl_free_fast(block);
    if (!TL_KERNEL)
        decay(heap);
}

TL_SLOW void talus_heap_set_limit(talus_heap *handle, size_t limit)
{
    struct tl_heap *heap = tl_heap_of(handle);
    if (tl_heap_is_live(heap))
        tl_pool_set_limit(&heap->pool, limit);
}

TL_SLOW bool talus_heap_expand(talus_heap *handle, void *block, size_t bytes)
{
    struct tl_heap *heap = tl_heap_of(handle);
    if (!tl_heap_is_live(heap))
        return false;
    uintptr_t first = ((uintptr_t)block + TL_PAGE_SIZE - 1) & ~(uintptr_t)(TL_PAGE_SIZE - 1);
    uintptr_t end = tl_block_end(block, bytes);
    if (block == NULL || bytes > TL_REQUEST_MAX || first < (uintptr_t)block || first >= end) {
        tl_port_fail(TL_ERROR_INVALID);
        return false;
    }
    /* if not, what is left may do */
    (void)tl_kernel_meta_ready(tl_kernel_meta_for(&heap->pool, 2));
    if (tl_pool_add(&heap->pool, (void *)first, end - first, false)) {
        provide(heap, end - first);
        return true;
    }
    tl_port_fail(TL_ERROR_MEMORY);
    return false;
}

TL_SLOW void talus_heap_stats(talus_heap *handle, talus_heap_stats_t *stats)
{
    struct tl_heap *heap = tl_heap_of(handle);
    *stats = (talus_heap_stats_t){ 0 };
    if (tl_heap_is_live(heap))
        tl_stats_fill(heap, stats);
}

struct tl_heap *tl_heaps_first(void)
{
    return tl_peek(&heaps);
}

void tl_heaps_each_locked(void (*visit)(struct tl_heap *heap))
{
    visit(&tl_default_heap);
    for (struct tl_heap *heap = heaps; heap != NULL; heap = heap->next)
        visit(heap);
}

#if !TL_KERNEL
void tl_heaps_fork_child(void)
{
    if (!TL_MUTANT_fork_visit_kept)
        visited = NULL;
    visit_ended = (struct tl_event)TL_EVENT_INIT;
    tl_lock_init(&tl_heaps_lock);
}
#endif
