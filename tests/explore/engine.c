/* engine.c: the explorer's own test, on toys: the number of schedules is exact, with sleep sets and
 * without, and a seeded lost update, deadlock and livelock are each found, shrunk and replayed, and
 * so is a loop that comes to no point. */
#include "explore/search.h"
#include "explore/watch.h"

#include "arch/atomic.h"
#include "arch/cpu.h"
#include "lib/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static tl_atomic_u32 x, y, private[4], lock, locks[2];
static unsigned      runs_seen; /* put back before each run */

/* Of what the last toy left. */
static void prepare(void)
{
    x.value = y.value = lock.value = locks[0].value = locks[1].value = 0;
    runs_seen = 0;
}

static const struct ex_limits no_limits;

static struct ex_program program_of(void (*a)(void), void (*b)(void), void (*check)(void))
{
    return (struct ex_program){ .prepare = prepare,
                                .thread = { { "a", a, 0, false }, { "b", b, 1, false } },
                                .check = check };
}

static struct ex_found explore(const struct ex_program *program, int bound, bool sleep_sets)
{
    struct ex_found found;
    assert_true(ex_engine_begin(program, NULL));
    if (bound == EX_UNBOUNDED)
        ex_search_unbounded(sleep_sets, &no_limits, &found);
    else
        ex_search_bounded(bound, &no_limits, &found);
    return found;
}

static void end(struct ex_found *found)
{
    free(found->schedule.segment);
    ex_engine_end();
}

/* ---- how many ---- */

static void write_private(void)
{
    for (unsigned i = 0; i < 3; i++)
        tl_store32_relaxed(&private[ex_self()], i);
}

static void write_x_three_times(void)
{
    for (unsigned i = 0; i < 3; i++)
        tl_store32_relaxed(&x, i);
}

static void write_x_then_y(void)
{
    tl_store32_relaxed(&x, 1);
    tl_store32_relaxed(&y, 1);
}

static void write_y_then_x(void)
{
    tl_store32_relaxed(&y, 2);
    tl_store32_relaxed(&x, 2);
}

static void read_x(void)
{
    (void)tl_load32_relaxed(&x);
}

/* Each thread's begin is a step like its operations. Of runs that are not equal each is made once;
 * how many there are is counted by hand. */
