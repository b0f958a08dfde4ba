/* alive.c: the property tests can fail: heaps with one seeded fault each, over a sound one, are
 * found out, and the failing sequence is cut short. */
#include <sys/mman.h>

#include "lib/rng.h"
#include "lib/test.h"
#include "property/runner.h"

/* A sound heap, and the simplest: blocks one behind the other, never used again, each behind a
 * header with its size. */
#define ARENA_BYTES (256 * MIB)

static unsigned char *arena;
static size_t         arena_used;

static void *bump_open(void)
{
    arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    arena_used = 0;
    return arena != MAP_FAILED ? arena : NULL;
}

static void bump_close(void *context)
{
    munmap(context, ARENA_BYTES);
}

static void *bump_alloc(void *context, size_t size, size_t align)
{
    uintptr_t start = (uintptr_t)arena + arena_used + 16;
    size_t    at;

    (void)context;
    align = align < 16 ? 16 : align;
    size = (size + 16) / 16 * 16; /* so that 0 gives a block too */
    at = (size_t)(((start + align - 1) & ~(uintptr_t)(align - 1)) - (uintptr_t)arena);
    if (at + size > ARENA_BYTES) {
        errno = ENOMEM;
        return NULL;
    }
    arena_used = at + size;
    memcpy(arena + at - sizeof size, &size, sizeof size);
    return arena + at;
}

static size_t bump_usable(const void *block)
{
    size_t size;

    memcpy(&size, (const unsigned char *)block - sizeof size, sizeof size);
    return size;
}

static void *bump_resize(void *context, void *block, size_t size)
{
    size_t old = bump_usable(block);
    void  *moved = bump_alloc(context, size, 0);

    return moved != NULL ? memcpy(moved, block, old < size ? old : size) : NULL;
}

static void bump_release(void *context, void *block, size_t size)
{
    (void)context;
    (void)block;
    (void)size;
}

static const struct subject sound = {
    .name = "bump heap",
    .open = bump_open,
    .close = bump_close,
    .alloc = bump_alloc,
    .zalloc = bump_alloc,
    .resize = bump_resize,
    .release = bump_release,
    .usable = bump_usable,
    .largest = 100000,
    .live_max = 4 * MIB,
};

enum { OPERATIONS = 3000 };

/* Of five sequences at least one must fail, and the shortest form found is no longer than
 * `longest`:
 * how far a sequence can be shortened is up to its seed. */
static void expect_found_out(const struct subject *faulty, size_t longest)
{
    uint64_t seed = test_seed();
    size_t   shortest = SIZE_MAX;

    for (uint64_t i = 0; i < 5; i++)
        if (!run_sequence(faulty, seed + i, OPERATIONS) && shortest_failing < shortest)
            shortest = shortest_failing;
    assert_in_range(shortest, 1, longest);
}

static void a_sound_heap_passes(void **state)
{
    (void)state;
    assert_true(run_sequence(&sound, test_seed(), OPERATIONS));
}

static void *zalloc_dirty_last_byte(void *context, size_t size, size_t align)
{
    char *block = bump_alloc(context, size, align);

    if (block != NULL && size > 1000)
        block[size - 1] = 1;
    return block;
}

/* R3: one byte that is not zero. */
static void a_dirty_calloc_is_found_out(void **state)
{
    struct subject faulty = sound;

    (void)state;
    faulty.name = "dirty calloc";
    faulty.zalloc = zalloc_dirty_last_byte;
    expect_found_out(&faulty, 3);
}

static void *resize_forgetting(void *context, void *block, size_t size)
{
    char *moved = bump_resize(context, block, size);

    if (moved != NULL && size > 500)
        moved[400] ^= 1;
    return moved;
}

/* R4: realloc that loses a byte. */
static void a_forgetful_realloc_is_found_out(void **state)
{
    struct subject faulty = sound;

    (void)state;
    faulty.name = "forgetful realloc";
    faulty.resize = resize_forgetting;
    expect_found_out(&faulty, 8);
}

static void *last_given;

static void *alloc_twice_the_same(void *context, size_t size, size_t align)
{
    void *again = last_given;

    if (size >= 16 && size <= 64 && align == 0 && again != NULL) {
        last_given = NULL;
        return again;
    }
    last_given = bump_alloc(context, size < 64 ? 64 : size, align);
    return last_given;
}

static void release_unless_last(void *context, void *block, size_t size)
{
    if (block == last_given)
        last_given = NULL;
    bump_release(context, block, size);
}

/* R46: a live block that is given out again. */
static void a_block_given_twice_is_found_out(void **state)
{
    struct subject faulty = sound;

    (void)state;
    last_given = NULL;
    faulty.name = "block given twice";
    faulty.alloc = alloc_twice_the_same;
    faulty.release = release_unless_last;
    expect_found_out(&faulty, 20);
}

static void *alloc_misaligned(void *context, size_t size, size_t align)
{
    return bump_alloc(context, size, align >= 8192 ? 32 : align);
}

/* R22: an alignment that is not kept. */
static void a_misaligned_block_is_found_out(void **state)
{
    struct subject faulty = sound;

    (void)state;
    faulty.name = "misaligned";
    faulty.alloc = alloc_misaligned;
    expect_found_out(&faulty, 30);
}

static void *alloc_refusing(void *context, size_t size, size_t align)
{
    if (size >= 5000 && size < 5100) {
        errno = ENOMEM;
        return NULL;
    }
    return bump_alloc(context, size, align);
}

/* R2: NULL without need. */
static void a_needless_refusal_is_found_out(void **state)
{
    struct subject faulty = sound;

    (void)state;
    faulty.name = "needless refusal";
    faulty.alloc = alloc_refusing;
    expect_found_out(&faulty, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_heap_passes),
        cmocka_unit_test(a_dirty_calloc_is_found_out),
        cmocka_unit_test(a_forgetful_realloc_is_found_out),
        cmocka_unit_test(a_block_given_twice_is_found_out),
        cmocka_unit_test(a_misaligned_block_is_found_out),
        cmocka_unit_test(a_needless_refusal_is_found_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
