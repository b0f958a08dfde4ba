/* part_inbox.c: sync/mpsc.h under preemption: one inbox for each CPU, drained pinned; threads and
 * interrupts push to any. No item is lost, and none has two holders. */
#include "arch/port/bare/console.h"
#include "arch/port/bare/machine.h"
#include "sync/mpsc.h"
#include "tests/bare/parts.h"

enum { ITEMS_PER_THREAD = 4, BATCH_MAX = 3, INTERRUPT_ITEMS = 4 };
enum { IN_FLIGHT = 0, AT_HOME = 1000 }; /* else: thread + 1 that holds it */
enum { ITEMS_MAX = THREADS_MAX * ITEMS_PER_THREAD + MACHINE_CPUS_MAX * INTERRUPT_ITEMS };

struct item {
    struct tl_block link;
    tl_atomic_u32   holder; /* atomic: above; the oracle, relaxed: on the way it orders nothing */
    uint32_t        home;   /* of a handler's item: the CPU whose handlers send it; else NO_HOME */
    uint32_t        found;  /* judge */
};
enum { NO_HOME = UINT16_MAX };

static struct {
    TL_CACHE_LINE
    struct tl_inbox inbox;
} cpus[MACHINE_CPUS_MAX];

static struct item items[ITEMS_MAX];
static unsigned    item_count;

/* Each thread's own, a stack. */
static struct hand {
    TL_CACHE_LINE
    struct item *items[ITEMS_MAX];
    unsigned     count;
} hands[THREADS_MAX];

static struct {
    TL_CACHE_LINE
    uint32_t sent; /* by the handlers of a CPU */
} handlers[MACHINE_CPUS_MAX];

static BARE_WATCHED bool push(struct tl_inbox *inbox, struct tl_block *batch)
{
    return tl_inbox_push_mpsc(inbox, batch);
}

static BARE_WATCHED struct tl_block *drain(struct tl_inbox *inbox)
{
    return tl_inbox_drain(inbox);
}

static void prepare(void)
{
    for (unsigned thread = 0; thread < run.threads; thread++)
        for (unsigned i = 0; i < ITEMS_PER_THREAD; i++) {
            struct item *item = &items[item_count++];

            item->home = NO_HOME;
            tl_store32_relaxed(&item->holder, thread + 1);
            hands[thread].items[hands[thread].count++] = item;
        }
    for (unsigned cpu = 0; cpu < run.cpus; cpu++)
        for (unsigned i = 0; i < INTERRUPT_ITEMS; i++) {
            struct item *item = &items[item_count++];

            item->home = cpu;
            tl_store32_relaxed(&item->holder, AT_HOME);
        }
}

/* From one holder to the next; a finding when somebody else had it. */
static void pass_on(struct item *item, uint32_t from, uint32_t to)
{
    uint32_t had = tl_swap32_relaxed(&item->holder, to);

    if (had != from)
        finding("inbox: item %u goes from holder %u to %u, but holder %u had it",
                (unsigned)(item - items), from, to, had);
}

static void send(unsigned thread, struct st_rng *rng)
{
    struct hand     *hand = &hands[thread];
    struct tl_block *batch = NULL;
    unsigned         wanted = 1 + st_rng_below(rng, BATCH_MAX);

    while (wanted-- > 0 && hand->count > 0) {
        struct item *item = hand->items[--hand->count];

        pass_on(item, thread + 1, IN_FLIGHT);
        tl_put(&item->link.next, batch);
        batch = &item->link;
    }
    if (batch != NULL)
        push(&cpus[st_rng_below(rng, run.cpus)].inbox, batch);
}

/* Takes what arrived at this CPU into the thread's hand; what belongs to handlers goes home. */
static void receive(unsigned thread)
{
    struct hand     *hand = &hands[thread];
    struct tl_block *batch;
    unsigned         steps = 0;

    pin();
    batch = drain(&cpus[machine_cpu()].inbox);
    while (batch != NULL) {
        struct tl_block *older = tl_get(&batch->next_batch);

        for (struct tl_block *block = batch; block != NULL;) {
            struct item *item = (struct item *)block; /* its first field */

            block = tl_get(&block->next);
            pass_on(item, IN_FLIGHT, thread + 1);
            if (++steps > item_count || hand->count == ITEMS_MAX) {
                finding("inbox: a drain without end");
                unpin();
                return;
            }
            if (item->home == NO_HOME)
                hand->items[hand->count++] = item;
            else
                tl_store32_release(&item->holder, AT_HOME); /* pairs with the handler's acquire */
        }
        batch = older;
    }
    unpin();
}

static void work(unsigned thread, struct st_rng *rng)
{
    for (uint32_t i = 0; i < 4 * run.iterations; i++) {
        send(thread, rng);
        receive(thread);
    }
    count_operations(8 * run.iterations);
}

/* Sends an item that is at home to the next CPU. */
static void interrupt(unsigned thread, uintptr_t pc)
{
    unsigned cpu = machine_cpu();
    unsigned first = run.threads * ITEMS_PER_THREAD + cpu * INTERRUPT_ITEMS;

    (void)thread;
    (void)pc;
    for (unsigned i = first; i < first + INTERRUPT_ITEMS; i++) {
        uint32_t holder = AT_HOME;

        /* pairs with the release in receive: who had the item is through with its links */
        if (!tl_cas32_acquire(&items[i].holder, &holder, IN_FLIGHT))
            continue;
        tl_put(&items[i].link.next, NULL);
        push(&cpus[cpu + 1 < run.cpus ? cpu + 1 : 0].inbox, &items[i].link);
        handlers[cpu].sent++;
        return;
    }
}

static void found(struct item *item)
{
    if (item->found++ != 0)
        finding("inbox: item %u twice", (unsigned)(item - items));
}

static void judge(void)
{
    uintptr_t sent = 0;

    for (unsigned thread = 0; thread < run.threads; thread++)
        for (unsigned i = 0; i < hands[thread].count; i++)
            found(hands[thread].items[i]);
    for (unsigned cpu = 0; cpu < run.cpus; cpu++) {
        struct tl_block *batch = tl_inbox_drain(&cpus[cpu].inbox);
        unsigned         steps = 0;

        for (; batch != NULL && steps <= item_count; batch = tl_get(&batch->next_batch))
            for (struct tl_block *block = batch; block != NULL && steps++ <= item_count;
                 block = tl_get(&block->next))
                found((struct item *)block);
        if (!tl_inbox_is_empty(&cpus[cpu].inbox))
            finding("inbox: not empty behind a drain");
        sent += handlers[cpu].sent;
    }
    for (unsigned i = 0; i < item_count; i++)
        if (items[i].found == 0 && tl_load32_relaxed(&items[i].holder) != AT_HOME)
            finding("inbox: item %u is lost", i);
    if (sent == 0)
        finding("inbox: no handler pushed");
    bare_print("inbox: %lu batches pushed by interrupts\n", (unsigned long)sent);
}

const struct part part_inbox = { "inbox", prepare, work, interrupt, judge };
