/* actors.c: threads that run one at a time, each when it is told to. */
#include <pthread.h>

#include "fuzz/heaps.h"

struct actor {
    pthread_t thread;
    bool      alive, ends;
    void (*body)(void *context); /* NULL: nothing to do */
    void *context;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  changed = PTHREAD_COND_INITIALIZER;
static struct actor    actors[ACTORS]; /* lock; thread, alive: the caller's */

static void *act(void *context)
{
    struct actor *self = context;

    pthread_mutex_lock(&lock);
    while (!self->ends) {
        if (self->body == NULL) {
            pthread_cond_wait(&changed, &lock);
            continue;
        }
        pthread_mutex_unlock(&lock);
        self->body(self->context);
        pthread_mutex_lock(&lock);
        self->body = NULL;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

void actors_run(unsigned actor, void (*body)(void *context), void *context)
{
    struct actor *one = &actors[actor];

    if (actor == 0) {
        body(context);
        return;
    }
    if (!one->alive) {
        one->ends = false;
        FUZZ_CHECK(pthread_create(&one->thread, NULL, act, one) == 0, "no thread");
        one->alive = true;
    }
    pthread_mutex_lock(&lock);
    one->context = context;
    one->body = body;
    pthread_cond_broadcast(&changed);
    while (one->body != NULL)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

bool actors_is_alive(unsigned actor)
{
    return actor == 0 || actors[actor].alive;
}

void actors_end(unsigned actor)
{
    struct actor *one = &actors[actor];

    if (!one->alive)
        return;
    pthread_mutex_lock(&lock);
    one->ends = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(one->thread, NULL);
    one->alive = false;
}