static void all_schedules_are_made_once(void **state)
{
    static const struct {
        void (*a)(void), (*b)(void);
        uint64_t all, different;
    } toys[] = {
        { write_private, write_private, 70, 1 },              /* 8 over 4 */
        { write_x_three_times, write_x_three_times, 70, 20 }, /* 6 over 3 */
        { write_x_then_y, write_y_then_x, 20, 3 }, /* of four orders of x and y one is a circle */
        { read_x, read_x, 6, 1 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof toys / sizeof toys[0]; i++) {
        struct ex_program program = program_of(toys[i].a, toys[i].b, NULL);
        struct ex_found   found = explore(&program, EX_UNBOUNDED, false);
        assert_true(found.exhausted && !found.failed);
        assert_int_equal(found.runs, toys[i].all);
        assert_int_equal(found.redundant, 0);
        end(&found);
        found = explore(&program, EX_UNBOUNDED, true);
        assert_true(found.exhausted && !found.failed);
        assert_int_equal(found.runs - found.redundant, toys[i].different);
        end(&found);
    }
}

/* What a bounded search must come to, by another way: two threads with so many operations on one
 * word. */
struct two {
    unsigned left[2], current, budget;
    bool     fresh[2];
};

static uint64_t count_at_point(struct two two);

static uint64_t count_going_on(struct two two)
{
    if (two.fresh[two.current]) {
        two.fresh[two.current] = false;
        return count_at_point(two);
    }
    if (--two.left[two.current] > 0)
        return count_at_point(two);
    two.current ^= 1;
    return two.left[two.current] > 0 ? count_going_on(two) : 1;
}

static uint64_t count_at_point(struct two two)
{
    uint64_t count = count_going_on(two);
    if (two.budget == 0 || two.left[two.current ^ 1] == 0)
        return count;
    two.current ^= 1;
    two.budget--;
    return count + count_going_on(two);
}

static uint64_t count_bounded(unsigned operations, unsigned bound)
{
    struct two two = { { operations, operations }, 0, bound, { true, true } };
    return 2 * count_going_on(two);
}

static void a_bound_is_exhausted_exactly(void **state)
{
    struct ex_program program = program_of(write_x_three_times, write_x_three_times, NULL);
    (void)state;
    assert_int_equal(count_bounded(1, 0), 2);
    assert_int_equal(count_bounded(1, 1), 4);
    assert_int_equal(count_bounded(1, 2), 6);
    for (int bound = 0; bound <= 4; bound++) {
        struct ex_found found = explore(&program, bound, false);
        assert_true(found.exhausted && !found.failed);
        assert_int_equal(found.runs, count_bounded(3, (unsigned)bound));
        end(&found);
    }
}

static void write_private_and_x(void)
{
    write_private();
    tl_store32_relaxed(&x, 1);
    write_private();
}

static void spin_until_taken(tl_atomic_u32 *taken)
{
    while (tl_swap32_acquire(taken, 1) != 0)
        while (tl_load32_relaxed(taken) != 0)
            tl_explore_spin();
}

static void write_x_under_lock(void)
{
    ex_lock_begin(&lock);
    spin_until_taken(&lock);
    ex_lock_taken(&lock);
    write_x_three_times();
    ex_unlock_begin(&lock);
    tl_store32_release(&lock, 0);
    ex_unlock_end();
}

/* Nobody is preempted in front of what only he touches, or what a lock keeps from others. */
static void preemptions_are_before_conflicts_alone(void **state)
{
    struct ex_program program = program_of(write_private_and_x, write_private_and_x, NULL);
    struct ex_found   found = explore(&program, 1, false);
    (void)state;
    assert_int_equal(found.runs, count_bounded(1, 1));
    end(&found);
    program = program_of(write_x_under_lock, write_x_under_lock, NULL);
    found = explore(&program, 1, false);
    assert_true(found.exhausted && !found.failed);
    assert_int_equal(found.runs - found.redundant, count_bounded(2, 1));
    end(&found);
}

/* An interrupt is over before its thread goes on: before its begin, before its operation, behind.
 * */
static void interrupts_stop_their_cpu(void **state)
{
    struct ex_program program = { .thread = { { "a", read_x, 0, false },
                                              { "interrupt", read_x, 0, true } } };
    struct ex_found   found = explore(&program, EX_UNBOUNDED, false);
    (void)state;
    assert_int_equal(found.runs, 3);
    end(&found);
    program.thread[2] = (struct ex_thread){ "nested", read_x, 0, true };
    found = explore(&program, EX_UNBOUNDED, false);
    /* one after the other: 3 places, then 4; one within the other: either, in 3 places */
    assert_int_equal(found.runs, 3 * 4 + 2 * 3);
    end(&found);
}

/* ---- what is found ---- */

static void add_in_two_steps(void)
{
    uint32_t seen = tl_load32_relaxed(&x);
    tl_store32_relaxed(&x, seen + 1);
}

static void check_sum(void)
{
    if (x.value != 2)
        ex_fail("lost: the sum is %u", x.value);
    if (++runs_seen != 1)
        ex_fail("memory: a run finds what the one before left");
}

static void take(unsigned which)
{
    spin_until_taken(&locks[which]);
}

static void take_0_then_1(void)
{
    take(0);
    take(1);
    tl_store32_release(&locks[1], 0);
    tl_store32_release(&locks[0], 0);
}

static void take_1_then_0(void)
{
    take(1);
    take(0);
    tl_store32_release(&locks[0], 0);
    tl_store32_release(&locks[1], 0);
}

static void take_0_for_good(void)
{
    while (tl_swap32_acquire(&locks[0], 1) != 0)
        ex_point("again");
}

static void lock_without_waiting(void)
{
    ex_lock_begin(&lock);
    ex_lock_taken(&lock);
    ex_point("held");
    ex_unlock_begin(&lock);
    ex_unlock_end();
}

static void follow_null(void)
{
    static tl_atomic_u32 *volatile nowhere;
    if (tl_load32_relaxed(&y) == 0)
        return;
    nowhere->value = 1;
}

static const struct {
    void (*a)(void), (*b)(void), (*check)(void);
    const char *text;
    uint32_t    preemptions;
} bugs[] = {
    { add_in_two_steps, add_in_two_steps, check_sum, "lost: the sum is 1", 1 },
    { take_0_then_1, take_1_then_0, NULL, "deadlock:", 1 },
    { take_0_for_good, take_0_for_good, NULL, "livelock:", 0 },
    { lock_without_waiting, lock_without_waiting, NULL, "invariant:", 1 },
    { write_x_then_y, follow_null, NULL, "crash:", 0 },
};

static void each_bug_is_found_shrunk_and_replayed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bugs / sizeof bugs[0]; i++) {
        struct ex_program  program = program_of(bugs[i].a, bugs[i].b, bugs[i].check);
        struct ex_found    found = explore(&program, 2, false);
        struct ex_schedule again = { 0 };
        struct ex_run      run;
        char               text[4096];
        assert_true(found.failed);
        ex_shrink(&found.schedule, &found.run);
        assert_ptr_equal(strstr(found.run.text, bugs[i].text), found.run.text);
        assert_int_equal(found.run.preemptions, bugs[i].preemptions);
        ex_schedule_write(&found.schedule, text, sizeof text);
        assert_true(ex_schedule_read(text, &again));
        ex_replay(&again, &run, NULL);
        assert_true(run.failed);
        assert_string_equal(run.text, found.run.text);
        free(again.segment);
        end(&found);
    }
}

