/* block.c: blocks that check themselves.
 * 1 Contents    From 16 bytes on: word 0 says size and owner, word 1 is a hash of it, of the
 *               address and of the seed. Words of the body are word 1 plus their offset: all of the
 *               first 128 bytes, then one word in 256 bytes, and the last whole word; then the odd
 *               bytes of the tail. Smaller blocks are filled with a hash of address and seed. A
 *               byte that another owner, a list of the heap or the system wrote shows when the
 *               block is checked, at the latest by the free.
 * 2 TSan        Contents are plain memory: a block that two threads hold is a data race too, and so
 *               is a block handed from one thread's free to another's malloc without order.
 * 3 Order       claim -> fill -> ... -> check -> release -> free: the oracle's word is ours
 *               whenever we touch the block. During realloc it is nobody's: the heap may move it.
 *               */
#include "stress/lib/block.h"

#include "stress/lib/error.h"
#include "stress/lib/handlers.h"
#include "stress/lib/oracle.h"
#include "stress/lib/report.h"
#include "stress/lib/target.h"

#include <string.h>

#define DENSE_BYTES  ((size_t)128)
#define SAMPLE_BYTES ((size_t)256)
#define ZERO_ALL_BYTES \
    ((size_t)65536) /* larger fresh zero blocks are sampled, one word in 256 bytes */
#define USABLE_ONE_IN 64u
#define LEFT_ONE_IN   16u /* frees that are left to handlers, where there are any */
#define NOWHERE       SIZE_MAX

_Static_assert(ST_WORKERS_MAX < UINT32_C(1) << (32 - ST_OWNER_SIZE_BITS),
               "an owner's word holds every worker's number");

uint64_t st_block_seed;

static uint64_t hash_of(const struct st_block *block)
{
    return st_mix((uintptr_t)block->p ^
                  st_mix(block->size ^ (uint64_t)block->owner << 32 ^ st_block_seed));
}

/* Offset of the sampled word after the one at `at`; `words_end`: the offset behind the last whole
 * word. */
static size_t next_word(size_t at, size_t words_end)
{
    size_t last = words_end - sizeof(uint64_t);
    size_t next = at + sizeof(uint64_t) < DENSE_BYTES ? at + sizeof(uint64_t)
                                                      : (at / SAMPLE_BYTES + 1) * SAMPLE_BYTES;
    return at < last && next > last ? last : next;
}

static void fill(const struct st_block *block)
{
    uint64_t hash = hash_of(block);
    size_t   words_end = block->size & ~(sizeof(uint64_t) - 1);

    if (block->size >= ST_BLOCK_PASSABLE) {
        uint64_t *words = (uint64_t *)(void *)block->p;
        words[0] = block->size | (uint64_t)block->owner << 32;
        words[1] = hash;
        for (size_t at = 2 * sizeof(uint64_t); at < words_end; at = next_word(at, words_end))
            words[at / sizeof(uint64_t)] = hash + at;
    } else {
        words_end = 0;
    }
    for (size_t at = words_end; at < block->size; at++)
        block->p[at] = (unsigned char)(hash >> (8 * (at & 7)));
}

/* Offset of the first byte or word that is not as filled for `as`, looking at the first `bytes`
 * bytes; NOWHERE: all is right. */
static size_t first_wrong(const unsigned char *p, const struct st_block *as, size_t bytes)
{
    uint64_t hash = hash_of(as);
    size_t   words_end = as->size & ~(sizeof(uint64_t) - 1);

    if (as->size >= ST_BLOCK_PASSABLE) {
        const uint64_t *words = (const uint64_t *)(const void *)p;
        if (bytes >= 8 && words[0] != (as->size | (uint64_t)as->owner << 32))
            return 0;
        if (bytes >= 16 && words[1] != hash)
            return sizeof(uint64_t);
        for (size_t at = 2 * sizeof(uint64_t); at < words_end && at + 8 <= bytes;
             at = next_word(at, words_end))
            if (words[at / sizeof(uint64_t)] != hash + at)
                return at;
    } else {
        words_end = 0;
    }
    for (size_t at = words_end; at < as->size && at < bytes; at++)
        if (p[at] != (unsigned char)(hash >> (8 * (at & 7))))
            return at;
    return NOWHERE;
}

#define DUMP_BYTES 32u

/* Into `text`, which has 3 * DUMP_BYTES + 1 bytes. */
static void dump(char *text, const unsigned char *p, size_t bytes)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < bytes && i < DUMP_BYTES; i++) {
        *text++ = ' ';
        *text++ = digits[p[i] >> 4];
        *text++ = digits[p[i] & 15];
    }
    *text = '\0';
}

