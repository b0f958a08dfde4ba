/* heap.c: the heap of a scenario: its port, its blocks, and their owners. See scenario.h. */
#include "explore/scenario.h"

#include "core/heap.h"
#include "core/sizeclass.h"

#include <stdio.h>
#include <string.h>
#include <talus/port.h>

enum { CPUS = EX_CPUS_MAX, GRANULES = EX_ARENA_BYTES / TALUS_ALIGN_MIN };

struct slot {
    tl_atomic_word block; /* atomic: 0 or a pointer */
};

static struct slot slots[EX_SLOTS];
static uint8_t     owner[GRANULES]; /* the slot of the block that the granule is part of, and 1 */
static size_t      bytes_of[EX_SLOTS];
static bool        grows;
static size_t      given; /* bytes of the arena that the heap has, or had */

/* ---- the port ---- */

void talus_port_panic(const char *line)
{
    ex_fail("panic: %s", line);
}

unsigned talus_port_pin(void)
{
    return ex_pin();
}

void talus_port_unpin(void)
{
    ex_unpin();
}

unsigned talus_port_cpu(void)
{
    return ex_cpu();
}

void talus_port_relax(void)
{
    tl_explore_spin();
}

void talus_port_yield(void)
{
    tl_explore_spin();
}

void talus_port_write(const char *text, size_t length)
{
    (void)text;
    (void)length;
}

bool ex_idling;

bool talus_port_may_block(void)
{
    return !ex_idling;
}

void *talus_port_map(size_t bytes)
{
    if (ex_is_pinned())
        ex_fail("port: asked for memory by a pinned thread");
    ex_point("map");
    return grows ? ex_memory(bytes) : NULL;
}

void talus_port_unmap(void *block, size_t bytes)
{
    if (ex_is_pinned())
        ex_fail("port: given memory by a pinned thread");
    ex_point("unmap");
    ex_memory_is_back(block, bytes);
}

/* ---- locks: the linker puts these around the core's calls (--wrap) ---- */

void __real_tl_lock_acquire(struct tl_lock *lock);
void __real_tl_lock_release(struct tl_lock *lock);
void __wrap_tl_lock_acquire(struct tl_lock *lock);
void __wrap_tl_lock_release(struct tl_lock *lock);

void __wrap_tl_lock_acquire(struct tl_lock *lock)
{
    ex_lock_begin(lock);
    __real_tl_lock_acquire(lock);
    ex_lock_taken(lock);
}

void __wrap_tl_lock_release(struct tl_lock *lock)
{
    ex_unlock_begin(lock);
    __real_tl_lock_release(lock);
    ex_unlock_end();
}

/* ---- owners ---- */

static size_t granule_of(const void *block)
{
    return (size_t)((const char *)block - ex_arena()) / TALUS_ALIGN_MIN;
}

static uintptr_t pattern_of(unsigned slot, size_t granule)
{
    return (uintptr_t)0x7a1057a1 * (slot + 1) + granule;
}

static void own(void *block, size_t bytes, unsigned slot)
{
    size_t first = granule_of(block);
    size_t count = (bytes + TALUS_ALIGN_MIN - 1) / TALUS_ALIGN_MIN;
    if ((uintptr_t)block % TALUS_ALIGN_MIN != 0 || first >= GRANULES || count > GRANULES - first)
        ex_fail("bad block: %p for slot %u", block, slot);
    for (size_t i = first; i < first + count; i++) {
        if (owner[i] != 0)
            ex_fail("double allocation: %zu bytes at %p, for slot %u, overlap the block of slot %u",
                    bytes, block, slot, owner[i] - 1u);
        owner[i] = (uint8_t)(slot + 1);
        *(uintptr_t *)(void *)(ex_arena() + i * TALUS_ALIGN_MIN) = pattern_of(slot, i);
    }
    bytes_of[slot] = bytes;
}

