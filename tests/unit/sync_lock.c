/* sync_lock.c: sync/lock.h. R30: one thread at a time; nobody waits for ever; a fork's child can
 * start over. */
#define _GNU_SOURCE 1 /* gettid */
#include "sync_stubs.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sync/lock.h"

enum { ROUNDS = TEST_ROUNDS(200000), PATIENCE_SECONDS = 10 };

struct guarded {
    struct tl_lock lock;
    uintptr_t      entered; /* lock */
    uintptr_t      twice;   /* lock: must stay equal to 2 x entered */
    tl_atomic_word tried;   /* entries by try_acquire */
};

static void enter(struct guarded *guarded)
{
    tl_lock_assert_held(&guarded->lock);
    guarded->entered++;
    if (guarded->entered % 1024 == 0)
        usleep(1); /* hold it through a change of thread: the others must sleep, and be woken */
    guarded->twice += 2;
    tl_lock_release(&guarded->lock);
}

static void hammer(int index, void *shared)
{
    struct guarded *guarded = shared;

    for (int i = 0; i < ROUNDS; i++) {
        if ((i + index) % 4 == 0) {
            if (tl_lock_try_acquire(&guarded->lock)) {
                enter(guarded);
                tl_add_relaxed(&guarded->tried, 1);
            }
        } else {
            tl_lock_acquire(&guarded->lock);
            enter(guarded);
        }
    }
}

static void one_thread_at_a_time(void **state)
{
    static struct guarded guarded = { .lock = TL_LOCK_INIT };

    (void)state;
    sync_run_threads(SYNC_THREADS, hammer, &guarded);
    assert_int_equal(guarded.entered,
                     SYNC_THREADS * ROUNDS * 3 / 4 + tl_load_relaxed(&guarded.tried));
    assert_int_equal(guarded.twice, 2 * guarded.entered);
    assert_int_equal(tl_load32_relaxed(&guarded.lock.state), TL_LOCK_FREE);
}

static void held_lock_is_not_had_twice(void **state)
{
    struct tl_lock lock = TL_LOCK_INIT;

    (void)state;
    assert_true(tl_lock_try_acquire(&lock));
    assert_false(tl_lock_try_acquire(&lock));
    tl_lock_release(&lock);
    tl_lock_acquire(&lock);
    assert_false(tl_lock_try_acquire(&lock));
    tl_lock_release(&lock);
}

static void free_lock_is_had_at_once(void **state)
{
    struct tl_lock lock = TL_LOCK_INIT;
    int            refused = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        if (tl_lock_try_acquire(&lock))
            tl_lock_release(&lock);
        else
            refused++;
    }
    assert_int_equal(refused, 0);
}

static void child_of_a_fork_starts_over(void **state)
{
    struct tl_lock lock = TL_LOCK_INIT;
    int            status = -1;
    pid_t          child;

    (void)state;
    tl_lock_acquire(&lock);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (tl_lock_try_acquire(&lock))
            _exit(1); /* it came over held */
        tl_lock_init(&lock);
        if (!tl_lock_try_acquire(&lock))
            _exit(2);
        tl_lock_release(&lock);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    tl_lock_release(&lock);
}

struct sleeper {
    struct tl_lock lock;
    tl_atomic_word id; /* of the thread, once it is about to acquire */
    sem_t          has_it;
};

static void *acquires(void *shared)
{
    struct sleeper *sleeper = shared;

    tl_store_release(&sleeper->id, (uintptr_t)gettid());
    tl_lock_acquire(&sleeper->lock);
    tl_lock_release(&sleeper->lock);
    sem_post(&sleeper->has_it);
    return NULL;
}

/* Whether the system says that the thread sleeps. */
static bool sleeps(uintptr_t id)
{
    char  path[64], state = '?';
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%u/stat", (unsigned)id);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
    fclose(file);
    return state == 'S';
}

static void a_release_wakes_who_sleeps(void **state)
{
    static struct sleeper sleeper = { .lock = TL_LOCK_INIT }; /* whoever is not woken keeps it */
    struct timespec       until;
    pthread_t             thread;
    int                   ms = 0;

    (void)state;
    assert_int_equal(sem_init(&sleeper.has_it, 0, 0), 0);
    tl_lock_acquire(&sleeper.lock);
    assert_int_equal(pthread_create(&thread, NULL, acquires, &sleeper), 0);
    /* who waits says so before it sleeps, and comes to no other sleep from there */
    while (tl_load_acquire(&sleeper.id) == 0 ||
           tl_load32_relaxed(&sleeper.lock.state) != TL_LOCK_WAITED ||
           !sleeps(tl_load_relaxed(&sleeper.id))) {
        assert_true(ms++ < 1000 * PATIENCE_SECONDS);
        usleep(1000);
    }
    tl_lock_release(&sleeper.lock);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_SECONDS;
    assert_int_equal(sem_timedwait(&sleeper.has_it, &until), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(sem_destroy(&sleeper.has_it), 0);
}

int main(void)
{
    const struct CMUnitTest first[] = { cmocka_unit_test(a_release_wakes_who_sleeps) };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_at_a_time),
        cmocka_unit_test(held_lock_is_not_had_twice),
        cmocka_unit_test(free_lock_is_had_at_once),
        cmocka_unit_test(child_of_a_fork_starts_over),
    };
    /* where nobody is woken the others do not end */
    int failed = cmocka_run_group_tests(first, NULL, NULL);
    return failed != 0 ? failed : cmocka_run_group_tests(tests, NULL, NULL);
}
