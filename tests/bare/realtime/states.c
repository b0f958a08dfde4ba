/* states.c: states of the heap in which a call has much to do, made on purpose. See states.h. */
#include "tests/bare/realtime/states.h"

#include <talus/port.h>
#include <talus/reserve.h>

#include "arch/port/bare/console.h"
#include "core/limits.h"
#include "sync/mpsc.h"
#include "tests/bare/realtime/count.h"

enum { TRIES = 24, RETRIES_MAX = 500, INTERRUPT_FREES = 40, SLOTS = 64 };

struct link {
    struct link *next;
};

/* Where a block lies that the program still has. */
static struct link *volatile kept_for_free;

void *counted_malloc(size_t bytes)
{
    enum row row = bytes <= TL_SMALL_MAX   ? ROW_MALLOC_SMALL
                   : bytes <= TL_CLASS_MAX ? ROW_MALLOC_MEDIUM
                                           : ROW_MALLOC_LARGE;
    void    *block;
    count_begin();
    block = talus_malloc(bytes);
    count_end(block != NULL ? row : ROW_MALLOC_NULL, 0);
    return block;
}

void counted_free(void *block, size_t bytes)
{
    COUNT(bytes <= TL_CLASS_MAX ? ROW_FREE : ROW_FREE_LARGE, 0, talus_free(block));
}

void trim_all(void)
{
    for (unsigned round = 0; round < 2; round++)
        for (unsigned cpu = 0; cpu < CPUS; cpu++) {
            on_cpu(cpu);
            talus_heap_trim(talus_heap_default());
        }
    on_cpu(0);
}

void demand_all_free(void)
{
    talus_heap_stats_t stats;
    trim_all();
    talus_heap_stats(talus_heap_default(), &stats);
    if (stats.allocated != 0 || stats.free_pages != stats.mapped)
        bare_end(BARE_FAILED, "lost", "%lu bytes allocated, %lu of %lu free, after all was freed",
                 (unsigned long)stats.allocated, (unsigned long)stats.free_pages,
                 (unsigned long)stats.mapped);
}

/* Every block of the size that is there, newest first. */
static struct link *take_all(size_t bytes)
{
    struct link *chain = NULL, *link;
    while ((link = counted_malloc(bytes)) != NULL) {
        link->next = chain;
        chain = link;
    }
    return chain;
}

/* Frees those blocks of the chain that begin in a page's first `bytes`, or the others, and returns
 * the rest. Each on the CPU that it is the turn of, of `cpus`. */
static struct link *free_some(struct link *chain, size_t bytes, bool firsts, unsigned first_cpu,
                              unsigned cpus)
{
    struct link *rest = NULL;
    unsigned     turn = 0;
    while (chain != NULL) {
        struct link *next = chain->next;
        bool         is_first = ((uintptr_t)chain & (TL_PAGE_SIZE - 1)) < bytes;
        if (is_first == firsts) {
            on_cpu(first_cpu + turn++ % cpus);
            counted_free(chain, bytes);
        } else {
            chain->next = rest;
            rest = chain;
        }
        chain = next;
    }
    on_cpu(0);
    return rest;
}

/* Calls of all sizes, whose slow exits find what waits; then such as find no memory, until what
 * lies in lists has come home. */
static void call_all(void)
{
    for (unsigned i = 0; i < TRIES; i++)
        for (size_t bytes = 16; bytes <= 16 * TL_CLASS_MAX; bytes *= 4) {
            void *block = counted_malloc(bytes + i);
            if (block != NULL)
                counted_free(block, bytes + i);
        }
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        void *block = NULL;
        on_cpu(cpu);
        for (unsigned i = 0; i < RETRIES_MAX && block == NULL; i++)
            block = counted_malloc(16 * TL_CLASS_MAX);
        if (block != NULL)
            counted_free(block, 16 * TL_CLASS_MAX);
    }
    on_cpu(0);
}

/* All memory is one size's; of each page all blocks but the first come back, and then those: spans
 * become empty one with each block. By its own CPU, by another, by three. */