static _Noreturn void fail_corrupt(const unsigned char *p, const struct st_block *as, size_t at,
                                   const char *when)
{
    char   text[3 * DUMP_BYTES + 1];
    size_t start = at & ~(size_t)15;

    dump(text, p + start, as->size - start);
    st_fail_about(
        (struct st_about){ st_owner_worker(as->owner), p, as->size }, "corrupt",
        "  block %p of %zu bytes, allocated by worker %u, is not as it was filled, noticed %s\n"
        "  first wrong at offset %zu; from offset %zu it holds:%s",
        (const void *)p, as->size, st_owner_worker(as->owner), when, at, start, text);
}

static _Noreturn void fail_overlap(const struct st_block *block, const struct st_conflict *found,
                                   const char *when)
{
    struct st_about about = { st_owner_worker(found->owner), block->p, block->size };

    if (found->owner == 0) {
        about.other = st_owner_worker(block->owner);
        st_fail_about(about, "overlap",
                      "  %s of block %p, %zu bytes, of worker %u: the granule at %p is nobody's,\n"
                      "  granules %p to %p; of the block's %zu granules %zu are nobody's, %zu its "
                      "owner's:\n"
                      "  somebody else released it, or does so now\n"
                      "  overlaps 1 (the run ends here)",
                      when, (void *)block->p, block->size, about.other, (void *)found->address,
                      (void *)found->start, (void *)found->end,
                      st_owner_size(block->owner) / ST_GRANULE,
                      st_oracle_count(block->p, block->size, 0),
                      st_oracle_count(block->p, block->size, block->owner));
    }
    st_fail_about(
        about, "overlap",
        "  %s of block %p, %zu bytes, of worker %u: the granule at %p belongs to worker %u,\n"
        "  block of %zu bytes, granules %p to %p\n"
        "  overlaps 1 (the run ends here)",
        when, (void *)block->p, block->size, st_owner_worker(block->owner), (void *)found->address,
        about.other, st_owner_size(found->owner), (void *)found->start, (void *)found->end);
}

static void claim(struct st_block *block)
{
    struct st_conflict conflict;
    if (!st_oracle_claim(block->p, block->size, block->owner, &conflict))
        fail_overlap(block, &conflict, "receipt");
}

static void disown(const struct st_block *block)
{
    struct st_conflict conflict;
    if (!st_oracle_release(block->p, block->size, block->owner, &conflict))
        fail_overlap(block, &conflict, "release");
}

static void enter_heap(struct st_worker *worker)
{
    st_count_add(&worker->counts.operations, 1);
    atomic_store_explicit(&worker->inside, true, memory_order_relaxed);
    st_error_mark();
}

/* Returns what the heap said beside its result (error.h). */
static int leave_heap(struct st_worker *worker)
{
    int error = st_error_get();
    atomic_store_explicit(&worker->inside, false, memory_order_relaxed);
    return error;
}

static bool refused(struct st_worker *worker, size_t size, int error)
{
    if (!st_error_is_no_memory(error))
        st_fail("errno", "  a request of %zu bytes returned NULL with errno %d, not ENOMEM", size,
                error);
    if (!worker->may_fail)
        st_fail("no memory", "  a request of %zu bytes was refused with ENOMEM", size);
    st_count_add(&worker->counts.refused, 1);
    st_trace(worker, ST_FAILED, NULL, size);
    return false;
}

/* What every new block goes through: alignment, usable size, ownership. */
static void receive(struct st_worker *worker, struct st_block *block, void *p, size_t size,
                    size_t align)
{
    *block = (struct st_block){ p, size, st_owner_make(worker->id, size) };
    st_count_add(&worker->counts.blocks, 1);
    if ((uintptr_t)p % align != 0)
        st_fail("misaligned", "  block %p of %zu bytes is not aligned to %zu", p, size, align);
    claim(block);
    if (worker->target->usable != NULL && st_rng_one_in(&worker->rng, USABLE_ONE_IN)) {
        size_t usable = worker->target->usable(worker->target->context, p);
        if (usable < size)
            st_fail("usable size", "  block %p of %zu bytes has a usable size of %zu", p, size,
                    usable);
    }
}

static size_t natural_align(size_t size)
{
    return size >= TALUS_ALIGN_MIN ? TALUS_ALIGN_MIN : 8;
}

bool st_block_alloc(struct st_worker *worker, struct st_block *block, size_t size)
{
    enter_heap(worker);
    void *p = worker->target->alloc(worker->target->context, size);
    int   error = leave_heap(worker);
    block->p = NULL;
    if (p == NULL)
        return refused(worker, size, error);
    st_trace(worker, ST_ALLOC, p, size);
    receive(worker, block, p, size, natural_align(size));
    fill(block);
    return true;
}

