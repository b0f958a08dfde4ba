/* pagesize.c: the heap under a system whose pages have 16 or 64 KiB (REAL_PAGE_BYTES).
 * Such a system is not at hand, so the calls by which the port reaches it are wrapped by the linker
 * (--wrap) and answer as its kernel would: getpagesize tells that page size; every mapping begins
 * at a multiple of it and is a multiple long; an address that is not one is refused with EINVAL,
 * and any call that would have relied on smaller pages is counted and fails the test. */
#include "check.h"

#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/mman.h>

static size_t      page;
static atomic_uint wrong_calls, mmap_calls, purge_calls, mprotect_calls;

int   __real_getpagesize(void);
void *__real_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset);
int   __real_munmap(void *at, size_t bytes);
int   __real_mprotect(void *at, size_t bytes, int protection);
int   __real_madvise(void *at, size_t bytes, int advice);
void *__real_mremap(void *at, size_t old_bytes, size_t bytes, int flags, ...);
int   __wrap_getpagesize(void);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset);
int   __wrap_munmap(void *at, size_t bytes);
int   __wrap_mprotect(void *at, size_t bytes, int protection);
int   __wrap_madvise(void *at, size_t bytes, int advice);
void *__wrap_mremap(void *at, size_t old_bytes, size_t bytes, int flags, ...);

static size_t whole(size_t bytes)
{
    return (bytes + page - 1) & ~(page - 1);
}

/* Whether the kernel would refuse this address. */
static bool misplaced(const void *at)
{
    if (((uintptr_t)at & (page - 1)) == 0)
        return false;
    atomic_fetch_add(&wrong_calls, 1);
    errno = EINVAL;
    return true;
}

static size_t page_from_environment(void)
{
    const char *text = getenv("REAL_PAGE_BYTES");
    return text == NULL ? 0 : (size_t)atol(text);
}

/* The heap asks before main: the first caller finds out. */
static void find_page(void)
{
    if (page == 0)
        page = page_from_environment();
    if (page == 0)
        page = (size_t)__real_getpagesize();
}

int __wrap_getpagesize(void)
{
    find_page();
    return (int)page;
}

void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset)
{
    find_page();
    atomic_fetch_add(&mmap_calls, 1);
    bool fixed = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
    if (fixed && misplaced(at))
        return MAP_FAILED;
    bytes = whole(bytes);
    if (fixed)
        return __real_mmap(at, bytes, protection, flags, file, offset);
    char *raw = __real_mmap(NULL, bytes + page, protection, flags, file, offset);
    if (raw == MAP_FAILED)
        return raw;
    char *start = (char *)whole((uintptr_t)raw);
    if (start != raw)
        __real_munmap(raw, (size_t)(start - raw));
    if (start != raw + page)
        __real_munmap(start + bytes, (size_t)(raw + page - start));
    return start;
}

int __wrap_munmap(void *at, size_t bytes)
{
    return misplaced(at) ? -1 : __real_munmap(at, whole(bytes));
}

int __wrap_mprotect(void *at, size_t bytes, int protection)
{
    atomic_fetch_add(&mprotect_calls, 1);
    return misplaced(at) ? -1 : __real_mprotect(at, whole(bytes), protection);
}

int __wrap_madvise(void *at, size_t bytes, int advice)
{
    if (advice == MADV_DONTNEED || advice == MADV_FREE) {
        atomic_fetch_add(&purge_calls, 1);
        if ((bytes & (page - 1)) != 0) /* the kernel would round up, and lose what lies behind */
            atomic_fetch_add(&wrong_calls, 1);
    }
    return misplaced(at) ? -1 : __real_madvise(at, whole(bytes), advice);
}

