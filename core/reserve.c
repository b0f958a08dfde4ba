/* reserve.c: blocks for interrupt handlers, and frees from there. Theory: reserve.h. */
#include "core/reserve.h"
#include "arch/port.h"
#include "core/fast.h"
#include "core/large.h"
#include "core/meta.h"
#include "core/pagemap.h"
#include "core/remote.h"
#include "core/report.h"

static struct tl_reserve *ended; /* structures to use again; tl_meta_lock */

/* ---- free from an interrupt ---- */

static void want_now(struct tl_heap *heap)
{
    tl_wants_now(&heap->wants);
}

/* To the heap's own inbox. False: somebody frees it already. */
static bool push_large(struct tl_span *span)
{
    struct tl_heap  *heap = tl_span_heap(span);
    struct tl_block *block = (struct tl_block *)span->start;
    uint32_t         kind = TL_SPAN_LARGE;
    /* relaxed: only one of those who free it may go on, and the push publishes */
    if (!tl_cas32_relaxed(&span->kind, &kind, TL_SPAN_BUSY))
        return false;
    tl_put(&block->next, NULL);
    tl_inbox_push_mpsc(&heap->inbox, block);
    want_now(heap); /* after the push, so that whoever sees it finds the block */
    return true;
}

/* `block` passed tl_is_block. */
static bool push_home(struct tl_span *span, void *block)
{
    if (tl_span_kind(span) == TL_SPAN_LARGE)
        return push_large(span);
    tl_put(&((struct tl_block *)block)->next, NULL);
    tl_remote_push(span, (struct tl_block *)block);
    return true;
}

void talus_free_from_interrupt(void *block)
{
    struct tl_span *span = tl_span_at((uintptr_t)block);
    talus_misuse    misuse = TALUS_MISUSE_DOUBLE_FREE;
    if (block == NULL)
        return;
    if (!tl_is_block(span, (uintptr_t)block, &misuse) ||
        !(TL_MUTANT_interrupt_free_cached ? (tl_free_fast(block), true) : push_home(span, block)))
        tl_misuse_report(misuse, block, "free, from an interrupt, of what is no block");
}

void tl_reserve_drain_all(struct tl_heap *heap)
{
    struct tl_block *block = tl_inbox_drain(&heap->inbox);
    while (block != NULL) {
        struct tl_block *older = tl_get(&block->next_batch);
        (void)tl_port_pin(); /* statistics and destroy come here without */
        tl_large_free(tl_span_at((uintptr_t)block));
        tl_port_unpin();
        block = older;
    }
}

/* ---- slots and counts ---- */

static struct tl_reserve *reserve_of(const talus_reserve *handle)
{
    return (struct tl_reserve *)(uintptr_t)handle;
}

static talus_reserve *handle_of(struct tl_reserve *reserve)
{
    return (talus_reserve *)reserve;
}

static struct tl_heap *heap_of(const struct tl_reserve *reserve)
{
    return (struct tl_heap *)tl_load_relaxed(&reserve->heap);
}

static bool is_live(const struct tl_reserve *reserve)
{
    return tl_is_alive(reserve, "use of a reserve that was destroyed, or whose heap was");
}

/* Where the caller's search starts: neighbouring places lie far apart (2^32 by the golden ratio),
 * so that each has a stretch of the array. */
static size_t start_of(const struct tl_reserve *reserve)
{
    uint32_t spread = (uint32_t)tl_port_place() * UINT32_C(2654435769);
    return (size_t)(((uint64_t)spread * reserve->slots.count) >> 32);
}

static size_t count_left(uintptr_t given, uintptr_t taken)
{
    /* a taker who counts before the putter does makes it -1 for a moment */
    intptr_t left = (intptr_t)(given - taken);
    return left < 0 ? 0 : (size_t)left;
}

static size_t left_in(const struct tl_reserve *reserve)
{
    uintptr_t given = tl_counter_read(&reserve->given);
    return count_left(given, tl_counter_read(&reserve->taken));
}

static bool give(struct tl_reserve *reserve, void *block)
{
    if (!tl_slots_put(&reserve->slots, start_of(reserve), block))
        return false;
    tl_counter_add_shared(&reserve->given, 1);
    return true;
}

/* So many blocks are wanted at once; below 0 while a taker has not counted yet whose slot a putter
 * has filled. At most as many rounds as others raise it meanwhile. */