static void full_of_one_size(size_t bytes)
{
    static const struct {
        unsigned first, count;
    } freers[] = { { 0, 1 }, { 1, 1 }, { 1, 3 } };
    for (unsigned i = 0; i < sizeof freers / sizeof freers[0]; i++) {
        struct link *chain = take_all(bytes);
        for (unsigned n = 0; n < TRIES; n++) {
            on_cpu(n % CPUS);
            kept_for_free = counted_malloc(bytes << n % 4);
            if (kept_for_free != NULL)
                counted_free(kept_for_free, bytes << n % 4);
        }
        on_cpu(0);
        chain = free_some(chain, bytes, false, freers[i].first, freers[i].count);
        call_all();
        chain = free_some(chain, bytes, true, freers[i].first, freers[i].count);
        call_all();
        free_some(chain, bytes, false, 0, 1);
        demand_all_free();
    }
}

/* What lies in lists comes home by calls that fail, each of which does a piece. */
static void asking_again_helps(unsigned freer)
{
    enum { WANTED = 40 * TL_PAGE_SIZE };
    struct link *rest = free_some(take_all(256), 256, false, freer, 1);
    free_some(rest, 256, true, freer, 1); /* each page's first, last */
    void *block = NULL;
    for (unsigned i = 0; i < RETRIES_MAX && block == NULL; i++)
        block = counted_malloc(WANTED);
    if (block == NULL)
        bare_end(BARE_FAILED, "asked", "%u calls failed, though all is free",
                 (unsigned)RETRIES_MAX);
    counted_free(block, WANTED);
    demand_all_free();
}

static struct link *free_chain(struct link *chain, size_t bytes, unsigned count)
{
    for (struct link *next; count > 0; chain = next, count--) {
        next = chain->next;
        counted_free(chain, bytes);
    }
    return chain;
}

/* As many blocks as one piece takes back, each of which makes a slow exit due, and the last one of
 * which is the last of a span of the most blocks: behind as many batches as are kept whole. Who
 * takes them in: a malloc that finds something, one that does not, or a free. */
enum taker { BY_MALLOC, BY_FAILURE, BY_FREE };
static void all_due_at_once(enum taker taker)
{
    enum { BYTES = TL_GRAIN, SPANS = TL_PIECE_BLOCKS + 4, DUE = 32 };
    struct link *span[SPANS] = { NULL }; /* blocks by span; the first SPANS of them */
    unsigned     held[SPANS] = { 0 };
    struct link *others = NULL, *chain = take_all(BYTES);
    uintptr_t    lowest = UINTPTR_MAX;
    for (struct link *link = chain; link != NULL; link = link->next)
        lowest = (uintptr_t)link < lowest ? (uintptr_t)link : lowest;
    for (struct link *next; chain != NULL; chain = next) {
        size_t at = ((uintptr_t)chain - lowest) / TL_PAGE_SIZE;
        next = chain->next;
        chain->next = at < SPANS ? span[at] : others;
        if (at < SPANS) {
            span[at] = chain;
            held[at]++;
        } else {
            others = chain;
        }
    }
    enum { LAST = SPANS - 1, WHOLE = SPANS - 2, BEHIND = SPANS - 3, FREED = SPANS - 4 };
    span[WHOLE] = free_chain(span[WHOLE], BYTES, DUE); /* to the empty head, and no others */
    for (unsigned i = 0; i < WHOLE; i++)               /* one free is left before the slow exit */
        span[i] = free_chain(span[i], BYTES, held[i] > 2 * DUE ? DUE - 1 : 0);
    span[LAST] = free_chain(span[LAST], BYTES, held[LAST] - 1);
    on_cpu(1);
    for (unsigned i = 0; i < TL_PENDING_BATCHES_MAX * TL_FOREIGN_BLOCKS_MAX && others != NULL; i++)
        others = free_chain(others, BYTES, 1);
    on_cpu(0);
    span[WHOLE] = free_chain(span[WHOLE], BYTES, DUE); /* a slow exit, which keeps them */
    on_cpu(1);
    span[BEHIND] = free_chain(span[BEHIND], BYTES, TL_FOREIGN_BLOCKS_MAX - TL_PIECE_BLOCKS);
    span[LAST] = free_chain(span[LAST], BYTES, 1);
    for (unsigned i = 0; i + 1 < TL_PIECE_BLOCKS; i++)
        span[i] = free_chain(span[i], BYTES, 1);
    on_cpu(0);
    if (taker == BY_FREE)
        span[FREED] = free_chain(span[FREED], BYTES, 1);
    if (taker == BY_FAILURE) {
        talus_free(counted_malloc(TL_CLASS_MAX / 2)); /* NULL, as a rule */
        talus_free(counted_malloc(16 * TL_CLASS_MAX));
    }
    call_all();
    for (unsigned i = 0; i < SPANS; i++)
        while (span[i] != NULL)
            span[i] = free_chain(span[i], BYTES, 1);
    while (others != NULL)
        others = free_chain(others, BYTES, 1);
    demand_all_free();
}