static void disown(void *block, size_t bytes, unsigned slot)
{
    size_t first = granule_of(block);
    size_t count = (bytes + TALUS_ALIGN_MIN - 1) / TALUS_ALIGN_MIN;
    for (size_t i = first; i < first + count; i++) {
        if (*(uintptr_t *)(void *)(ex_arena() + i * TALUS_ALIGN_MIN) != pattern_of(slot, i))
            ex_fail("damage: the block at %p, of slot %u, was written to at byte %zu", block, slot,
                    (i - first) * TALUS_ALIGN_MIN);
        owner[i] = 0;
    }
}

void *ex_memory(size_t bytes)
{
    if (EX_ARENA_BYTES - given < bytes)
        return NULL;
    given += bytes;
    ex_arena_use(given);
    return memset(ex_arena() + given - bytes, 0xa5, bytes);
}

void ex_memory_is_back(void *block, size_t bytes)
{
    size_t first = granule_of(block);
    for (size_t i = first; i < first + bytes / TALUS_ALIGN_MIN; i++)
        if (owner[i] != 0)
            ex_fail("in use: %zu bytes at %p leave the heap with the block of slot %u in them",
                    bytes, block, owner[i] - 1u);
    memset(block, 0x5a, bytes);
}

void ex_own(void *block, size_t bytes, unsigned slot)
{
    own(block, bytes, slot);
    tl_store_release(&slots[slot].block, (uintptr_t)block);
}

void *ex_block(unsigned slot)
{
    return (void *)slots[slot].block.value;
}

void *ex_give(unsigned slot)
{
    void *block = (void *)tl_swap_acquire(&slots[slot].block, 0);
    if (block != NULL)
        disown(block, bytes_of[slot], slot);
    return block;
}

bool ex_alloc(unsigned slot, size_t size)
{
    void *block = talus_malloc(size);
    if (block != NULL)
        ex_own(block, size, slot);
    return block != NULL;
}

bool ex_alloc_in(talus_heap *heap, unsigned slot, size_t size, size_t align)
{
    void *block = talus_heap_alloc(heap, size, align, NULL);
    if (align != 0 && (uintptr_t)block % align != 0)
        ex_fail("bad block: %p is not aligned to %zu", block, align);
    if (block != NULL)
        ex_own(block, size, slot);
    return block != NULL;
}

bool ex_alloc_pages(unsigned slot, size_t pages)
{
    return ex_alloc_in(talus_heap_default(), slot, pages << TL_PAGE_SHIFT, 2 * TL_PAGE_SIZE);
}

/* Between the two the block is nobody's: it may move. */
void ex_realloc(unsigned slot, size_t size)
{
    void *block = (void *)tl_swap_acquire(&slots[slot].block, 0);
    if (block == NULL)
        return;
    size_t before = bytes_of[slot];
    size_t kept = before < size ? before : size;
    size_t first = granule_of(block);
    for (size_t i = first; i < first + (before + TALUS_ALIGN_MIN - 1) / TALUS_ALIGN_MIN; i++)
        owner[i] = 0;
    char *moved = talus_realloc(block, size);
    char *now = moved != NULL ? moved : block;
    for (size_t at = 0; at < kept; at += TALUS_ALIGN_MIN)
        if (*(uintptr_t *)(void *)(now + at) != pattern_of(slot, first + at / TALUS_ALIGN_MIN))
            ex_fail("damage: realloc from %p to %p lost byte %zu", block, (void *)now, at);
    ex_own(now, moved != NULL ? size : before, slot);
}

void ex_free(unsigned slot)
{
    void *block = ex_give(slot);
    if (block != NULL)
        talus_free(block);
}

void ex_free_from_interrupt(unsigned slot)
{
    talus_free_from_interrupt(ex_give(slot));
}

bool ex_take(talus_reserve *reserve, unsigned slot)
{
    void *block = talus_reserve_take(reserve);
    if (block != NULL)
        ex_own(block, EX_SIZE, slot);
    return block != NULL;
}

void ex_put(talus_reserve *reserve, unsigned slot)
{
    void *block = ex_give(slot);
    if (block != NULL)
        talus_reserve_put(reserve, block);
}

/* ---- descriptors that nobody uses ---- */