static TL_INLINE_HOSTED void note_depth(struct tl_reserve *reserve, uintptr_t wanted)
{
    uintptr_t present = tl_load_relaxed(&reserve->deepest); /* relaxed: a number */
    while ((intptr_t)(wanted - present) > 0 &&
           !tl_cas_weak_relaxed(&reserve->deepest, &present, wanted))
        ;
}

static void ask_for_refill(struct tl_reserve *reserve)
{
    struct tl_heap *heap = heap_of(reserve);
    if (!tl_wanted_ask(&reserve->wanted))
        return;
    want_now(heap);
    if (reserve->notify != NULL)
        reserve->notify(reserve->policy.notify_context, handle_of(reserve));
}

static TL_COLD void miss(struct tl_reserve *reserve)
{
    tl_counter_add_shared(&reserve->misses, 1);
    note_depth(reserve, reserve->slots.count + tl_add_relaxed(&reserve->missed, 1) + 1);
    ask_for_refill(reserve);
    if (reserve->policy.panic)
        tl_report_panic("reserve '%s' is empty: all its %z blocks of %z bytes are taken",
                        (uintptr_t)reserve->policy.name, reserve->slots.count, reserve->fit.bytes);
}

void *talus_reserve_take(talus_reserve *handle)
{
    struct tl_reserve *reserve = reserve_of(handle);
    if (!is_live(reserve))
        return NULL;
    void *block = tl_slots_take(&reserve->slots, start_of(reserve));
    if (TL_UNLIKELY(block == NULL)) {
        miss(reserve);
        return NULL;
    }
    uintptr_t taken = tl_counter_add_shared(&reserve->taken, 1) + 1;
    size_t    left = count_left(tl_counter_read(&reserve->given), taken);
    note_depth(reserve, reserve->slots.count - left);
    if (left < reserve->low_mark)
        ask_for_refill(reserve);
    return block;
}

void talus_reserve_put(talus_reserve *handle, void *block)
{
    struct tl_reserve *reserve = reserve_of(handle);
    talus_misuse       misuse;
    if (block == NULL || !is_live(reserve))
        return;
    struct tl_span *span = tl_span_fitting(block, &reserve->fit, &misuse);
    if (span != NULL) {
        tl_counter_add_shared(&reserve->puts, 1);
        if (give(reserve, block) || push_home(span, block))
            return;
    }
    tl_misuse_report(misuse, block, "put of what cannot be a block of this reserve");
}

TL_SLOW void talus_reserve_stats(const talus_reserve *handle, talus_reserve_stats_t *stats)
{
    const struct tl_reserve *reserve = reserve_of(handle);
    *stats = (talus_reserve_stats_t){ 0 };
    if (!is_live(reserve))
        return;
    size_t count = reserve->slots.count;
    stats->available = tl_slots_full(&reserve->slots);
    stats->takes = tl_counter_read(&reserve->taken);
    stats->puts = tl_counter_read(&reserve->puts);
    stats->misses = tl_counter_read(&reserve->misses);
    stats->refills = tl_counter_read(&reserve->refills);
    stats->deepest = tl_load_relaxed(&reserve->deepest);
    stats->low_water = stats->deepest < count ? count - stats->deepest : 0;
}

/* ---- refill ---- */

static void begin_refill(struct tl_reserve *reserve)
{
    tl_wanted_begin(&reserve->wanted);
    tl_store_relaxed(&reserve->missed, 0);
}

/* What is still missing is for later slow exits; the owner was notified already. */
static void ask_again(struct tl_reserve *reserve, uint32_t when)
{
    (void)tl_wanted_ask(&reserve->wanted);
    if (when == TL_WANTS_NOW)
        want_now(heap_of(reserve));
    else
        tl_wants_too(&heap_of(reserve)->wants, when);
}

/* Allocates and gives until `wanted` blocks are there, `most` at most. `cache`: the calling
 * thread's, for one try each; NULL: with all that the heap can do. False: no memory. */
static bool fill(struct tl_reserve *reserve, size_t wanted, size_t most, struct tl_cache *cache)
{
    struct tl_heap *heap = heap_of(reserve);
    size_t          brought = 0;
    bool            had = true;
    while (brought < most && left_in(reserve) < wanted) {
        void *block = cache != NULL
                          ? tl_heap_try_alloc(heap, cache, reserve->fit.bytes, reserve->fit.align)
                          : tl_heap_alloc_slow(heap, reserve->fit.bytes, reserve->fit.align, false);
        had = block != NULL;
        if (!had)
            break;
        TL_PREEMPT_POINT(reserve_fill);
        if (!give(reserve, block)) { /* others put while we allocated: it is full */
            tl_free_fast(block);
            break;
        }
        brought++;
    }
    if (brought > 0)
        tl_counter_add_shared(&reserve->refills, 1);
    return had; /* what was taken meanwhile is no reason to say that there is no memory */
}

