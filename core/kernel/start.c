/* start.c: a kernel's heap begins: the first block becomes its data and its first pages (R11, R12).
 *
 *   [ page map's table, zero descriptor | the heap's structures: caches, descriptors | pages ] */
#include "core/heap.h"
#include "core/meta.h"
#include "core/pagemap.h"
#include "core/report.h"
#include "core/runs.h"
#include <talus/port.h>

/* What one heap needs beside the caches: descriptors of the first spans and runs. */
#define DESCRIPTORS_FIRST TL_USUAL_OR_SMALL(4 * TL_DESCRIPTOR_BATCH, 2u)

static bool started; /* written once, before any other CPU is in the heap */

bool tl_init(void)
{
    return started;
}

static void *map_by_port(void *context, size_t bytes)
{
    (void)context;
    return talus_port_map(bytes);
}

static void unmap_by_port(void *context, void *block, size_t bytes)
{
    (void)context;
    talus_port_unmap(block, bytes);
}

static const talus_provider provider = { .map = map_by_port, .unmap = unmap_by_port };

const talus_provider *tl_provider_default(void)
{
    return &provider;
}

/* A cache, a heap, descriptors for a span and what is left of its run. */
#define META_LOW                                        \
    (sizeof(struct tl_cache) + sizeof(struct tl_heap) + \
     2 * TL_DESCRIPTOR_BATCH * sizeof(struct tl_span))
TL_STATIC_ASSERT(TL_SMALL || META_LOW <= TL_META_CHUNK, "a chunk is enough");

#define FILL_TRIES 16u

static tl_atomic_u32 filling; /* atomic: 1 while somebody is at it, who may use the reserve */

/* False: the default heap's pages cannot be had. */
static bool fill_meta(size_t low)
{
    struct tl_pool *pool = &tl_default_heap.pool;
    size_t          least = low > TL_META_CHUNK ? low : TL_META_CHUNK;
    size_t          pages = (least + TL_PAGE_SIZE - 1) >> TL_PAGE_SHIFT;
    void           *memory;
    /* others may take what a growth brought */
    for (unsigned tries = FILL_TRIES; (memory = tl_pool_take_for_good(pool, pages)) == NULL;)
        if (tries-- == 0 || !tl_port_may_block() || !tl_pool_grow(pool, pages, true))
            return false;
    size_t bytes = pages << TL_PAGE_SHIFT, left;
    void  *rest = tl_meta_give(memset(memory, 0, bytes), bytes, &left);
    (void)tl_descriptors_add(rest, left);
    return true;
}

bool tl_kernel_meta_ready(size_t bytes)
{
    bool   filled = true;
    size_t low = TL_SMALL ? bytes : META_LOW;
    while (filled && tl_meta_left() < low) {
        uint32_t idle = 0;
        if (tl_cas32_acquire(&filling, &idle, 1)) { /* pairs with the release below */
            if (tl_meta_left() < low)
                filled = fill_meta(low);
            tl_store32_release(&filling, 0);
        } else if (tl_port_may_block()) {
            tl_port_wait(&filling, 1);
        } else {
            break; /* with what there is */
        }
    }
    return filled;
}

static uintptr_t round_up(uintptr_t value, size_t unit)
{
    return (value + unit - 1) & ~(uintptr_t)(unit - 1);
}

TL_SLOW bool talus_kernel_start(const talus_kernel_options *options)
{
    unsigned  cpus = options->cpus != 0 ? options->cpus : 1;
    size_t    window = options->window > options->bytes ? options->window : options->bytes;
    uintptr_t first = round_up((uintptr_t)options->block, TL_LINE_SIZE);
    uintptr_t end = tl_block_end(options->block, options->bytes);
    if (started || cpus > TALUS_CPUS_MAX || options->block == NULL || window > TL_REQUEST_MAX ||
        options->bytes < TL_PAGE_SIZE || (!TL_GROWS && options->heap.provider != NULL))
        return false;
    unsigned bits = tl_log2_ceil(window >> TL_PAGE_SHIFT); /* the whole pages in it */
    size_t   table = round_up(tl_page_map_bytes_for(bits), TL_LINE_SIZE);
    size_t   data = cpus * round_up(sizeof(struct tl_cache), TL_LINE_SIZE) +
                  DESCRIPTORS_FIRST * sizeof(struct tl_span);
    size_t runs = options->heap.real_time ? options->bytes >> TL_PAGE_SHIFT : 0;
    data += runs * sizeof(struct tl_span);
    uintptr_t pages = round_up(first + table + data, TL_PAGE_SIZE);
    if (pages >= end || end - pages > options->bytes)
        return false;
    memset((void *)first, 0, pages - first);
    tl_class_table_init();
    tl_page_map_place((void *)first, bits);
    size_t left;
    (void)tl_meta_give((void *)(first + table), pages - first - table, &left);
    if (options->misuse_panics)
        tl_misuse_set_policy(TL_MISUSE_ABORT);
    tl_heap_init(&tl_default_heap, &options->heap);
    started = tl_heap_begin(&tl_default_heap) &&
              tl_pool_add(&tl_default_heap.pool, (void *)pages, end - pages, true);
    tl_spares_provide(&tl_default_heap.pool, runs);
    return started;
}
