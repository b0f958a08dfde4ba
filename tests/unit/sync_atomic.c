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

/* A weak exchange: fails for cause like the strong one, now and then for none, and ends. */
#define CHECK_WEAK(width, order, word, big)                             \
    do {                                                                \
        word expected = 5;                                              \
        int  attempts = 0;                                              \
        tl_store##width##_relaxed(&a, (big));                           \
        assert_false(tl_cas_weak##width##_##order(&a, &expected, 6));   \
        assert_true(expected == (big));                                 \
        while (!tl_cas_weak##width##_##order(&a, &expected, (big)-1)) { \
            assert_true(expected == (big));                             \
            assert_true(tl_load##width##_relaxed(&a) == (big));         \
            assert_true(++attempts < 1000);                             \
        }                                                               \
        assert_true(expected == (big));                                 \
        assert_true(tl_load##width##_relaxed(&a) == (big)-1);           \
    } while (0)

static void weak_exchanges_succeed_in_the_end(void **state)
{
    (void)state;
    for (uintptr_t big = UINTPTR_MAX; big > 10; big >>= 1) {
        tl_atomic_word a = TL_ATOMIC_INIT(0);
        CHECK_WEAK(, relaxed, uintptr_t, big);
        CHECK_WEAK(, acquire, uintptr_t, big);
        CHECK_WEAK(, release, uintptr_t, big);
        CHECK_WEAK(, acq_rel, uintptr_t, big);
    }
    for (uint32_t big = UINT32_MAX; big > 10; big >>= 1) {
        tl_atomic_u32 a = TL_ATOMIC_INIT(0);
        CHECK_WEAK(32, relaxed, uint32_t, big);
        CHECK_WEAK(32, acquire, uint32_t, big);
        CHECK_WEAK(32, release, uint32_t, big);
        CHECK_WEAK(32, acq_rel, uint32_t, big);
    }
}

/* 32 bits cut out of a longer register, top bit set and clear: a CPU that extends them by their
 * sign must do so on both sides of the comparison, and whatever stood above must not count. */
static void halves_of_longer_values_compare_equal(void **state)
{
    static volatile uint64_t noisy[] = { 0xdeadbeef80000001, 0x80000000, 0xffffffff7fffffff,
                                         0x1ffffffff, 0x7fffffff00000000 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(noisy); i++) {
        tl_atomic_u32 a = TL_ATOMIC_INIT(0);
        uint32_t      expected;

        tl_store32_relaxed(&a, (uint32_t)noisy[i]);
        expected = (uint32_t)noisy[i];
        assert_true(tl_cas32_relaxed(&a, &expected, (uint32_t)(noisy[i] >> 1)));
        expected = (uint32_t)(noisy[i] >> 1);
        while (!tl_cas_weak32_acquire(&a, &expected, (uint32_t)(noisy[i] >> 3)))
            assert_true(expected == (uint32_t)(noisy[i] >> 1));
        assert_true((uint64_t)tl_swap32_relaxed(&a, (uint32_t)noisy[i]) ==
                    ((noisy[i] >> 3) & UINT32_MAX));
        assert_true((uint64_t)tl_add32_relaxed(&a, (uint32_t)(noisy[i] >> 5)) ==
                    (noisy[i] & UINT32_MAX));
        assert_true((uint64_t)tl_load32_relaxed(&a) == ((noisy[i] + (noisy[i] >> 5)) & UINT32_MAX));
    }
}

#if TL_SPURIOUS
/* A weak exchange of what is there fails about every second time; on MIPS the SC inside the strong
 * operations is made to fail, 1.5 times on the average, and is tried again. */
static void attempts_fail_for_no_reason(void **state)
{
    enum { TIMES = 10000 };
    bool           by_sc = strcmp(TL_ARCH_NAME, "mips") == 0;
    tl_atomic_word a = TL_ATOMIC_INIT(0);
    tl_atomic_u32  b = TL_ATOMIC_INIT(0);
    uintptr_t      weak_failures = 0;
    uint32_t       struck;

    (void)state;
    struck = tl_spurious.struck;
    for (int i = 0; i < TIMES; i++) {
        uintptr_t expected = 0;
        weak_failures += !tl_cas_weak_acquire(&a, &expected, 0);
        assert_int_equal(expected, 0);
    }
    assert_in_range(weak_failures, TIMES / 2 - TIMES / 10, TIMES / 2 + TIMES / 10);
    assert_int_equal(tl_spurious.struck - struck, weak_failures);
    struck = tl_spurious.struck;
    for (uint32_t i = 0; i < TIMES; i++) {
        uint32_t expected = 3 * i;
        assert_true(tl_cas32_release(&b, &expected, 3 * i + 1));
        assert_int_equal(tl_swap32_acquire(&b, 3 * i + 2), 3 * i + 1);
        assert_int_equal(tl_add32_relaxed(&b, 1), 3 * i + 2);
    }
    struck = tl_spurious.struck - struck;
    if (by_sc)
        assert_in_range(struck, 3 * TIMES, 6 * TIMES);
    else
        assert_int_equal(struck, 0); /* the CPU's own instruction, or the compiler's loop */
}
#endif

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
    tl_atomic_u32  by_weak32; /* begins below the sign's change */
    tl_atomic_word by_swap;   /* each value put in comes out once */
    tl_atomic_word swapped_out;
};

static void add_up(int index, void *shared)
{
    struct sums *sums = shared;

    (void)index;
    for (uintptr_t i = 1; i <= ROUNDS; i++) {
        uintptr_t seen = tl_load_relaxed(&sums->by_cas);
        uint32_t  seen32 = tl_load32_relaxed(&sums->by_weak32);

        tl_add_relaxed(&sums->by_add, i);
        tl_add32_relaxed(&sums->by_add32, 3);
        while (!tl_cas_relaxed(&sums->by_cas, &seen, seen + i))
            ;
        while (!tl_cas_weak32_relaxed(&sums->by_weak32, &seen32, seen32 + 1))
            ;
        tl_add_relaxed(&sums->swapped_out, tl_swap_relaxed(&sums->by_swap, i));
    }
}

static void no_update_is_lost(void **state)
{
    static struct sums sums = { .by_weak32 = TL_ATOMIC_INIT(INT32_MAX - ROUNDS) };
    uintptr_t          each = (uintptr_t)ROUNDS * (ROUNDS + 1) / 2;

    (void)state;
    sync_run_threads(SYNC_THREADS, add_up, &sums);
    assert_int_equal(tl_load_relaxed(&sums.by_add), SYNC_THREADS * each);
    assert_int_equal(tl_load_relaxed(&sums.by_cas), SYNC_THREADS * each);
    assert_int_equal(tl_load32_relaxed(&sums.by_add32), 3 * SYNC_THREADS * ROUNDS);
    assert_int_equal(tl_load32_relaxed(&sums.by_weak32) - (INT32_MAX - ROUNDS),
                     SYNC_THREADS * ROUNDS);
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
#if TL_TSAN || defined(TL_ARCH_C11)
    assert_string_equal(TL_ARCH_NAME, "c11");
#elif defined(__x86_64__) || defined(__i386__)
    assert_string_equal(TL_ARCH_NAME, "x86");
#elif defined(__mips__)
    assert_string_equal(TL_ARCH_NAME, "mips");
#else
    assert_string_equal(TL_ARCH_NAME, "c11");
#endif
    tl_cpu_relax();
    assert_true(tl_cpu_cycles() <= tl_cpu_cycles());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_return_what_they_promise),
        cmocka_unit_test(weak_exchanges_succeed_in_the_end),
        cmocka_unit_test(halves_of_longer_values_compare_equal),
#if TL_SPURIOUS
        cmocka_unit_test(attempts_fail_for_no_reason),
#endif
        cmocka_unit_test(neighbours_are_not_touched),
        cmocka_unit_test(no_update_is_lost),
        cmocka_unit_test(bits_are_counted),
        cmocka_unit_test(build_uses_the_atomics_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