void *__wrap_mremap(void *at, size_t old_bytes, size_t bytes, int flags, ...)
{
    void *to = NULL;
    if ((flags & MREMAP_FIXED) != 0) {
        va_list rest;
        va_start(rest, flags);
        to = va_arg(rest, void *);
        va_end(rest);
    }
    if (misplaced(at) || misplaced(to))
        return MAP_FAILED;
    old_bytes = whole(old_bytes);
    bytes = whole(bytes);
    if ((flags & MREMAP_MAYMOVE) != 0 && to == NULL) {
        /* Where the real kernel would choose an address by its own pages, choose one by ours. */
        to = __wrap_mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (to == MAP_FAILED)
            return to;
        flags |= MREMAP_FIXED;
    }
    return __real_mremap(at, old_bytes, bytes, flags, to);
}

struct piece {
    size_t         size;
    unsigned char *bytes;
};

static void check_piece(const struct piece *piece)
{
    for (size_t i = 0; i < piece->size; i += 509)
        CHECK(piece->bytes[i] == (unsigned char)(i ^ piece->size));
    CHECK(piece->bytes[piece->size - 1] == (unsigned char)((piece->size - 1) ^ piece->size));
}

static void fill_piece(struct piece *piece)
{
    for (size_t i = 0; i < piece->size; i++)
        piece->bytes[i] = (unsigned char)(i ^ piece->size);
}

static size_t random_size(uint32_t *random)
{
    static const size_t bounds[] = { 200, 4000, 40000, 300000, 3000000 };
    return 1 +
           next_random(random) % bounds[next_random(random) % 5 * (next_random(random) % 4 / 3)];
}

static void *body(void *seed)
{
    enum { PIECES = 300, STEPS = 6000 };
    uint32_t      random = (uint32_t)(uintptr_t)seed;
    struct piece *pieces = calloc(PIECES, sizeof *pieces);
    CHECK(pieces != NULL);
    for (int step = 0; step < STEPS; step++) {
        struct piece *piece = &pieces[next_random(&random) % PIECES];
        if (piece->size != 0)
            check_piece(piece);
        switch (next_random(&random) % 4) {
        case 0:
            free(piece->bytes);
            piece->size = random_size(&random);
            piece->bytes = calloc(1, piece->size);
            CHECK(piece->bytes != NULL);
            for (size_t i = 0; i < piece->size; i++)
                CHECK(piece->bytes[i] == 0);
            break;
        case 1:
            free(piece->bytes);
            *piece = (struct piece){ 0, NULL };
            continue;
        case 2:
            free(piece->bytes);
            piece->size = random_size(&random);
            piece->bytes = memalign((size_t)16 << next_random(&random) % 14, piece->size);
            break;
        default:
            piece->size = random_size(&random);
            piece->bytes = realloc(piece->bytes, piece->size);
        }
        CHECK(piece->bytes != NULL);
        fill_piece(piece);
        if (step % 1500 == 0)
            malloc_trim(0);
    }
    for (int i = 0; i < PIECES; i++) {
        if (pieces[i].size != 0)
            check_piece(&pieces[i]);
        free(pieces[i].bytes);
    }
    free(pieces);
    return NULL;
}

int main(void)
{
    find_page();
    CHECK(page == 16384 || page == 65536);
    check_talus_in_force();
    char *whole_page = valloc(1);
    CHECK(((uintptr_t)whole_page & (page - 1)) == 0);
    whole_page = realloc(whole_page, 40 << 20);
    CHECK(whole_page != NULL);
    whole_page = realloc(whole_page, 80 << 20);
    CHECK(whole_page != NULL);
    memset(whole_page, 1, 80 << 20);
    whole_page = realloc(whole_page, 5 << 20);
    CHECK(whole_page != NULL && whole_page[(5 << 20) - 1] == 1);
    free(whole_page);
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, body, (void *)(i + 1)) == 0);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    malloc_trim(0);
    printf("page %zu: %u mmap, %u mprotect, %u purges\n", page, atomic_load(&mmap_calls),
           atomic_load(&mprotect_calls), atomic_load(&purge_calls));
    CHECK(atomic_load(&mmap_calls) > 0 &&
          atomic_load(&purge_calls) > 0); /* the wraps were in force */
    CHECK(atomic_load(&wrong_calls) == 0);
    return 0;
}
