/* atfork.c: fork handlers of the program that allocate and free, registered before the heap's own
 * (in a preinit function, before any malloc) and after it; other threads are busy meanwhile.
 * In a static program, where nothing comes before a preinit function, the former would hang.
 * D13. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

static atomic_bool stop;
static atomic_uint prepared, in_parent, in_child;

static void allocate_some(void)
{
    static const size_t sizes[] = { 24, 600, 5000, 70000, 3000000 };
    for (int round = 0; round < 20; round++) {
        for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            char *block = malloc(sizes[i] + (size_t)round);
            CHECK(block != NULL);
            block[sizes[i] - 1] = 1;
            free(opaque(block));
        }
    }
}

static void prepare(void)
{
    atomic_fetch_add(&prepared, 1);
    allocate_some();
}

static void parent(void)
{
    atomic_fetch_add(&in_parent, 1);
    allocate_some();
}

static void child(void)
{
    atomic_fetch_add(&in_child, 1);
    allocate_some();
}

static void register_early(void)
{
    CHECK(pthread_atfork(prepare, parent, child) == 0);
}

__attribute__((section(".preinit_array"),
               used)) static void (*preinit_entry)(void) = register_early;

static void *churn(void *seed)
{
    uint32_t random = (uint32_t)(uintptr_t)seed;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        char *block = malloc(1 + next_random(&random) % 200000);
        CHECK(block != NULL);
        block[0] = 1;
        free(opaque(block));
    }
    return NULL;
}

int main(void)
{
    check_talus_in_force();
    alarm(60);
    CHECK(pthread_atfork(prepare, parent, child) == 0);
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)) == 0);
    for (int i = 0; i < 30; i++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            alarm(20);
            CHECK(atomic_load(&in_child) == 2);
            allocate_some();
            _exit(0);
        }
        int status;
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    }
    CHECK(atomic_load(&prepared) == 60 && atomic_load(&in_parent) == 60);
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    return 0;
}
