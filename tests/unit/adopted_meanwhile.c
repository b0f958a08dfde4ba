/* adopted_meanwhile.c: a span changes its owner, and with it its owner's slot, while a foreign free
 * is about to send a full chain home (D3). */
#include <pthread.h>
#include <semaphore.h>

#include <talus/talus.h>

#include "lib/test.h"

#define BLOCKS    64  /* of BYTES: one full chain */
#define ADOPTIONS 300 /* blocks that take more than one span */
#define BYTES     48

void tl_preempt_point(const char *name);

static void *blocks[BLOCKS];
static sem_t filled, may_end, has_cache, may_adopt, adopted;
static bool  armed; /* the main thread's */
static int   adoptions;

void tl_preempt_point(const char *name)
{
    if (strcmp(name, "send_chain") != 0 || !armed)
        return;
    armed = false;
    sem_post(&may_adopt);
    sem_wait(&adopted);
}

static void *first_owner(void *arg)
{
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = talus_malloc(BYTES);
    sem_post(&filled);
    sem_wait(&may_end);
    return arg;
}

static void *next_owner(void *arg)
{
    void *own[ADOPTIONS];
    void *other = talus_malloc(5000); /* a cache, with a slot of its own */

    sem_post(&has_cache);
    sem_wait(&may_adopt);
    for (int i = 0; i < ADOPTIONS; i++) {
        own[i] = talus_malloc(BYTES);
        adoptions += own[i] != NULL;
    }
    sem_post(&adopted);
    for (int i = 0; i < ADOPTIONS; i++)
        talus_free(own[i]);
    talus_free(other);
    return arg;
}

/* D3: the chain that is full is the one that leaves, wherever its last block belongs by then. */
static void the_full_chain_leaves(void **state)
{
    pthread_t first, next;
    void     *other = talus_malloc(5000); /* the main thread's cache, before the others' */

    (void)state;
    assert_int_equal(sem_init(&filled, 0, 0) | sem_init(&may_end, 0, 0) |
                         sem_init(&has_cache, 0, 0) | sem_init(&may_adopt, 0, 0) |
                         sem_init(&adopted, 0, 0),
                     0);
    assert_int_equal(pthread_create(&first, NULL, first_owner, NULL), 0);
    sem_wait(&filled);
    assert_int_equal(pthread_create(&next, NULL, next_owner, NULL), 0);
    sem_wait(&has_cache);
    sem_post(&may_end);
    assert_int_equal(pthread_join(first, NULL), 0);
    armed = true;
    for (int i = 0; i < BLOCKS; i++)
        talus_free(blocks[i]);
    assert_false(armed); /* the chain was sent */
    assert_int_equal(pthread_join(next, NULL), 0);
    assert_int_equal(adoptions, ADOPTIONS);
    talus_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_full_chain_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
