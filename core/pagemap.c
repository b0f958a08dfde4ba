/* pagemap.c: reserving and growing the page map. Theory: pagemap.h. */
#include "core/pagemap.h"
#include "arch/port.h"
#include "core/meta.h"
#include "core/region.h"

uintptr_t tl_page_fold = UINTPTR_MAX;
#if TL_SMALL /* nothing is called before there is a heap */
char *tl_page_base;
#else
/* The map before there is one: every address has the index -1, whose entry is zero. */
static struct {
    tl_atomic_u32  entry[16];
    struct tl_span zero;
} no_map;

char *tl_page_base = (char *)&no_map.zero;
#endif

#if !TL_KERNEL
static size_t descriptors_used;  /* bytes above base; tl_meta_lock */
static size_t descriptors_bytes; /* bytes reserved */
#endif
static struct tl_span *recycled_spans; /* tl_meta_lock */
/* the table does not cover every address; a kernel's, made for a window, is taken not to */
static bool folded = TL_KERNEL;

#define ADDRESS_PAGE_BITS (TL_ADDRESS_BITS - TL_PAGE_SHIFT)
#define PAGE_BITS_MIN     10u
/* bytes: for half a TiB in runs of one page; where addresses have 32 bits, for every page of them
 * */
#define DESCRIPTORS_MAX         (sizeof(void *) == 8 ? (size_t)8 << 30 : SIZE_MAX)
#define DESCRIPTORS_BESIDE_RUNS 256u /* the zero descriptor, regions, spares */

#if !TL_KERNEL
/* Page-number bits for a limited address space: four times as many entries as pages can exist, or
 * more, so that folding never meets in practice. With a descriptor for each page the map reserves
 * about 1/50 of the limit. */
static unsigned page_bits_for(size_t address_space)
{
    if (address_space == SIZE_MAX)
        return ADDRESS_PAGE_BITS;
    size_t   pages = address_space >> TL_PAGE_SHIFT;
    unsigned bits = pages == 0 ? PAGE_BITS_MIN : tl_log2_floor(pages) + 3;
    if (bits < PAGE_BITS_MIN)
        bits = PAGE_BITS_MIN;
    return bits < ADDRESS_PAGE_BITS ? bits : ADDRESS_PAGE_BITS;
}

bool tl_page_map_init(void)
{
    size_t address_space = tl_port_address_space();
    for (unsigned bits = page_bits_for(address_space); bits >= PAGE_BITS_MIN; bits--) {
        size_t table = (size_t)sizeof(uint32_t) << bits;
        size_t pages = (size_t)1 << bits;
        if (pages > address_space >> TL_PAGE_SHIFT)
            pages = address_space >> TL_PAGE_SHIFT;
        size_t descriptors = (pages + DESCRIPTORS_BESIDE_RUNS) * sizeof(struct tl_span);
        if (table < TL_PAGE_SIZE)
            table = TL_PAGE_SIZE; /* base must be aligned for descriptors */
        if (descriptors > DESCRIPTORS_MAX)
            descriptors = DESCRIPTORS_MAX;
        char *reserved = (char *)tl_port_reserve(table + descriptors);
        if (reserved == NULL)
            continue;
        descriptors_bytes = descriptors;
        descriptors_used = sizeof(struct tl_span); /* the zero descriptor */
        tl_meta_in_use += descriptors_used;
        folded = bits < ADDRESS_PAGE_BITS;
        tl_page_base = reserved + table;
        tl_meta_note_area(reserved, table + descriptors);
        tl_page_fold = ~(uintptr_t)0 << bits;
        return true;
    }
    return false;
}

#endif

size_t tl_page_map_bytes_for(unsigned bits)
{
    size_t table = ((size_t)sizeof(uint32_t) << bits) + TL_LINE_SIZE - 1;
    return (table & ~(size_t)(TL_LINE_SIZE - 1)) + sizeof(struct tl_span);
}

void tl_page_map_place(void *memory, unsigned bits)
{
    tl_page_base = (char *)memory + tl_page_map_bytes_for(bits) - sizeof(struct tl_span);
    tl_page_fold = ~(uintptr_t)0 << bits;
}

#if TL_KERNEL
struct tl_span *tl_span_at(uintptr_t address)
{
    return tl_page_span(address);
}

void tl_page_set(uintptr_t address, const struct tl_span *span)
{
    tl_store32_relaxed(tl_page_entry(address), tl_page_offset(span));
}
#endif

/* Whether a block shares no entry with another block of ours, nor with the page of NULL: free(NULL)
 * must find nothing. */