/* ---- what comes to no point ---- */

static tl_atomic_u32 endless;

static void loop_without_points(void)
{
    while (*(volatile uint32_t *)&endless.value == 0)
        ;
}

static void loop_if_y_is_set(void)
{
    if (tl_load32_relaxed(&y) != 0)
        loop_without_points();
}

/* In a thread, in a run's check, and before all runs. Each run that loops is ended, those that
 * shrink and replay it too; the alarm is for a watch that ends none. */
static void a_loop_without_points_is_found(void **state)
{
    static const struct {
        void (*b)(void), (*check)(void);
    } loops[] = { { loop_if_y_is_set, NULL }, { read_x, loop_without_points } };
    (void)state;
    alarm(60);
    ex_watch_bound(60);
    for (size_t i = 0; i < sizeof loops / sizeof loops[0]; i++) {
        struct ex_program program = program_of(write_x_then_y, loops[i].b, loops[i].check);
        struct ex_found   found = explore(&program, 0, false);
        struct ex_run     run;
        assert_true(found.failed);
        ex_shrink(&found.schedule, &found.run);
        assert_string_equal(found.run.text, "livelock: 60 ms of CPU time without a point");
        ex_replay(&found.schedule, &run, NULL);
        assert_true(run.failed);
        assert_string_equal(run.text, found.run.text);
        end(&found);
    }
    struct ex_program program = program_of(read_x, read_x, NULL);
    program.prepare = loop_without_points;
    assert_false(ex_engine_begin(&program, NULL));
    assert_string_equal(ex_why(), "livelock: 60 ms of CPU time without a point");
    ex_engine_end();
    ex_watch_bound(5000);
    alarm(0);
}

/* Two threads and few points: a run in 20 finds it, at the least. */
static void chance_finds_as_often_as_it_promises(void **state)
{
    const struct ex_program program = program_of(add_in_two_steps, add_in_two_steps, check_sum);
    uint64_t                runs = 0, seeds = 400;
    uint32_t                points = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct ex_found found;
        assert_true(ex_engine_begin(&program, NULL));
        ex_search_pct(2, seed, &no_limits, &found);
        assert_true(found.failed);
        runs += found.runs;
        points = ex_pct_points(&found) > points ? ex_pct_points(&found) : points;
        end(&found);
    }
    assert_true((double)seeds / (double)runs >= ex_pct_guarantee(2, points, 2));
    assert_true(ex_pct_guarantee(3, 10, 3) == 1.0 / 300);
}

static void what_is_no_schedule_is_refused(void **state)
{
    static const char *const wrong[] = { "",     "0",       "0.",         ".1", "9.1",
                                         "0.1-", "0.1,1.1", "0.99999999", "x" };
    struct ex_schedule       schedule = { 0 };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(ex_schedule_read(wrong[i], &schedule));
    assert_true(ex_schedule_read("0.1-1.20-0.0", &schedule));
    assert_int_equal(schedule.count, 3);
    free(schedule.segment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_schedules_are_made_once),
        cmocka_unit_test(a_bound_is_exhausted_exactly),
        cmocka_unit_test(preemptions_are_before_conflicts_alone),
        cmocka_unit_test(interrupts_stop_their_cpu),
        cmocka_unit_test(each_bug_is_found_shrunk_and_replayed),
        cmocka_unit_test(a_loop_without_points_is_found),
        cmocka_unit_test(chance_finds_as_often_as_it_promises),
        cmocka_unit_test(what_is_no_schedule_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