/* By a slow exit. */
static void refill_some(struct tl_reserve *reserve, struct tl_cache *cache)
{
    size_t count = reserve->slots.count;
    begin_refill(reserve);
    size_t most = cache->heap->real_time ? TL_RESERVE_REFILL_REAL_TIME : TL_RESERVE_REFILL_MAX;
    if (!fill(reserve, count, most, cache))
        ask_again(reserve, TL_WANTS_LATER);
    else if (left_in(reserve) < count)
        ask_again(reserve, TL_WANTS_NOW);
}

void tl_reserve_answer(struct tl_cache *cache)
{
    struct tl_heap *heap = cache->heap;
    int             saved = tl_port_errno();
    if (cache->answering) /* what the answer itself allocates has slow exits, too */
        return;
    cache->answering = true;
    tl_wants_take(&heap->wants); /* what was pushed, and what is wanted, is seen from here on */
    if (!TL_KERNEL)              /* where caches take it in, piece by piece */
        tl_reserve_drain(heap);
    tl_lock_acquire(&heap->lock);
    for (struct tl_reserve *reserve = heap->reserves; reserve != NULL; reserve = reserve->next) {
        if (tl_load32_relaxed(&reserve->wanted) == 0)
            continue;
        reserve->users++; /* it stays on the list meanwhile */
        tl_lock_release(&heap->lock);
        refill_some(reserve, cache);
        tl_lock_acquire(&heap->lock);
        if (--reserve->users == 0)
            tl_event_signal_all(&heap->reserve_unused);
    }
    tl_lock_release(&heap->lock);
    cache->answering = false;
    tl_port_set_errno(saved);
}

/* Like a request of the program's: the owner of the heap is asked when it has no more. */
static bool refill_to(struct tl_reserve *reserve, size_t wanted)
{
    begin_refill(reserve);
    if (fill(reserve, wanted, reserve->slots.count, NULL))
        return true;
    ask_again(reserve, TL_WANTS_LATER);
    tl_port_fail(TL_ERROR_MEMORY);
    return false;
}

TL_SLOW bool talus_reserve_refill(talus_reserve *handle)
{
    struct tl_reserve *reserve = reserve_of(handle);
    if (is_live(reserve))
        return refill_to(reserve, reserve->slots.count);
    tl_port_fail(TL_ERROR_INVALID);
    return false;
}

TL_SLOW bool talus_reserve_prepare(talus_reserve *handle, size_t n)
{
    struct tl_reserve *reserve = reserve_of(handle);
    if (!is_live(reserve) || n > reserve->slots.count) {
        tl_port_fail(TL_ERROR_INVALID);
        return false;
    }
    return left_in(reserve) >= n || refill_to(reserve, n);
}

/* ---- life ---- */

static struct tl_reserve *structure(void)
{
    tl_meta_acquire();
    struct tl_reserve *reserve = ended;
    if (reserve != NULL)
        ended = reserve->next;
    tl_meta_release();
    return reserve != NULL ? reserve : (struct tl_reserve *)tl_meta_new(sizeof *reserve);
}

/* From now on who calls with it is told. */
static void end_structure(struct tl_reserve *reserve)
{
    tl_store_relaxed(&reserve->heap, 0);
    tl_meta_acquire();
    tl_poke(&reserve->next, ended);
    ended = reserve;
    tl_meta_release();
}

static void free_blocks(struct tl_reserve *reserve)
{
    for (size_t i = 0; i < reserve->slots.count; i++)
        tl_free_fast((void *)tl_load_acquire(&reserve->slots.slot[i])); /* pairs with a put */
    tl_free_fast(reserve->slots.slot);
}

/* Slots and blocks of a reserve that says which, or false: no memory. */
static bool allocate(struct tl_reserve *reserve)
{
    struct tl_heap *heap = reserve->fit.heap;
    size_t          count = reserve->slots.count;
    reserve->slots.slot = (tl_atomic_word *)tl_heap_alloc_slow(
        heap, count * sizeof *reserve->slots.slot, TL_LINE_SIZE, true);
    if (reserve->slots.slot == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        void *block = tl_heap_alloc_slow(heap, reserve->fit.bytes, reserve->fit.align, false);
        if (block == NULL) {
            free_blocks(reserve);
            return false;
        }
        tl_store_relaxed(&reserve->slots.slot[i], (uintptr_t)block);
    }
    tl_store_relaxed(&reserve->given.n, count);
    return true;
}

