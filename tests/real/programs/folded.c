/* folded.c: where the address space is limited (ulimit -v) the page map is small, and addresses
 * that agree in their low bits share an entry. A block from a provider that shares entries with
 * another block, or with the page of NULL, must be refused, and another used in its place. D1. */
#include "check.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <talus/heap.h>

/* Multiples of this agree with NULL in all bits that a small map looks at. */
static const uintptr_t far_apart = (uintptr_t)1 << 42;

static uintptr_t offers[4]; /* addresses for the provider to give, in this order; then any */
static unsigned  offer_count, refused;

static void *map_offer(void *context, size_t bytes)
{
    (void)context;
    for (unsigned i = 0; i < 4; i++) {
        if (offers[i] == 0)
            continue;
        void *wanted = (void *)offers[i];
        offers[i] = 0;
        offer_count++;
        void *got = mmap(wanted, bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        CHECK(got == wanted);
        return got;
    }
    return talus_provider_mmap()->map(talus_provider_mmap()->context, bytes);
}

static void unmap_offer(void *context, void *block, size_t bytes)
{
    (void)context;
    if (((uintptr_t)block & (far_apart - 1)) < bytes)
        refused++;
    CHECK(munmap(block, bytes) == 0);
}

static talus_heap *heap_on(uintptr_t first, uintptr_t second)
{
    offers[0] = first;
    offers[1] = second;
    const talus_provider provider = { .map = map_offer, .unmap = unmap_offer, .zeroed = true };
    talus_heap          *heap = talus_heap_create(&(talus_heap_options){
                 .name = "folded", .provider = &provider, .growth = 1 << 20, .keep_pages = true });
    CHECK(heap != NULL);
    return heap;
}

static void null_is_no_block(void)
{
    talus_free(NULL);
    CHECK(talus_usable_size(NULL) == 0);
    CHECK(talus_usable_size((void *)16) == 0);
    CHECK(talus_usable_size((void *)far_apart) == 0);
}

static void use(talus_heap *heap)
{
    enum { COUNT = 300 };
    char *blocks[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = talus_heap_alloc(heap, 1 + i * 11, 0, NULL);
        CHECK(blocks[i] != NULL && talus_usable_size(blocks[i]) >= 1 + i * 11);
        memset(blocks[i], (int)i, 1 + i * 11);
        null_is_no_block();
    }
    for (size_t i = 0; i < COUNT; i++) {
        CHECK(blocks[i][i * 11] == (char)i);
        talus_heap_free(heap, blocks[i]);
        null_is_no_block();
    }
}

int main(int argc, char **argv)
{
    if (argc == 1) { /* the map's size is decided before main: start over under the limit */
        struct rlimit limit = { 300000 * 1024ul, 300000 * 1024ul };
        CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
        execl("/proc/self/exe", argv[0], "limited", (char *)NULL);
        CHECK(!"execl");
    }
    null_is_no_block();

    /* Refused for the page of NULL; the second offer is as good as any. */
    talus_heap *heap = heap_on(3 * far_apart, 3 * far_apart + far_apart / 2 + (64 << 20));
    use(heap);
    CHECK(offer_count == 2 && refused == 1);

    /* The low bits of the first offer are those of the block that the first heap has. */
    talus_heap *other = heap_on(5 * far_apart + far_apart / 2 + (64 << 20), 0);
    use(other);
    use(heap);
    CHECK(offer_count == 3);
    CHECK(talus_heap_destroy(other));
    use(heap);
    CHECK(talus_heap_destroy(heap));
    null_is_no_block();
    return 0;
}
