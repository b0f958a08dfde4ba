#include "kernel/owner.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "arch/atomic.h"
#include "lib/rng.h"

enum { BLOCKS = 6, PAGES = 48 };

static _Alignas(TALUS_PAGE_SIZE) char memory[BLOCKS][PAGES * TALUS_PAGE_SIZE];
static bool            given[BLOCKS]; /* lock; set before the heap has it */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char     *problem; /* lock */

static tl_atomic_u32 stopped, enough;
static unsigned      expands, drains, kept, returns; /* the owner's thread; returns: lock */
static size_t        contracted, shrunk;

static void wrong(const char *what)
{
    pthread_mutex_lock(&lock);
    problem = what;
    pthread_mutex_unlock(&lock);
}

/* By any thread. What lay there is gone: a block that is still in use shows it. */
static void take_back(void *context, talus_heap *heap, void *block, size_t bytes)
{
    (void)context;
    (void)heap;
    size_t offset = (size_t)((char *)block - memory[0]);
    bool   whole = offset % sizeof memory[0] == 0 && bytes == sizeof memory[0];
    if (owner_is_pinned() || offset >= sizeof memory || !whole) {
        wrong("what came back is no block of the owner's, or came to a pinned thread");
        return;
    }
    memset(block, 0x77, bytes);
    pthread_mutex_lock(&lock);
    if (!given[offset / sizeof memory[0]])
        problem = "a block came back twice";
    given[offset / sizeof memory[0]] = false;
    returns++;
    pthread_mutex_unlock(&lock);
}

void owner_options(talus_heap_options *options)
{
    options->low_water = 16 * TALUS_PAGE_SIZE;
    options->on_removed = take_back;
}

static void give(talus_heap *heap, size_t which)
{
    pthread_mutex_lock(&lock);
    bool out = !given[which];
    given[which] = true;
    pthread_mutex_unlock(&lock);
    if (!out)
        return;
    if (talus_heap_expand(heap, memory[which], sizeof memory[0]))
        expands++;
    else
        wrong("the heap does not take a block");
}

/* One of the owner's blocks, or one of the provider's: where a new block happens to lie. */
static void drain(talus_heap *heap, uint64_t draw)
{
    void *block = NULL;
    char *address = memory[draw / 8 % BLOCKS];
    if (draw % 4 == 0)
        address = block = talus_heap_alloc(heap, 1 + draw / 64 % 100000, 0, NULL);
    bool marked = address != NULL && talus_heap_drain(heap, address + draw % 4, draw % 8 != 1);
    drains += marked;
    if (block != NULL && marked && draw % 3 == 0) /* or it drains with the block */
        talus_heap_drain(heap, address, false);
    talus_heap_free(heap, block);
}

static bool did_enough(void)
{
    pthread_mutex_lock(&lock);
    bool all_came_back = returns >= BLOCKS;
    pthread_mutex_unlock(&lock);
    return all_came_back && contracted != 0 && shrunk != 0;
}

bool owner_did_enough(void)
{
    return tl_load32_relaxed(&enough) != 0;
}

void owner_work(talus_heap *heap, uint64_t seed)
{
    struct rng rng = { seed };
    while (tl_load32_relaxed(&stopped) == 0) {
        if (!owner_did_enough())
            tl_store32_relaxed(&enough, did_enough());
        uint64_t draw = rng_next(&rng), more = draw / 16;
        switch (draw % 16) {
        case 0:
            contracted += talus_heap_contract(heap, (uint32_t)(more % 3 * 50));
            break;
        case 1:
            shrunk += talus_heap_shrink(heap, more % 300);
            break;
        case 2:
            talus_heap_trim(heap);
            break;
        case 3:
        case 4:
        case 5:
        case 6:
            drain(heap, more);
            break;
        default:
            give(heap, more % BLOCKS);
        }
    }
}

void owner_stop(void)
{
    tl_store32_relaxed(&stopped, 1);
}

void owner_ends(talus_heap *heap)
{
    for (size_t i = 0; i < BLOCKS; i++)
        if (given[i] && !talus_heap_drain(heap, memory[i], true)) {
            given[i] = false; /* the heap has data of its own there */
            kept++;
        }
}

const char *owner_problem(void)
{
    printf("owner: %u blocks given, %u came back, %u stay, %u marks; %zu bytes contracted, %zu "
           "pages shrunk\n",
           expands, returns, kept, drains, contracted, shrunk);
    for (size_t i = 0; i < BLOCKS; i++)
        if (given[i])
            problem = "a block that was marked did not come back";
    if (expands != returns + kept)
        problem = "as many blocks must come back as were given";
    if (!did_enough())
        problem = "no pressure: nothing went back";
    return problem;
}