/* Free runs of 16 pages, each between blocks, and requests for 17: the same bin. */
static void many_runs(void)
{
    enum { PAGES = 16 };
    struct link *runs = NULL, *between = NULL, *link;
    for (;;) {
        count_begin();
        link = talus_aligned_alloc(2 * TL_PAGE_SIZE, TL_PAGE_SIZE);
        count_end(link != NULL ? ROW_ALIGNED : ROW_MALLOC_NULL, 0);
        if (link == NULL)
            break;
        link->next = between;
        between = link;
        link = counted_malloc(PAGES * TL_PAGE_SIZE);
        if (link == NULL)
            break;
        link->next = runs;
        runs = link;
    }
    struct link *rest = take_all(2 * TL_PAGE_SIZE); /* spans, down to the last page */
    for (; runs != NULL; runs = link) {
        link = runs->next;
        counted_free(runs, PAGES * TL_PAGE_SIZE);
    }
    trim_all(); /* what CPUs keep */
    for (unsigned i = 0; i < TRIES; i++)
        talus_free(counted_malloc((PAGES + 1) * TL_PAGE_SIZE)); /* NULL, as a rule */
    talus_heap_stats_t stats;
    COUNT(ROW_STATS, 0, talus_heap_stats(talus_heap_default(), &stats));
    void *block = counted_malloc(PAGES * TL_PAGE_SIZE);
    for (size_t pages = 2; pages < 4 * PAGES; pages += 3) {
        void *moved;
        count_begin();
        moved = talus_realloc(block, pages * TL_PAGE_SIZE);
        count_end(moved != NULL ? ROW_REALLOC : ROW_REALLOC_NULL, 0);
        block = moved != NULL ? moved : block;
    }
    counted_free(block, 4 * TL_CLASS_MAX);
    for (size_t align = 4; align <= 64; align *= 2) {
        count_begin();
        block = talus_aligned_alloc(align * TL_PAGE_SIZE, TL_PAGE_SIZE);
        count_end(block != NULL ? ROW_ALIGNED : ROW_MALLOC_NULL, 0);
        if (block != NULL)
            counted_free(block, 2 * TL_CLASS_MAX);
    }
    for (; between != NULL; between = link) {
        link = between->next;
        counted_free(between, 2 * TL_CLASS_MAX);
    }
    free_some(free_some(rest, 2 * TL_PAGE_SIZE, true, 0, 1), 2 * TL_PAGE_SIZE, false, 0, 1);
    demand_all_free();
}

/* Blocks of all sizes that handlers freed, and what takes them in. */
static void freed_by_handlers(void)
{
    for (size_t bytes = 64; bytes <= 8 * TL_CLASS_MAX; bytes *= 2) {
        void *blocks[INTERRUPT_FREES];
        for (unsigned i = 0; i < INTERRUPT_FREES; i++)
            blocks[i] = counted_malloc(bytes);
        on_cpu(1);
        for (unsigned i = 0; i < INTERRUPT_FREES; i++)
            if (blocks[i] != NULL)
                COUNT(ROW_FREE_INTERRUPT, 0, talus_free_from_interrupt(blocks[i]));
        on_cpu(0);
        call_all();
        demand_all_free();
    }
}

/* A reserve that is empty, one that asks for blocks, and slow exits that bring them. */
static void reserves(size_t bytes)
{
    talus_reserve *reserve =
        talus_reserve_create(talus_heap_default(), bytes, 0, SLOTS, SLOTS, NULL, NULL);
    void *blocks[SLOTS];
    if (reserve == NULL)
        return;
    for (unsigned i = 0; i < SLOTS; i++)
        COUNT(ROW_RESERVE_TAKE, i, blocks[i] = talus_reserve_take(reserve));
    COUNT(ROW_RESERVE_TAKE, SLOTS, (void)talus_reserve_take(reserve));
    COUNT(ROW_RESERVE_TAKE, SLOTS, (void)talus_reserve_take(reserve));
    call_all(); /* some slots full again */
    for (void *block; (block = talus_reserve_take(reserve)) != NULL;)
        talus_free_from_interrupt(block);
    for (unsigned i = 0; i < SLOTS; i++)
        COUNT(ROW_RESERVE_PUT, i, talus_reserve_put(reserve, blocks[i]));
    COUNT(ROW_RESERVE_PREPARE, 0, (void)talus_reserve_prepare(reserve, SLOTS));
    for (unsigned i = 0; i < SLOTS; i++)
        talus_free_from_interrupt(talus_reserve_take(reserve));
    COUNT(ROW_RESERVE_PREPARE, SLOTS, (void)talus_reserve_refill(reserve));
    talus_reserve_destroy(reserve);
    demand_all_free();
}