static void check_zero(const struct st_block *block)
{
    size_t at = 0;
    for (; at + 8 <= block->size; at += block->size <= ZERO_ALL_BYTES ? 8 : SAMPLE_BYTES) {
        uint64_t word;
        memcpy(&word, block->p + at, sizeof(word));
        if (word != 0)
            fail_corrupt(block->p, block, at, "as not zero in a zeroed block");
    }
    for (at = block->size & ~(size_t)7; at < block->size; at++)
        if (block->p[at] != 0)
            fail_corrupt(block->p, block, at, "as not zero in a zeroed block");
}

bool st_block_zalloc(struct st_worker *worker, struct st_block *block, size_t size)
{
    if (worker->target->zalloc == NULL)
        return st_block_alloc(worker, block, size);
    enter_heap(worker);
    void *p = worker->target->zalloc(worker->target->context, size);
    int   error = leave_heap(worker);
    block->p = NULL;
    if (p == NULL)
        return refused(worker, size, error);
    st_trace(worker, ST_ZALLOC, p, size);
    receive(worker, block, p, size, natural_align(size));
    check_zero(block);
    fill(block);
    return true;
}

bool st_block_aligned(struct st_worker *worker, struct st_block *block, size_t align, size_t size)
{
    if (worker->target->aligned == NULL)
        return st_block_alloc(worker, block, size);
    enter_heap(worker);
    void *p = worker->target->aligned(worker->target->context, align, size);
    int   error = leave_heap(worker);
    block->p = NULL;
    if (p == NULL)
        return refused(worker, size, error);
    st_trace(worker, ST_ALIGNED, p, size);
    receive(worker, block, p, size, align);
    fill(block);
    return true;
}

bool st_block_resize(struct st_worker *worker, struct st_block *block, size_t size)
{
    struct st_block old = *block;

    if (worker->target->resize == NULL) {
        if (st_block_alloc(worker, block, size))
            st_block_free(worker, &old);
        else
            *block = old;
        return old.p == NULL;
    }
    st_trace(worker, ST_RESIZE, old.p,
             size); /* before: who reports an overlap tells what others do */
    st_block_check(block);
    disown(block);
    enter_heap(worker);
    void *p = worker->target->resize(worker->target->context, old.p, size);
    int   error = leave_heap(worker);
    if (p == NULL) {
        claim(block);
        st_block_check(block);
        return refused(worker, size, error);
    }
    st_trace(worker, ST_RESIZED, p, size);
    receive(worker, block, p, size, natural_align(size));
    size_t wrong = first_wrong(block->p, &old, size < old.size ? size : old.size);
    if (wrong != NOWHERE)
        fail_corrupt(block->p, block, wrong, "after realloc");
    fill(block);
    return true;
}

void st_block_check(const struct st_block *block)
{
    size_t wrong = first_wrong(block->p, block, block->size);
    if (wrong != NOWHERE)
        fail_corrupt(block->p, block, wrong, "before free or realloc");
}

/* False: the worker frees it himself. */
static bool leave_to_handlers(struct st_worker *worker, const struct st_block *block)
{
    const struct st_handler_calls *handlers =
        worker->team != NULL ? worker->team->run->handlers : NULL;

    return handlers != NULL && !worker->frees_all && block->size >= ST_BLOCK_PASSABLE &&
           st_rng_one_in(&worker->rng, LEFT_ONE_IN) && handlers->leave(&worker->rng, block->p);
}

void st_block_free(struct st_worker *worker, struct st_block *block)
{
    void *p = block->p;

    if (p == NULL)
        return;
    if (leave_to_handlers(worker, block)) {
        block->p = NULL;
        return;
    }
    st_trace(worker, ST_FREE, p, block->size); /* before, as in st_block_resize */
    st_block_check(block);
    disown(block);
    if (st_owner_worker(block->owner) != worker->id)
        st_count_add(&worker->counts.remote, 1);
    block->p = NULL;
    enter_heap(worker);
    worker->target->release(worker->target->context, p);
    int error = leave_heap(worker);
    if (error != 0)
        st_fail("errno", "  free of %p changed errno to %d", p, error);
}

void st_block_own(const struct st_worker *worker, struct st_block *block, void *p, size_t size)
{
    *block = (struct st_block){ p, size, st_owner_make(worker->id, size) };
    claim(block);
    fill(block);
}

void *st_block_disown(struct st_block *block)
{
    void *p = block->p;

    st_block_check(block);
    disown(block);
    block->p = NULL;
    return p;
}

struct st_block st_block_received(void *p)
{
    const uint64_t *words = p;
    struct st_block block = { p, (size_t)(words[0] & UINT32_MAX), (uint32_t)(words[0] >> 32) };

    /* Before the size is believed: everything else follows from it. */
    if (block.size < ST_BLOCK_PASSABLE || words[1] != hash_of(&block)) {
        char text[3 * DUMP_BYTES + 1];
        dump(text, p, ST_BLOCK_PASSABLE);
        st_fail("corrupt", "  block %p was handed over and its first words are overwritten:%s", p,
                text);
    }
    return block;
}
