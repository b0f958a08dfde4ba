/* fork.c: the child of a process whose other threads are in the midst of malloc can allocate, free
 * what its parent made, and start threads of its own. D13, D4. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { WORKERS = 4, FORKS = 150, KEPT = 400 };

static atomic_bool stop;

struct kept {
    unsigned char *block;
    size_t         size;
    unsigned char  fill;
};

static void fill(struct kept *kept, uint32_t *random)
{
    kept->size = 1 + next_random(random) % (next_random(random) % 64 == 0 ? 300000 : 2000);
    kept->fill = (unsigned char)next_random(random);
    kept->block = malloc(kept->size);
    CHECK(kept->block != NULL);
    memset(kept->block, kept->fill, kept->size);
}

static void empty(struct kept *kept)
{
    CHECK(kept->block[0] == kept->fill && kept->block[kept->size - 1] == kept->fill);
    CHECK(kept->block[kept->size / 2] == kept->fill);
    free(kept->block);
}

static void *churn(void *seed)
{
    uint32_t     random = (uint32_t)(uintptr_t)seed;
    struct kept *kept = calloc(64, sizeof *kept);
    CHECK(kept != NULL);
    for (int i = 0; i < 64; i++)
        fill(&kept[i], &random);
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        struct kept *one = &kept[next_random(&random) % 64];
        empty(one);
        fill(one, &random);
    }
    for (int i = 0; i < 64; i++)
        empty(&kept[i]);
    free(kept);
    return NULL;
}

static void *short_churn(void *seed)
{
    uint32_t random = (uint32_t)(uintptr_t)seed;
    for (int i = 0; i < 500; i++) {
        struct kept one;
        fill(&one, &random);
        empty(&one);
    }
    return NULL;
}

static void child(struct kept *kept, int number)
{
    uint32_t random = (uint32_t)number;
    for (int i = 0; i < KEPT; i++)
        empty(&kept[i]);
    for (int i = 0; i < KEPT; i++)
        fill(&kept[i], &random);
    for (int i = 0; i < KEPT; i++)
        empty(&kept[i]);
    if (number % 8 == 0) {
        pthread_t threads[2];
        for (uintptr_t i = 0; i < 2; i++)
            CHECK(pthread_create(&threads[i], NULL, short_churn, (void *)(i + 1)) == 0);
        for (int i = 0; i < 2; i++)
            CHECK(pthread_join(threads[i], NULL) == 0);
    }
    if (number % 16 == 0) {
        pid_t grandchild = fork();
        CHECK(grandchild >= 0);
        if (grandchild == 0) {
            short_churn((void *)7);
            exit(0);
        }
        int status;
        CHECK(waitpid(grandchild, &status, 0) == grandchild && status == 0);
    }
    if (number % 2 == 0)
        exit(0); /* with the exit handlers */
    _exit(0);
}

int main(void)
{
    check_talus_in_force();
    alarm(100); /* a child that hangs must not hang the test */
    pthread_t threads[WORKERS];
    for (uintptr_t i = 0; i < WORKERS; i++)
        CHECK(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)) == 0);
    static struct kept kept[KEPT];
    uint32_t           random = 99;
    for (int i = 0; i < KEPT; i++)
        fill(&kept[i], &random);
    for (int number = 0; number < FORKS; number++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            alarm(30);
            child(kept, number);
        }
        struct kept *one = &kept[number % KEPT]; /* the parent goes on meanwhile */
        empty(one);
        fill(one, &random);
        int status;
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(status == 0);
    }
    for (int i = 0; i < KEPT; i++)
        empty(&kept[i]);
    atomic_store(&stop, true);
    for (int i = 0; i < WORKERS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    return 0;
}
