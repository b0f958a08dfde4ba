#include "sync_stubs.h"

#include <pthread.h>

#include "arch/port.h"

tl_atomic_word sync_thread_exits;
tl_atomic_word sync_fork_prepares;
tl_atomic_word sync_fork_parents;
tl_atomic_word sync_fork_children;
void (*sync_at_thread_exit)(void);

void tl_thread_exit(void)
{
    tl_add_relaxed(&sync_thread_exits, 1);
    if (sync_at_thread_exit != NULL)
        sync_at_thread_exit();
}

void tl_fork_prepare(void)
{
    tl_add_relaxed(&sync_fork_prepares, 1);
}

void tl_fork_parent(void)
{
    tl_add_relaxed(&sync_fork_parents, 1);
}

void tl_fork_child(void)
{
    tl_add_relaxed(&sync_fork_children, 1);
}

struct start {
    pthread_barrier_t *barrier;
    void (*body)(int index, void *shared);
    void *shared;
    int   index;
};

static void *start_together(void *argument)
{
    struct start *start = argument;

    pthread_barrier_wait(start->barrier);
    start->body(start->index, start->shared);
    return NULL;
}

void sync_run_threads(int threads, void (*body)(int index, void *shared), void *shared)
{
    pthread_barrier_t barrier;
    pthread_t         ids[16];
    struct start      starts[16];

    assert_in_range(threads, 1, 16);
    assert_int_equal(pthread_barrier_init(&barrier, NULL, (unsigned)threads), 0);
    for (int i = 0; i < threads; i++) {
        starts[i] = (struct start){ &barrier, body, shared, i };
        assert_int_equal(pthread_create(&ids[i], NULL, start_together, &starts[i]), 0);
    }
    for (int i = 0; i < threads; i++)
        assert_int_equal(pthread_join(ids[i], NULL), 0);
    pthread_barrier_destroy(&barrier);
}
