/* memory.c: memory from Linux (contract: arch/port.h).
 *
 * 1 Alignment   The kernel aligns to pages. More is had by mapping exactly first, which often fits
 *               by luck, and else by taking too much without access and giving both ends back: such
 *               a range costs no commit.
 * 2 Overcommit  Writable private memory counts as commit, memory that was never writable does not:
 *               hence PROT_READ reserves that are made writable in steps.
 * 3 errno       Saved around every call. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "arch/port.h"

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) & ~(unit - 1);
}

static void *map_private(size_t bytes, int protection, int more_flags)
{
    void *p = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | more_flags, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* Address space alone: no access, no commit, a multiple of `align`. `bytes` in whole pages. */
static void *map_aligned_void(size_t bytes, size_t align, size_t page)
{
    size_t slack = align - page;
    size_t before;
    char  *raw;
    char  *aligned;

    if (bytes > SIZE_MAX - slack)
        return NULL;
    raw = map_private(bytes + slack, PROT_NONE, MAP_NORESERVE);
    if (raw == NULL)
        return NULL;
    before = round_up((uintptr_t)raw, align) - (uintptr_t)raw;
    aligned = raw + before;
    if (before != 0)
        munmap(raw, before);
    if (slack != before)
        munmap(aligned + bytes, slack - before);
    return aligned;
}

size_t tl_port_page_size(void)
{
    static tl_atomic_word known; /* atomic: 0 until asked; every writer writes the same */
    size_t                page = tl_load_relaxed(&known);

    if (TL_UNLIKELY(page == 0)) {
        page = (size_t)getpagesize();
        tl_store_relaxed(&known, page);
    }
    return page;
}

void *tl_port_map(size_t bytes, size_t align)
{
    int    saved = errno;
    size_t page = tl_port_page_size();
    void  *p;

    TL_ASSERT(bytes != 0 && (align & (align - 1)) == 0);
    if (bytes > SIZE_MAX - page)
        return NULL;
    bytes = round_up(bytes, page);
    p = map_private(bytes, PROT_READ | PROT_WRITE, 0);
    if (p != NULL && align > page && ((uintptr_t)p & (align - 1)) != 0) {
        munmap(p, bytes);
        p = map_aligned_void(bytes, align, page);
        if (p != NULL && mprotect(p, bytes, PROT_READ | PROT_WRITE) != 0) {
            munmap(p, bytes);
            p = NULL;
        }
    }
    errno = saved;
    return p;
}

void tl_port_unmap(void *p, size_t bytes)
{
    int saved = errno;

    /* It can fail where splitting a mapping exceeds the kernel's limit on their number: the
     * contents at least go. */
    if (munmap(p, round_up(bytes, tl_port_page_size())) != 0)
        madvise(p, bytes, MADV_DONTNEED);
    errno = saved;
}

void *tl_port_reserve(size_t bytes)
{
    int    saved = errno;
    size_t page = tl_port_page_size();
    void  *p = NULL;

    if (bytes <= SIZE_MAX - page)
        p = map_private(round_up(bytes, page), PROT_READ, MAP_NORESERVE);
    if (p != NULL) {
        madvise(p, bytes, MADV_DONTDUMP);
        madvise(p, bytes, MADV_NOHUGEPAGE); /* a sparse table: one touch must cost one page */
    }
    errno = saved;
    return p;
}

bool tl_port_commit(void *p, size_t bytes)
{
    int       saved = errno;
    size_t    page = tl_port_page_size();
    uintptr_t from = (uintptr_t)p & ~(page - 1);
    uintptr_t to = round_up((uintptr_t)p + bytes, page);
    bool      done = mprotect((void *)from, to - from, PROT_READ | PROT_WRITE) == 0;

    errno = saved;
    return done;
}

bool tl_port_purge(void *p, size_t bytes)
{
    int       saved = errno;
    size_t    page = tl_port_page_size();
    uintptr_t from = round_up((uintptr_t)p, page);
    uintptr_t to = ((uintptr_t)p + bytes) & ~(page - 1);
    bool      zero = false;

    if (from < to && madvise((void *)from, to - from, MADV_DONTNEED) == 0)
        zero = from == (uintptr_t)p && to == (uintptr_t)p + bytes;
    errno = saved;
    return zero;
}

size_t tl_port_address_space(void)
{
    int           saved = errno;
    struct rlimit limit;
    size_t        bytes = SIZE_MAX;

    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur < SIZE_MAX)
        bytes = (size_t)limit.rlim_cur;
    errno = saved;
    return bytes;
}

static bool remap(void *from, void *to, size_t bytes)
{
    return mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to) == to;
}

/* Whether what is moved from stays mapped, tried out once on two pages that nobody misses: an
 * emulator, qemu-user, takes the source away and reports success. Where it is not so the two are
 * left behind: they may be somebody else's by now. */
static bool sources_stay_mapped(void)
{
    enum { UNKNOWN, YES, NO };
    static tl_atomic_u32 known; /* atomic: UNKNOWN until tried */
    uint32_t             answer = tl_load32_relaxed(&known);

    if (TL_UNLIKELY(answer == UNKNOWN)) {
        size_t        page = tl_port_page_size();
        void         *from = map_private(page, PROT_READ | PROT_WRITE, 0);
        void         *to = map_private(page, PROT_READ | PROT_WRITE, 0);
        unsigned char resident;

        answer = NO;
        if (from != NULL && to != NULL && remap(from, to, page) &&
            mincore(from, page, &resident) == 0) {
            munmap(from, page);
            munmap(to, page);
            answer = YES;
        }
        tl_store32_relaxed(&known, answer);
    }
    return answer == YES;
}

/* Pieces of a system page cannot be moved. When the kernel refuses late, the destination may be
 * unmapped already: it is mapped anew, empty, unless it never went. */
bool tl_port_move(void *from, void *to, size_t bytes)
{
    int  saved = errno;
    bool whole = (((uintptr_t)from | (uintptr_t)to | bytes) & (tl_port_page_size() - 1)) == 0;
    bool try = whole && sources_stay_mapped();
    bool moved = try && remap(from, to, bytes);

    if (try && !moved)
        (void)mmap(to, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    errno = saved;
    return moved;
}