static void told(talus_misuse what, const void *pointer, const char *message)
{
    (void)what;
    (void)pointer;
    (void)message;
}

static void misuse(void)
{
    static char          foreign[64];
    char                *large = talus_malloc(16 * TL_CLASS_MAX);
    talus_misuse_handler before = talus_set_misuse_handler(told);
    for (unsigned handler = 0; handler < 2; handler++) {
        COUNT(ROW_FREE_WRONG, 0, talus_free(foreign));
        COUNT(ROW_FREE_WRONG, 0, talus_free((void *)(uintptr_t)64));
        COUNT(ROW_FREE_WRONG, 0, talus_free(large + 100));
        COUNT(ROW_FREE_WRONG, 0, talus_free(large + 10 * TL_CLASS_MAX));
        COUNT(ROW_FREE_WRONG, 0, talus_free_sized(large, 17 * TL_CLASS_MAX));
        COUNT(ROW_FREE_WRONG, 0, talus_free_from_interrupt(large + 64));
        COUNT(ROW_FREE_WRONG, 0, (void)!talus_realloc(large + TL_CLASS_MAX, 10));
        talus_set_misuse_handler(before);
    }
    talus_free(large);
    COUNT(ROW_FREE_WRONG, 0, talus_free(large));
}

/* What a push does once more for each other one that got in between (tl_inbox_push_mpsc). */
static void retry(void)
{
    tl_atomic_word  head = TL_ATOMIC_INIT(1);
    uintptr_t       seen = 0;
    struct tl_block block;
    COUNT(ROW_RETRY, 0, {
        if (!tl_cas_weak_release(&head, &seen, (uintptr_t)&block)) /* it fails: nobody's partner */
            tl_put(&block.next_batch, (struct tl_block *)seen);
    });
}

static void sized_and_zeroed(void)
{
    for (size_t bytes = 8; bytes <= 4 * TL_CLASS_MAX; bytes *= 2) {
        void *block, *aligned;
        COUNT(ROW_CALLOC, 0, block = talus_calloc(1, bytes));
        COUNT(ROW_ALIGNED, 0, aligned = talus_aligned_alloc(bytes, bytes));
        COUNT(ROW_LOOK, 0, (void)talus_usable_size(block));
        COUNT(ROW_LOOK, 0, (void)talus_good_size(bytes));
        COUNT(ROW_FREE_SIZED, 0, talus_free_sized(block, bytes));
        COUNT(ROW_FREE_SIZED, 0, talus_free_aligned_sized(aligned, bytes, bytes));
        COUNT(ROW_HEAP_ALLOC, 0, block = talus_heap_alloc(talus_heap_default(), bytes, 0, NULL));
        counted_free(block, bytes);
    }
    COUNT(ROW_SET_LIMIT, 0, talus_heap_set_limit(talus_heap_default(), 0));
}

void states_made(void)
{
    static const size_t sizes[] = { 1, 40, 128, 1024, 4096, 20000, 65536 };
    talus_heap_stats_t  stats;
    COUNT(ROW_STATS, 0, talus_heap_stats(talus_heap_default(), &stats));
    for (unsigned i = 0; i < CPUS; i++) {
        void *block;
        on_cpu(i);
        COUNT(ROW_MALLOC_FIRST, 0, block = talus_malloc(100));
        counted_free(block, 100);
    }
    demand_all_free();
    retry();
    sized_and_zeroed();
    misuse();
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        full_of_one_size(sizes[i] < sizeof(struct link) ? sizeof(struct link) : sizes[i]);
    asking_again_helps(0);
    asking_again_helps(1);
    all_due_at_once(BY_MALLOC);
    all_due_at_once(BY_FAILURE);
    all_due_at_once(BY_FREE);
    many_runs();
    freed_by_handlers();
    reserves(64);
    reserves(5000);
    reserves(TL_CLASS_MAX);
    reserves(2 * TL_CLASS_MAX);
}
