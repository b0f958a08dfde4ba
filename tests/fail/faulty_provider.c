#include "fail/faulty_provider.h"

#include <string.h>

static void violated_locked(struct faulty_provider *faulty, const char *what)
{
    faulty->violations++;
    if (faulty->violation == NULL)
        faulty->violation = what;
}

static bool is_page_multiple(uintptr_t value)
{
    return value % TALUS_PAGE_SIZE == 0;
}

/* Takes the next number. Returns true when this request is to fail. */
static bool begin_request_locked(struct faulty_provider *faulty, size_t bytes)
{
    bool fails;

    if (bytes == 0 || !is_page_multiple(bytes))
        violated_locked(faulty, "a request that is not a number of pages");
    faulty->requests++;
    fails = faulty->fail_at != 0 && (faulty->requests == faulty->fail_at ||
                                     (faulty->fail_onwards && faulty->requests > faulty->fail_at));
    if (fails)
        faulty->failures++;
    return fails;
}

static size_t find_locked(const struct faulty_provider *faulty, const void *start)
{
    for (size_t i = 0; i < faulty->count; i++)
        if (faulty->blocks[i].start == start)
            return i;
    return SIZE_MAX;
}

static void remember_locked(struct faulty_provider *faulty, void *start, size_t bytes)
{
    if (!is_page_multiple((uintptr_t)start))
        violated_locked(faulty, "the provider below gave a block that is not aligned to a page");
    if (faulty->count == FAULTY_BLOCKS_MAX) {
        violated_locked(faulty, "more blocks than FAULTY_BLOCKS_MAX");
        return;
    }
    faulty->blocks[faulty->count++] = (struct faulty_block){ start, bytes };
    faulty->bytes += bytes;
    if (faulty->bytes > faulty->bytes_peak)
        faulty->bytes_peak = faulty->bytes;
}

/* Forgets a block that is given back whole. Returns false when it is none of ours, or not whole. */
static bool forget_locked(struct faulty_provider *faulty, const void *start, size_t bytes)
{
    size_t at = find_locked(faulty, start);

    if (at == SIZE_MAX || faulty->blocks[at].bytes != bytes) {
        violated_locked(faulty, at == SIZE_MAX
                                    ? "not a block that was given out"
                                    : "a block with another size than it was given with");
        return false;
    }
    faulty->blocks[at] = faulty->blocks[--faulty->count];
    faulty->bytes -= bytes;
    return true;
}

static void *faulty_map(void *context, size_t bytes)
{
    struct faulty_provider *faulty = context;
    void                   *block = NULL;
    bool                    fails;

    pthread_mutex_lock(&faulty->lock);
    if (faulty->mapping++ != 0)
        violated_locked(faulty, "two map calls at a time");
    fails = begin_request_locked(faulty, bytes);
    pthread_mutex_unlock(&faulty->lock);
    if (!fails)
        block = faulty->below.map(faulty->below.context, bytes);
    pthread_mutex_lock(&faulty->lock);
    faulty->mapping--;
    if (block != NULL) {
        faulty->maps++;
        remember_locked(faulty, block, bytes);
    } else if (!fails) {
        faulty->failures++;
    }
    pthread_mutex_unlock(&faulty->lock);
    return block;
}

static void faulty_unmap(void *context, void *block, size_t bytes)
{
    struct faulty_provider *faulty = context;
    bool                    known;

    pthread_mutex_lock(&faulty->lock);
    faulty->unmaps++;
    known = forget_locked(faulty, block, bytes);
    pthread_mutex_unlock(&faulty->lock);
    if (known)
        faulty->below.unmap(faulty->below.context, block, bytes);
}

/* Whether these are whole units, a power of two of bytes, of one block that was given out. */
static bool lies_in_a_block_locked(const struct faulty_provider *faulty, const void *pages,
                                   size_t bytes, size_t unit)
{
    const unsigned char *start = pages;

    if ((((uintptr_t)pages | bytes) & (unit - 1)) != 0)
        return false;
    for (size_t i = 0; i < faulty->count; i++)
        if (start >= faulty->blocks[i].start &&
            start + bytes <= faulty->blocks[i].start + faulty->blocks[i].bytes)
            return true;
    return false;
}

static bool faulty_purge(void *context, void *pages, size_t bytes)
{
    struct faulty_provider *faulty = context;
    size_t                  unit = faulty->below.purge_unit;
    bool                    inside;

    pthread_mutex_lock(&faulty->lock);
    faulty->purges++;
    inside = lies_in_a_block_locked(faulty, pages, bytes, unit != 0 ? unit : TALUS_PAGE_SIZE);
    if (!inside)
        violated_locked(faulty, "a purge of what is not whole pages of one block");
    pthread_mutex_unlock(&faulty->lock);
    return inside && faulty->below.purge(faulty->below.context, pages, bytes);
}

static bool faulty_move(void *context, void *from, void *to, size_t bytes)
{
    struct faulty_provider *faulty = context;
    bool                    moved = false;
    bool                    allowed;

    pthread_mutex_lock(&faulty->lock);
    allowed = !begin_request_locked(faulty, bytes);
    if (allowed && (!lies_in_a_block_locked(faulty, to, bytes, TALUS_PAGE_SIZE) ||
                    !lies_in_a_block_locked(faulty, from, bytes, TALUS_PAGE_SIZE))) {
        violated_locked(faulty, "a move from or to what is not whole pages of one block");
        allowed = false;
    }
    pthread_mutex_unlock(&faulty->lock);
    if (!allowed)
        return false;
    moved = faulty->below.move(faulty->below.context, from, to, bytes);
    pthread_mutex_lock(&faulty->lock);
    if (moved)
        faulty->moves++;
    else
        faulty->failures++;
    pthread_mutex_unlock(&faulty->lock);
    return moved;
}

/* Whether `below` moves anything at all: a system that always refuses would look like a provider
 * that fails each time. */
static bool can_move(const talus_provider *below)
{
    const size_t bytes = TALUS_PAGE_SIZE;
    void        *from = NULL;
    void        *to = NULL;
    bool         moved = false;

    if (below->move == NULL || below->unmap == NULL)
        return below->move != NULL;
    from = below->map(below->context, bytes);
    to = below->map(below->context, bytes);
    if (from != NULL && to != NULL)
        moved = below->move(below->context, from, to, bytes);
    if (from != NULL)
        below->unmap(below->context, from, bytes);
    if (to != NULL)
        below->unmap(below->context, to, bytes);
    return moved;
}

void faulty_provider_open(struct faulty_provider *faulty, const talus_provider *below)
{
    memset(faulty, 0, sizeof *faulty);
    faulty->below = below != NULL ? *below : *talus_provider_mmap();
    pthread_mutex_init(&faulty->lock, NULL);
    faulty->provider = (talus_provider){
        .map = faulty_map,
        .unmap = faulty->below.unmap != NULL ? faulty_unmap : NULL,
        .purge = faulty->below.purge != NULL ? faulty_purge : NULL,
        .move = can_move(&faulty->below) ? faulty_move : NULL,
        .context = faulty,
        .zeroed = faulty->below.zeroed,
        .purge_unit = faulty->below.purge_unit,
    };
}

void faulty_provider_close(struct faulty_provider *faulty)
{
    pthread_mutex_destroy(&faulty->lock);
}
