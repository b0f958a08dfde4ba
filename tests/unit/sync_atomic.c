/* sync_atomic.c: arch/atomic.h and the helpers of arch/compiler.h do what their names say. */
#include "sync_stubs.h"

#include "arch/cpu.h"

/* The same for both widths: every operation once, and what it returns. */
#define CHECK_OPERATIONS(width, box, word, big)                     \
    do {                                                            \
        box  a = TL_ATOMIC_INIT(7);                                 \
        word expected = 8;                                          \
        assert_int_equal(tl_load##width##_relaxed(&a), 7);          \
        assert_false(tl_cas##width##_relaxed(&a, &expected, 9));    \
        assert_int_equal(expected, 7);                              \
        assert_true(tl_cas##width##_relaxed(&a, &expected, 9));     \
        assert_int_equal(expected, 7);                              \
        assert_int_equal(tl_load##width##_acquire(&a), 9);          \
        expected = 9;                                               \
        assert_true(tl_cas##width##_acquire(&a, &expected, 10));    \
        assert_false(tl_cas##width##_acquire(&a, &expected, 11));   \
        assert_true(tl_cas##width##_release(&a, &expected, 11));    \
        assert_false(tl_cas##width##_release(&a, &expected, 12));   \
        assert_true(tl_cas##width##_acq_rel(&a, &expected, (big))); \
        assert_false(tl_cas##width##_acq_rel(&a, &expected, 13));   \
        assert_true(expected == (big));                             \
        assert_true(tl_swap##width##_relaxed(&a, 1) == (big));      \
        assert_int_equal(tl_swap##width##_acquire(&a, 2), 1);       \
        assert_int_equal(tl_swap##width##_release(&a, 3), 2);       \
        assert_int_equal(tl_swap##width##_acq_rel(&a, 4), 3);       \
        assert_int_equal(tl_add##width##_relaxed(&a, 1), 4);        \
        assert_int_equal(tl_add##width##_acquire(&a, 1), 5);        \
        assert_int_equal(tl_add##width##_release(&a, 1), 6);        \
        assert_int_equal(tl_add##width##_acq_rel(&a, (word)-7), 7); \
        assert_int_equal(tl_load##width##_relaxed(&a), 0);          \
        tl_store##width##_relaxed(&a, 5);                           \
        assert_int_equal(tl_load##width##_acquire(&a), 5);          \
        tl_store##width##_release(&a, (big));                       \
        assert_true(tl_load##width##_relaxed(&a) == (big));         \
    } while (0)

static void operations_return_what_they_promise(void **state)
{
    (void)state;
    CHECK_OPERATIONS(, tl_atomic_word, uintptr_t, UINTPTR_MAX - 1);
    CHECK_OPERATIONS(32, tl_atomic_u32, uint32_t, UINT32_MAX - 1);
}

static void neighbours_are_not_touched(void **state)
{
    struct {
        uint32_t      before;
        tl_atomic_u32 a;
        uint32_t      after;
    } three = { 0x11111111, TL_ATOMIC_INIT(0), 0x22222222 };
    uint32_t expected = 0;

    (void)state;
    tl_swap32_acquire(&three.a, UINT32_MAX);
    tl_add32_relaxed(&three.a, 1); /* wraps, without a carry into `after` */
    assert_true(tl_cas32_acquire(&three.a, &expected, UINT32_MAX));
    assert_int_equal(three.before, 0x11111111);
    assert_int_equal(three.after, 0x22222222);
}

enum { ROUNDS = TEST_ROUNDS(200000) };

struct sums {
    tl_atomic_word by_add;
    tl_atomic_u32  by_add32;
    tl_atomic_word by_cas;
    tl_atomic_word by_swap; /* each value put in comes out once */
    tl_atomic_word swapped_out;
};

static void add_up(int index, void *shared)
{
    struct sums *sums = shared;

    (void)index;
    for (uintptr_t i = 1; i <= ROUNDS; i++) {
        uintptr_t seen = tl_load_relaxed(&sums->by_cas);

        tl_add_relaxed(&sums->by_add, i);
        tl_add32_relaxed(&sums->by_add32, 3);
        while (!tl_cas_relaxed(&sums->by_cas, &seen, seen + i))
            ;
        tl_add_relaxed(&sums->swapped_out, tl_swap_relaxed(&sums->by_swap, i));
    }
}

static void no_update_is_lost(void **state)
{
    static struct sums sums;
    uintptr_t          each = (uintptr_t)ROUNDS * (ROUNDS + 1) / 2;

    (void)state;
    sync_run_threads(SYNC_THREADS, add_up, &sums);
    assert_int_equal(tl_load_relaxed(&sums.by_add), SYNC_THREADS * each);
    assert_int_equal(tl_load_relaxed(&sums.by_cas), SYNC_THREADS * each);
    assert_int_equal(tl_load32_relaxed(&sums.by_add32), 3 * SYNC_THREADS * ROUNDS);
    assert_int_equal(tl_load_relaxed(&sums.swapped_out) + tl_load_relaxed(&sums.by_swap),
                     SYNC_THREADS * each);
}

static void bits_are_counted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8 * sizeof(size_t); i++) {
        size_t bit = (size_t)1 << i;
        assert_int_equal(tl_ctz(bit), i);
        assert_int_equal(tl_ctz(SIZE_MAX << i), i);
        assert_int_equal(tl_clz(bit), 8 * sizeof(size_t) - 1 - i);
        assert_int_equal(tl_log2_floor(bit), i);
        assert_int_equal(tl_log2_floor(bit | 1), i);
        assert_int_equal(tl_log2_ceil(bit), i);
        if (i > 1)
            assert_int_equal(tl_log2_ceil(bit - 1), i);
    }
}

static void build_uses_the_atomics_it_says(void **state)
{
    (void)state;
#if TL_TSAN || defined(TL_ARCH_C11) || !defined(__x86_64__)
    assert_string_equal(TL_ARCH_NAME, "c11");
#else
    assert_string_equal(TL_ARCH_NAME, "x86");
#endif
    tl_cpu_relax();
    assert_true(tl_cpu_cycles() <= tl_cpu_cycles());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_return_what_they_promise),
        cmocka_unit_test(neighbours_are_not_touched),
        cmocka_unit_test(no_update_is_lost),
        cmocka_unit_test(bits_are_counted),
        cmocka_unit_test(build_uses_the_atomics_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
