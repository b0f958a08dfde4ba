/* ends_meanwhile.c: what another thread is at work on ends only when that thread has left it: a
 * heap that the purge thread visits, a reserve that a slow exit refills (R18, R34). Nor does a
 * process fork while a thread changes a page pool; but its child, which has no purge thread, waits
 * for none. The core with its marked points: at one of them the other thread stops, and looks
 * whether the end, or the fork, waits. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <talus/heap.h>
#include <talus/reserve.h>

#include "lib/test.h"

#define LOOK_MS       200  /* in which an end that does not wait comes */
#define FORK_MS       5000 /* most until a fork is made */
#define CHILD_SECONDS 5    /* to end a heap */

void tl_preempt_point(const char *name);

static talus_heap         *heap;
static sem_t               inside, left, may_go;
static const char *_Atomic where; /* the point at which the other thread stops, once */
static int                 stop_ms;
/* The first thread purges, refills and takes locks, too. */
static _Thread_local enum who { PURGER, FIRST, ALLOCATOR } i_am;
static enum who    who_stops;
static atomic_bool has_ended, ended_early, enough;

void tl_preempt_point(const char *name)
{
    const char *wanted = atomic_load(&where);
    if (wanted == NULL || i_am != who_stops || strcmp(name, wanted) != 0 ||
        !atomic_compare_exchange_strong(&where, &wanted, NULL))
        return;
    sem_post(&inside);
    for (int ms = 0; ms < stop_ms && !atomic_load(&has_ended); ms++)
        usleep(1000);
    atomic_store(&ended_early, atomic_load(&has_ended));
    sem_post(&left);
}

static void stop(enum who who, const char *name, int ms)
{
    i_am = FIRST;
    who_stops = who;
    stop_ms = ms;
    atomic_store(&has_ended, false);
    atomic_store(&ended_early, false);
    atomic_store(&enough, false);
    assert_int_equal(sem_init(&inside, 0, 0) | sem_init(&left, 0, 0), 0);
    atomic_store(&where, name);
}

/* The heap, with the purge thread in it. */
static void have_purged(int ms)
{
    const talus_heap_options options = { .decay_ms = 20 };
    void                    *blocks[32];

    heap = talus_heap_create(&options);
    assert_non_null(heap);
    stop(PURGER, "purge", ms);
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        assert_non_null(blocks[i] = talus_heap_alloc(heap, 100000, 0, NULL));
    for (size_t i = 0; i < COUNT_OF(blocks); i += 2) /* runs that are no whole regions */
        talus_heap_free(heap, blocks[i]);
    sem_wait(&inside);
}

static void a_heap_waits_for_the_purge_thread(void **state)
{
    (void)state;
    have_purged(LOOK_MS);
    assert_true(talus_heap_destroy(heap));
    atomic_store(&has_ended, true);
    sem_wait(&left);
    assert_false(atomic_load(&ended_early));
}

static void a_child_has_no_purge_thread(void **state)
{
    int status = -1;

    (void)state;
    have_purged(FORK_MS);
    pid_t child = fork();
    if (child == 0) {
        alarm(CHILD_SECONDS);
        _exit(!talus_heap_destroy(heap));
    }
    atomic_store(&has_ended, true);
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_int_equal(status, 0);
    assert_true(talus_heap_destroy(heap));
}

/* The pool is asked anew, by a thread that has a cache by then. */
static void *allocate_large(void *ready)
{
    i_am = ALLOCATOR;
    void *first = talus_heap_alloc(heap, 100000, 0, NULL);
    sem_post(ready);
    sem_wait(&may_go);
    void *second = talus_heap_alloc(heap, 200000, 0, NULL);
    talus_heap_free(heap, first);
    talus_heap_free(heap, second);
    return NULL;
}

static void a_fork_waits_for_the_page_pool(void **state)
{
    pthread_t thread;
    sem_t     ready;
    int       status = -1;

    (void)state;
    heap = talus_heap_create(NULL);
    assert_non_null(heap);
    assert_int_equal(sem_init(&ready, 0, 0) | sem_init(&may_go, 0, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, allocate_large, &ready), 0);
    sem_wait(&ready);
    stop(ALLOCATOR, "lock_held", LOOK_MS);
    sem_post(&may_go);
    sem_wait(&inside);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    atomic_store(&has_ended, true);
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    sem_wait(&left);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(atomic_load(&ended_early));
    assert_true(talus_heap_destroy(heap));
}

/* Its slow exits refill. */
static void *allocate(void *unused)
{
    void *blocks[500];

    i_am = ALLOCATOR;
    while (!atomic_load(&enough)) {
        for (size_t i = 0; i < COUNT_OF(blocks); i++)
            blocks[i] = talus_heap_alloc(heap, 500, 0, NULL);
        for (size_t i = 0; i < COUNT_OF(blocks); i++)
            talus_heap_free(heap, blocks[i]);
    }
    return unused;
}

static void a_reserve_waits_for_its_refill(void **state)
{
    pthread_t      thread;
    talus_reserve *reserve;

    (void)state;
    heap = talus_heap_create(NULL);
    assert_non_null(heap);
    reserve = talus_reserve_create(heap, 64, 0, 8, 8, NULL, NULL);
    assert_non_null(reserve);
    stop(ALLOCATOR, "reserve_fill", LOOK_MS);
    assert_non_null(talus_reserve_take(reserve));
    assert_int_equal(pthread_create(&thread, NULL, allocate, NULL), 0);
    sem_wait(&inside);
    assert_true(talus_reserve_destroy(reserve));
    atomic_store(&has_ended, true);
    sem_wait(&left);
    atomic_store(&enough, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(atomic_load(&ended_early));
    assert_true(talus_heap_destroy(heap));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_heap_waits_for_the_purge_thread),
        cmocka_unit_test(a_child_has_no_purge_thread),
        cmocka_unit_test(a_fork_waits_for_the_page_pool),
        cmocka_unit_test(a_reserve_waits_for_its_refill),
    };

    if (getenv("TALUS_OPTIONS") == NULL) { /* read before main */
        fprintf(stderr, "run it with TALUS_OPTIONS=purge_thread=1\n");
        return 2;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
