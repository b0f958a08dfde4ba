/* family.c: what the C standard, POSIX and glibc 2.36 say about each name of malloc's family.
 * R1 to R5, R20, R22, R40. */
#include "check.h"

#include <limits.h>
#include <malloc.h>

/* Sizes that no program can have; volatile, since the compiler would refuse to try them. */
static volatile size_t too_much = (size_t)PTRDIFF_MAX + 1, all_ones = SIZE_MAX;
static volatile size_t half = SIZE_MAX / 2, two_to_32 = (size_t)1 << 32;

static bool aligned(const void *block, size_t align)
{
    return ((uintptr_t)block & (align - 1)) == 0;
}

static void malloc_and_free(void)
{
    void *first = opaque(malloc(0));
    void *second = opaque(malloc(0));
    CHECK(first != NULL && second != NULL && first != second);
    free(first);
    free(second);
    free(NULL);
    errno = 0;
    CHECK(opaque(malloc(too_much)) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(opaque(malloc(all_ones)) == NULL && errno == ENOMEM);
    for (size_t size = 1; size < (size_t)1 << 24; size = size * 3 / 2 + 1) {
        unsigned char *block = opaque(malloc(size));
        CHECK(block != NULL && aligned(block, 16));
        CHECK(malloc_usable_size(block) >= size);
        memset(block, 0x5a, malloc_usable_size(block));
        errno = EDOM;
        free(block);
        CHECK(errno == EDOM);
    }
    CHECK(malloc_usable_size(NULL) == 0);
}

static void errno_outlives_free(void)
{
    enum { COUNT = 3000 };
    static void *blocks[COUNT];
    uint32_t     random = 1;
    for (int i = 0; i < COUNT; i++)
        CHECK((blocks[i] = malloc(next_random(&random) % 100000)) != NULL);
    errno = ERANGE;
    for (int i = 0; i < COUNT; i++) {
        free(blocks[i]);
        CHECK(errno == ERANGE);
    }
}

static void calloc_zeroes(void)
{
    for (int round = 0; round < 3; round++) {
        for (size_t size = 1; size < (size_t)1 << 22; size = size * 2 + 1) {
            unsigned char *block = opaque(calloc(1, size));
            CHECK(block != NULL);
            for (size_t i = 0; i < size; i++)
                CHECK(block[i] == 0);
            memset(block, 0xff, size);
            free(block);
        }
    }
    errno = 0;
    CHECK(opaque(calloc(half, 3)) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(opaque(calloc(two_to_32, two_to_32)) == NULL && errno == ENOMEM);
    void *nothing = opaque(calloc(0, 8));
    CHECK(nothing != NULL);
    free(nothing);
}

static void realloc_keeps_contents(void)
{
    size_t         old = 1;
    unsigned char *block = realloc(NULL, old);
    CHECK(block != NULL);
    block[0] = 7;
    for (size_t size = 2; size < (size_t)1 << 23; size = size * 5 / 3 + 1) {
        block = realloc(block, size);
        CHECK(block != NULL);
        for (size_t i = 0; i < old; i++)
            CHECK(block[i] == (unsigned char)(i * 31 + 7));
        for (size_t i = old; i < size; i++)
            block[i] = (unsigned char)(i * 31 + 7);
        old = size;
    }
    errno = 0;
    CHECK(opaque(realloc(opaque(block), too_much)) == NULL && errno == ENOMEM);
    CHECK(block[old - 1] == (unsigned char)((old - 1) * 31 + 7)); /* untouched on failure */
    for (size_t size = old; size > 0; size /= 3) {
        block = realloc(block, size);
        CHECK(block != NULL);
        for (size_t i = 0; i < size; i++)
            CHECK(block[i] == (unsigned char)(i * 31 + 7));
    }
    free(block);
    size_t in_use = mallinfo2().uordblks;
    block = opaque(malloc(20 << 20));
    CHECK(block != NULL && mallinfo2().uordblks > in_use);
    CHECK(opaque(realloc(block, 0)) == NULL); /* freed, as glibc does */
    CHECK(mallinfo2().uordblks <= in_use);
}

static void reallocarray_checks_the_product(void)
{
    int *block = reallocarray(NULL, 100, sizeof *block);
    CHECK(block != NULL);
    block[99] = 42;
    block = reallocarray(block, 100000, sizeof *block);
    CHECK(block != NULL && block[99] == 42);
    errno = 0;
    CHECK(opaque(reallocarray(opaque(block), half, 4)) == NULL && errno == ENOMEM);
    CHECK(block[99] == 42);
    free(block);
}

static void memalign_family(void)
{
    for (size_t align = 1; align <= (size_t)1 << 22; align *= 2) {
        for (size_t size = 0; size < 100000; size = size * 7 + 1) {
            char *block = opaque(memalign(align, size));
            CHECK(block != NULL && aligned(block, align));
            memset(block, 1, size);
            char *other = opaque(aligned_alloc(align, size));
            CHECK(other != NULL && aligned(other, align));
            memset(other, 2, size);
            for (size_t i = 0; i < size; i++)
                CHECK(block[i] == 1);
            free(block);
            free(other);
        }
    }
    void *block = opaque(memalign(48, 10)); /* no power of two: rounded up, as glibc does */
    CHECK(block != NULL && aligned(block, 64));
    free(block);
    errno = 0;
    CHECK(opaque(memalign(half + 2, 10)) == NULL && errno == EINVAL);
    errno = 0;
    CHECK(opaque(memalign(half + 1, 10)) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(opaque(aligned_alloc(64, too_much)) == NULL && errno == ENOMEM);
}

static void posix_memalign_returns_codes(void)
{
    char  untouched;
    void *mark = &untouched;
    void *block = mark;
    errno = EDOM;
    CHECK(posix_memalign(&block, 3, 10) == EINVAL && block == mark);
    CHECK(posix_memalign(&block, 0, 10) == EINVAL && block == mark);
    CHECK(posix_memalign(&block, sizeof(void *) / 2, 10) == EINVAL && block == mark);
    CHECK(posix_memalign(&block, sizeof(void *) * 3, 10) == EINVAL && block == mark);
    CHECK(posix_memalign(&block, 64, too_much) == ENOMEM && block == mark);
    CHECK(posix_memalign(&block, 4096, all_ones - 10) == ENOMEM && block == mark);
    CHECK(errno == EDOM);
    CHECK(posix_memalign(&block, sizeof(void *), 10) == 0 && is_talus_block(block));
    free(block);
    CHECK(posix_memalign(&block, 1 << 20, 10) == 0 && aligned(block, 1 << 20));
    free(block);
    CHECK(posix_memalign(&block, 64, 0) == 0 && block != NULL);
    free(block);
    CHECK(errno == EDOM);
}

static void whole_pages(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char  *block = opaque(valloc(1));
    CHECK(block != NULL && aligned(block, page));
    free(block);
    block = opaque(pvalloc(page + 1));
    CHECK(block != NULL && aligned(block, page) && malloc_usable_size(block) >= 2 * page);
    memset(block, 3, 2 * page);
    free(block);
    errno = 0;
    CHECK(opaque(pvalloc(all_ones - 1)) == NULL && errno == ENOMEM);
}

static void figures(void)
{
    char  *block = opaque(malloc(10 << 20));
    size_t in_use = mallinfo2().uordblks;
    CHECK(block != NULL && in_use >= (size_t)10 << 20);
    CHECK(mallinfo2().arena >= in_use);
    free(block);
    CHECK(mallinfo2().uordblks + ((size_t)9 << 20) < in_use);
    CHECK(mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1);
    CHECK(malloc_trim(0) == 1 || malloc_trim(0) == 0);

    char  text[4096] = { 0 };
    FILE *stream = fmemopen(text, sizeof text, "w");
    CHECK(stream != NULL);
    errno = 0;
    CHECK(malloc_info(1, stream) == -1 && errno == EINVAL);
    CHECK(malloc_info(0, stream) == 0);
    CHECK(fclose(stream) == 0);
    CHECK(strncmp(text, "<malloc version=", 16) == 0 && strstr(text, "</malloc>\n") != NULL);
}

void  free_sized(void *block, size_t size);
void  free_aligned_sized(void *block, size_t align, size_t size);
void  cfree(void *block);
void *__libc_malloc(size_t size);
void *__libc_memalign(size_t align, size_t size);
void  __libc_free(void *block);

/* Whichever name made a block, whichever name frees it. */
static void other_names(void)
{
#ifndef REAL_PRELOAD /* libc has no such names yet: only programs linked to talus can use them */
    free_sized(opaque(malloc(33)), 33);
    free_sized(NULL, 0);
    free_aligned_sized(opaque(aligned_alloc(256, 100)), 256, 100);
    cfree(opaque(malloc(5)));
#endif
    void *block = opaque(__libc_malloc(77));
    CHECK(is_talus_block(block));
    free(block);
    block = opaque(__libc_memalign(128, 77));
    CHECK(is_talus_block(block) && aligned(block, 128));
    __libc_free(block);
    __libc_free(opaque(malloc(99)));
}

int main(void)
{
    check_talus_in_force();
    malloc_and_free();
    errno_outlives_free();
    calloc_zeroes();
    realloc_keeps_contents();
    reallocarray_checks_the_product();
    memalign_family();
    posix_memalign_returns_codes();
    whole_pages();
    figures();
    other_names();
    printf("pages of %ld bytes\n", sysconf(_SC_PAGESIZE));
    return 0;
}