static bool fits_folded_locked(uintptr_t start, size_t pages)
{
    size_t entries = ~tl_page_fold + 1;
    size_t first = (start >> TL_PAGE_SHIFT) & (entries - 1);
    bool   in_order = first != 0 && pages <= entries - first;
    /* a kernel's free compares with NULL, and its table may be entered at any place */
    return (in_order || TL_KERNEL) && pages <= entries &&
           !tl_region_folds_onto_another_locked(start, pages, entries);
}

bool tl_page_map_cover(struct tl_region *region)
{
    uintptr_t first = (uintptr_t)tl_page_entry(region->start);
    size_t    bytes = region->pages * sizeof(uint32_t);
    tl_meta_acquire();
    /* a provider's blocks are never in use already, but what an owner gives may be */
    bool fits = !(folded || region->given) || fits_folded_locked(region->start, region->pages);
    if (fits)
        fits = tl_port_commit((void *)first, bytes);
    if (fits) {
        tl_meta_in_use += bytes;
        tl_region_enlist_locked(region);
    }
    tl_meta_release();
    return fits;
}

static struct tl_span *chain_of(struct tl_span *spans, size_t count, struct tl_span *chain)
{
    for (size_t i = count; i-- > 0;) {
        tl_span_set_kind(&spans[i], TL_SPAN_UNUSED);
        spans[i].free.next = chain;
        chain = &spans[i];
    }
    return chain;
}

/* Up to `count` of those that were given back. */
static struct tl_span *take_recycled_locked(unsigned count, unsigned *got)
{
    struct tl_span *chain = NULL;
    *got = 0;
    while (recycled_spans != NULL && *got < count) {
        struct tl_span *span = recycled_spans;
        recycled_spans = span->free.next;
        tl_meta_in_use += sizeof *span;
        span->free.next = chain;
        chain = span;
        ++*got;
    }
    return chain;
}

#if TL_KERNEL

/* On 32 bits an entry reaches every address, by wrapping around. */
static bool entry_reaches(const struct tl_span *span)
{
    uintptr_t most = sizeof(void *) == 8 ? (uintptr_t)INT32_MAX * 8 : UINTPTR_MAX / 2;
    return (uintptr_t)span - (uintptr_t)tl_page_base + most <= 2 * most;
}

/* They lie wherever a kernel's blocks are, as far as an entry reaches. NULL: there is none. */
static struct tl_span *descriptors_at(void *memory, size_t bytes)
{
    struct tl_span *spans = (struct tl_span *)memory;
    size_t          count = bytes / sizeof *spans;
    if (spans == NULL || count == 0 || !entry_reaches(spans) || !entry_reaches(spans + count - 1))
        return NULL;
    return chain_of(spans, count, NULL);
}

bool tl_descriptors_add(void *memory, size_t bytes)
{
    struct tl_span *chain = descriptors_at(memory, bytes);
    tl_descriptors_recycle(chain);
    return chain != NULL;
}

struct tl_span *tl_descriptors_new(unsigned count, unsigned *got)
{
    const size_t bytes = TL_DESCRIPTOR_BATCH * sizeof(struct tl_span);
    tl_meta_acquire();
    struct tl_span *chain = take_recycled_locked(count, got);
    tl_meta_release();
    if (chain == NULL) {
        chain = descriptors_at(tl_meta_new(bytes), bytes);
        *got = chain != NULL ? TL_DESCRIPTOR_BATCH : 0;
    }
    return chain;
}

#else

struct tl_span *tl_descriptors_new(unsigned count, unsigned *got)
{
    tl_meta_acquire();
    struct tl_span *chain = take_recycled_locked(count, got);
    count -= *got;
    /* Whole batches end together, so that no system page is touched for its first descriptor. */
    size_t   first = descriptors_used / sizeof(struct tl_span);
    unsigned beyond = (unsigned)((first + count) % TL_DESCRIPTOR_BATCH);
    if (count > beyond)
        count -= beyond;
    size_t room = (descriptors_bytes - descriptors_used) / sizeof(struct tl_span);
    if (count > room)
        count = (unsigned)room;
    char *next = tl_page_base + descriptors_used;
    if (count > 0 && tl_port_commit(next, count * sizeof(struct tl_span))) {
        chain = chain_of((struct tl_span *)next, count, chain);
        descriptors_used += count * sizeof(struct tl_span);
        tl_meta_in_use += count * sizeof(struct tl_span);
        *got += count;
    }
    tl_meta_release();
    return chain;
}

#endif

void tl_descriptors_recycle(struct tl_span *chain)
{
    if (chain == NULL)
        return;
    size_t          bytes = sizeof *chain;
    struct tl_span *last = chain;
    for (; last->free.next != NULL; last = last->free.next)
        bytes += sizeof *chain;
    tl_meta_acquire();
    last->free.next = recycled_spans;
    recycled_spans = chain;
    tl_meta_in_use -= bytes;
    tl_meta_release();
}
