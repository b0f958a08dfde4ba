/* thread_exit.c: pthread key destructors, in any order, that malloc, free and re-arm themselves, so
 * that malloc runs after the heap's own destructor has seen the thread end. D4, D13. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>

enum { KEYS = 12, ROUNDS = 300, PER_THREAD = 50 };

static pthread_key_t keys[KEYS];
static atomic_uint   runs;

struct cargo {
    int   key;
    int   lives; /* destructor rounds left */
    char *text;
};

static void destroy(void *value)
{
    struct cargo *old = value;
    atomic_fetch_add(&runs, 1);
    CHECK(strcmp(old->text, "cargo") == 0);
    char *scratch = malloc(3000);
    CHECK(scratch != NULL);
    memset(scratch, 1, 3000);
    if (old->lives > 0) {
        struct cargo *next = malloc(sizeof *next);
        CHECK(next != NULL);
        *next = (struct cargo){ .key = old->key, .lives = old->lives - 1, .text = strdup("cargo") };
        CHECK(next->text != NULL);
        CHECK(pthread_setspecific(keys[next->key], next) == 0);
    }
    free(opaque(scratch));
    free(old->text);
    free(old);
}

static void *body(void *argument)
{
    uintptr_t number = (uintptr_t)argument;
    for (int key = 0; key < KEYS; key++) {
        struct cargo *cargo = malloc(sizeof *cargo);
        CHECK(cargo != NULL);
        *cargo = (struct cargo){ .key = key, .lives = key % 3, .text = strdup("cargo") };
        CHECK(pthread_setspecific(keys[key], cargo) == 0);
    }
    void **blocks = calloc(PER_THREAD, sizeof *blocks);
    CHECK(blocks != NULL);
    for (uintptr_t i = 0; i < PER_THREAD; i++)
        CHECK((blocks[i] = malloc(8 + (number * 131 + i * 17) % 9000)) != NULL);
    return blocks; /* freed by whoever joins */
}

/* A thread whose only use of the heap is in a destructor. */
static void *silent_body(void *cargo)
{
    CHECK(pthread_setspecific(keys[0], cargo) == 0);
    return NULL;
}

int main(void)
{
    alarm(60);
    /* Half of the keys are older than the first malloc, so than any key of the heap's. */
    for (int key = 0; key < KEYS / 2; key++)
        CHECK(pthread_key_create(&keys[key], destroy) == 0);
    check_talus_in_force();
    for (int key = KEYS / 2; key < KEYS; key++)
        CHECK(pthread_key_create(&keys[key], destroy) == 0);

    for (uintptr_t round = 0; round < ROUNDS; round++) {
        pthread_t threads[3];
        for (uintptr_t i = 0; i < 3; i++)
            CHECK(pthread_create(&threads[i], NULL, body, (void *)(round * 3 + i)) == 0);
        for (int i = 0; i < 3; i++) {
            void *blocks;
            CHECK(pthread_join(threads[i], &blocks) == 0);
            for (int k = 0; k < PER_THREAD; k++)
                free(((void **)blocks)[k]);
            free(blocks);
        }
    }
    /* 4 of the 12 keys run once, 4 twice, 4 three times: within POSIX's 4 rounds. */
    CHECK(atomic_load(&runs) == ROUNDS * 3 * (4 + 8 + 12));

    atomic_store(&runs, 0);
    for (int round = 0; round < ROUNDS; round++) {
        struct cargo *cargo = malloc(sizeof *cargo);
        CHECK(cargo != NULL);
        *cargo = (struct cargo){ .key = 0, .lives = 2, .text = strdup("cargo") };
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, silent_body, cargo) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    CHECK(atomic_load(&runs) == ROUNDS * 3);
    return 0;
}