static bool is_spare(const struct tl_heap *heap, const struct tl_span *span)
{
    const struct tl_span *spare = heap->pool.spare;
    while (spare != NULL && spare != span)
        spare = spare->free.next;
    return spare != NULL;
}

/* A descriptor begins with this line or with the one before. No thread runs: no points. */
void ex_heap_look(uintptr_t address, bool writes)
{
    uintptr_t line = address & ~(uintptr_t)(TL_LINE_SIZE - 1);
    for (uintptr_t at = line - TL_LINE_SIZE; at <= line; at += TL_LINE_SIZE) {
        const struct tl_span *span = (const struct tl_span *)at;
        if (at < (uintptr_t)ex_arena() || at >= (uintptr_t)ex_arena() + EX_ARENA_BYTES ||
            span->kind.value != TL_SPAN_UNUSED)
            continue;
        bool spare = is_spare(&tl_default_heap, span);
        for (const struct tl_heap *heap = tl_heaps_first(); heap != NULL; heap = heap->next)
            spare |= is_spare(heap, span);
        if (spare)
            ex_fail("freed descriptor: byte %zu of a spare one is %s", (size_t)(address - at),
                    writes ? "written" : "read");
    }
}

/* ---- begin and end ---- */

static void on_misuse(talus_misuse what, const void *pointer, const char *message)
{
    ex_fail("misuse %d: %s (%p)", (int)what, message, pointer);
}

void ex_class_bounds(unsigned foreign_max, unsigned credit)
{
    for (unsigned class_id = 0; class_id < TL_CLASS_COUNT; class_id++) {
        struct tl_class *class = &tl_classes[class_id];
        class->span_pages = (uint32_t)((class->block_size * 4 + TL_PAGE_SIZE - 1) >> TL_PAGE_SHIFT);
        class->carve_blocks = 2;
        class->foreign_max = (uint8_t)foreign_max;
        class->credit = (uint8_t)credit;
    }
}

void ex_heap_begin(size_t pages, bool may_grow, talus_heap_options options)
{
    size_t               data = CPUS * sizeof(struct tl_cache) + 64 * sizeof(struct tl_span);
    size_t               bytes = data + (pages << TL_PAGE_SHIFT);
    talus_kernel_options kernel = {
        .block = ex_arena(), .cpus = CPUS, .window = EX_ARENA_BYTES, .heap = options
    };
    bytes = (bytes + TL_PAGE_SIZE - 1) & ~(TL_PAGE_SIZE - 1);
    kernel.bytes = given = bytes;
    ex_arena_use(given);
    kernel.heap.decay_ms = 1000;
    if (kernel.heap.growth == 0)
        kernel.heap.growth = pages << TL_PAGE_SHIFT;
    grows = may_grow;
    ex_idling = false;
    talus_set_misuse_handler(on_misuse);
    if (!talus_kernel_start(&kernel))
        ex_fail("the heap does not start");
    ex_class_bounds(1, 0);
}

void ex_heap_begin_span(unsigned cpus, size_t pages)
{
    ex_heap_begin(pages, false, (talus_heap_options){ 0 });
    for (unsigned slot = 0; slot < 4; slot++)
        ex_alloc(slot, EX_SIZE);
    for (unsigned cpu = 1; cpu < cpus; cpu++) {
        ex_on_cpu(cpu);
        ex_alloc(4, EX_SIZE);
        ex_free(4);
    }
    ex_on_cpu(0);
}

void ex_heap_check(void)
{
    talus_heap_stats_t stats;
    for (unsigned slot = 0; slot < EX_SLOTS; slot++)
        ex_free(slot);
    ex_books_check();
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        talus_kernel_cpu_gone(cpu);
    talus_heap_trim(talus_heap_default());
    talus_heap_stats(talus_heap_default(), &stats);
    if (stats.allocated != 0)
        ex_fail("lost block: the heap counts %zu bytes as allocated, and nobody has one",
                stats.allocated);
    if (stats.free_pages != stats.mapped)
        ex_fail("lost pages: %zu bytes of %zu are free", stats.free_pages, stats.mapped);
    ex_books_check();
}