static bool can_be(struct tl_heap *heap, size_t align, size_t count, size_t low_mark)
{
    return tl_heap_is_live(heap) && count != 0 && count <= TALUS_RESERVE_COUNT_MAX &&
           low_mark <= count && (align & (align - 1)) == 0 && align <= TALUS_ALIGN_MAX;
}

TL_SLOW talus_reserve *talus_reserve_create(talus_heap *handle, size_t size, size_t align,
                                            size_t count, size_t low_mark,
                                            const talus_reserve_policy *policy,
                                            talus_reserve_notify        notify)
{
    struct tl_heap *heap = tl_heap_of(handle);
    if (!can_be(heap, align, count, low_mark)) {
        tl_port_fail(TL_ERROR_INVALID);
        return NULL;
    }
    (void)tl_kernel_meta_ready(sizeof(struct tl_reserve)); /* if not, what is left may do */
    struct tl_reserve *reserve = structure();
    if (reserve == NULL) {
        tl_port_fail(TL_ERROR_MEMORY);
        return NULL;
    }
    /* but the heap: who holds the handle of a reserve that ended may ask for it at any time */
    tl_meta_wipe(&reserve->given, sizeof *reserve - offsetof(struct tl_reserve, given));
    tl_poke(&reserve->slots.count, count);
    reserve->fit =
        (struct tl_fit){ heap, size + (size == 0), TL_REQUEST_MAX, align + (align == 0) };
    reserve->low_mark = low_mark;
    const char *name = NULL;
    if (policy != NULL) {
        name = policy->name;
        reserve->policy.panic = policy->panic;
        reserve->policy.notify_context = policy->notify_context;
    }
    tl_poke(&reserve->policy.name, name != NULL ? name : "reserve");
    reserve->notify = notify;
    if (!allocate(reserve)) {
        end_structure(reserve);
        tl_port_fail(TL_ERROR_MEMORY);
        return NULL;
    }
    tl_store_relaxed(&reserve->heap, (uintptr_t)heap);
    tl_lock_acquire(&heap->lock);
    tl_poke(&reserve->next, heap->reserves);
    tl_poke(&heap->reserves, reserve);
    tl_lock_release(&heap->lock);
    return handle_of(reserve);
}

/* Off its heap's list, once no slow exit refills it any more. */
static void unlist_reserve(struct tl_reserve *reserve, struct tl_heap *heap)
{
    tl_lock_acquire(&heap->lock);
    while (reserve->users > 0 && !TL_MUTANT_reserve_end_unwaited) {
        uint32_t ticket = tl_event_prepare(&heap->reserve_unused);
        tl_lock_release(&heap->lock);
        tl_event_wait(&heap->reserve_unused, ticket);
        tl_lock_acquire(&heap->lock);
    }
    struct tl_reserve **link = &heap->reserves;
    while (*link != reserve)
        link = &(*link)->next;
    tl_poke(link, reserve->next);
    tl_lock_release(&heap->lock);
}

TL_SLOW bool talus_reserve_destroy(talus_reserve *handle)
{
    struct tl_reserve *reserve = reserve_of(handle);
    if (!is_live(reserve)) {
        tl_port_fail(TL_ERROR_INVALID);
        return false;
    }
    unlist_reserve(reserve, heap_of(reserve));
    free_blocks(reserve);
    end_structure(reserve);
    return true;
}

void tl_reserve_heap_ends(struct tl_heap *heap)
{
    struct tl_reserve *next;
    for (struct tl_reserve *reserve = heap->reserves; reserve != NULL; reserve = next) {
        next = reserve->next;
        end_structure(reserve);
    }
    tl_poke(&heap->reserves, NULL);
}

#if !TL_KERNEL
void tl_reserve_fork_child(struct tl_heap *heap)
{
    heap->reserve_unused = (struct tl_event)TL_EVENT_INIT;
    for (struct tl_reserve *reserve = heap->reserves; reserve != NULL; reserve = reserve->next) {
        size_t full = tl_slots_full(&reserve->slots);
        reserve->users = 0;
        tl_store_relaxed(&reserve->given.n, tl_counter_read(&reserve->taken) + full);
        /* who had been notified may not be in the child: the next taker below the mark asks anew */
        tl_store32_relaxed(&reserve->wanted, 0);
        if (full < reserve->low_mark)
            ask_again(reserve, TL_WANTS_NOW);
    }
}
#endif
