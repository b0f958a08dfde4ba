/* purger.c: the purge thread. Theory: purger.h. */
#include "core/purger.h"
#include "core/adopt.h"
#include "core/heap.h"
#include "core/report.h"
#include "core/thread.h"

#define CLOCK_STEP_MS 10u /* of tl_port_now_ms, at most */

tl_atomic_u32 tl_purger_state = TL_ATOMIC_INIT(TL_PURGER_NONE);

void tl_purger_wake(void)
{
    uint32_t state = TL_PURGER_ASLEEP;
    if (tl_cas32_relaxed(&tl_purger_state, &state, TL_PURGER_AWAKE))
        tl_port_wake(&tl_purger_state, 1);
}

static void look_for_dirt(struct tl_heap *heap, void *found)
{
    tl_lock_acquire(&heap->lock);
    bool waits = heap->left_ms != 0;
    tl_lock_release(&heap->lock);
    if (!heap->pool.keep_pages && (waits || tl_pool_is_dirty(&heap->pool)))
        *(bool *)found = true;
}

static void find_shortest_decay(struct tl_heap *heap, void *shortest_ms)
{
    uint64_t *ms = (uint64_t *)shortest_ms;
    if (!heap->pool.keep_pages && heap->pool.decay_ms < *ms)
        *ms = heap->pool.decay_ms;
}

static void purge(struct tl_heap *heap, void *unused)
{
    (void)unused;
    if (heap->pool.keep_pages)
        return;
    tl_lock_acquire(&heap->lock);
    if ((tl_ms)tl_port_now_ms() - heap->left_ms >= heap->pool.decay_ms)
        heap->left_ms = 0; /* all are old enough now */
    tl_lock_release(&heap->lock);
    tl_adopt_trim_idle(heap);
    while (tl_load_relaxed(&heap->id) != 0 && tl_pool_decay(&heap->pool, false) > 0)
        ; /* until nothing is old enough, or the heap is about to end */
}

/* Returns when some heap is dirty; at once if `without_sleep`. */
static void await_dirt(bool without_sleep)
{
    bool dirty = without_sleep;
    tl_store32_relaxed(&tl_purger_state, TL_PURGER_ASLEEP);
    tl_heaps_visit(look_for_dirt, &dirty);
    while (!dirty && tl_load32_relaxed(&tl_purger_state) == TL_PURGER_ASLEEP)
        tl_port_wait(&tl_purger_state, TL_PURGER_ASLEEP);
    tl_store32_relaxed(&tl_purger_state, TL_PURGER_AWAKE);
}

static void run(void)
{
    for (;;) {
        unsigned others = 0;
        bool     first_ended = tl_port_first_thread_ended(&others);
        if (first_ended && others == 0)
            break;
        await_dirt(first_ended);
        uint64_t wait_ms = UINT32_MAX;
        tl_heaps_visit(find_shortest_decay, &wait_ms);
        tl_port_sleep(wait_ms + CLOCK_STEP_MS);
        tl_heaps_visit(purge, NULL);
    }
    tl_store32_relaxed(&tl_purger_state, TL_PURGER_NONE);
}

void tl_purger_start(void)
{
    (void)tl_thread_enter(&tl_default_heap); /* leaving this cache is how its end is noticed */
    tl_store32_relaxed(&tl_purger_state, TL_PURGER_AWAKE);
    if (tl_port_start_thread("talus-purge", run))
        return;
    tl_store32_relaxed(&tl_purger_state, TL_PURGER_NONE);
    tl_report_line("no thread for purge_thread could be started; free pages go back when some "
                   "thread allocates or frees");
}

void tl_purger_fork_child(void)
{
    tl_store32_relaxed(&tl_purger_state, TL_PURGER_NONE);
}
