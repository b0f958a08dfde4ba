/* meta.c: bump allocation of the heap's own structures. See meta.h. */
#include "core/meta.h"
#include "arch/port.h"

#define META_CHUNK ((size_t)256 * 1024)

struct tl_lock tl_meta_lock = TL_LOCK_INIT;

size_t tl_meta_in_use; /* tl_meta_lock, as all below */

static char  *chunk;
static size_t chunk_left;

/* Where structures lie. Each atomic: written under tl_meta_lock, read by anybody. */
static struct {
    tl_atomic_word start;
    tl_atomic_word end; /* 0: not in use */
} areas[TL_META_AREAS];

void tl_meta_note_area(const void *memory, size_t bytes)
{
    uintptr_t start = (uintptr_t)memory, end = start + bytes;
    for (unsigned i = 0; i < TL_META_AREAS; i++) {
        uintptr_t area_end = tl_load_relaxed(&areas[i].end);
        bool      before = tl_load_relaxed(&areas[i].start) == end;
        if (area_end == 0 || before)
            tl_store_relaxed(&areas[i].start, start);
        if (area_end == 0 || area_end == start)
            tl_store_release(&areas[i].end, end); /* pairs with tl_meta_holds: start is set */
        if (area_end == 0 || area_end == start || before)
            return;
    }
}

bool tl_meta_holds(const void *structure, size_t bytes)
{
    uintptr_t first = (uintptr_t)structure;
    bool      held = TL_MUTANT_dump_unchecked != 0;
    for (unsigned i = 0; i < TL_META_AREAS && first % TL_LINE_SIZE == 0; i++) {
        uintptr_t end = tl_load_acquire(&areas[i].end); /* pairs with tl_meta_note_area */
        held |= first >= tl_load_relaxed(&areas[i].start) && first < end && bytes <= end - first;
    }
    return held;
}

static void *cut(size_t bytes)
{
    void *memory = chunk;
    chunk += bytes;
    chunk_left -= bytes;
    return memory;
}

static size_t whole_lines(size_t bytes)
{
    return (bytes + TL_LINE_SIZE - 1) & ~(size_t)(TL_LINE_SIZE - 1);
}

void *tl_meta_new(size_t bytes)
{
    void *memory = NULL;
    bytes = whole_lines(bytes);
    if (TL_MUTANT_align_meta_half)
        bytes += TL_LINE_SIZE / 2;
    tl_meta_acquire();
    if (bytes <= chunk_left) {
        memory = cut(bytes);
    } else if (bytes > META_CHUNK / 4) {
        memory = tl_port_map(bytes, TL_LINE_SIZE);
        if (memory != NULL)
            tl_meta_note_area(memory, bytes);
    } else {
        char *fresh = (char *)tl_port_map(META_CHUNK, TL_LINE_SIZE);
        if (fresh != NULL) {
            chunk = fresh; /* the rest of the old chunk, under a quarter, stays unused */
            chunk_left = META_CHUNK;
            tl_meta_note_area(fresh, META_CHUNK);
            memory = cut(bytes);
        }
    }
    if (memory != NULL)
        tl_meta_in_use += bytes;
    tl_meta_release();
    return memory;
}

#if !TL_KERNEL
void *tl_meta_wipe(void *structure, size_t bytes)
{
    typedef uintptr_t __attribute__((may_alias)) word;
    word  *words = (word *)structure;
    size_t left = bytes / sizeof *words;
    do
        tl_poke(&words[--left], 0);
    while (left > 0);
    return structure;
}
#endif

void *tl_meta_give(void *memory, size_t bytes, size_t *left)
{
    tl_meta_acquire();
    void *rest = chunk;
    *left = chunk_left;
    tl_meta_in_use += chunk_left;
    chunk = (char *)memory;
    chunk_left = bytes;
    tl_meta_note_area(memory, bytes);
    tl_meta_release();
    return rest;
}

size_t tl_meta_left(void)
{
    tl_meta_acquire();
    size_t bytes = chunk_left;
    tl_meta_release();
    return bytes;
}

size_t tl_meta_bytes(void)
{
    tl_meta_acquire();
    size_t bytes = tl_meta_in_use;
    tl_meta_release();
    return bytes;
}
