/* exhaust.c: several threads take memory until malloc returns NULL, whatever sets the bound (ulimit
 * -v, strict overcommit, a limit in TALUS_OPTIONS), free it, and do it again: errno is ENOMEM, what
 * was given out stays intact, and the second time yields about as much as the first.
 * Argument: the most MiB to take, in all, when no bound is met before; 0: a bound must be met. */
#include "check.h"

#include <pthread.h>

enum { THREADS = 3, ROUNDS = 3 };

static size_t            most_bytes; /* per thread; 0: until NULL */
static size_t            taken_bytes[ROUNDS][THREADS];
static pthread_barrier_t all_have; /* nobody frees before everybody has what it can get */

struct piece {
    struct piece *next;
    size_t        size;
};

static size_t next_size(uint32_t *random, size_t most)
{
    uint32_t kind = next_random(random) % 100;
    size_t   bound = kind < 90 ? 4000 : kind < 99 ? 100000 : 2000000;
    return sizeof(struct piece) + next_random(random) % (bound < most ? bound : most);
}

static void *take_and_free(void *argument)
{
    uintptr_t     number = (uintptr_t)argument;
    uint32_t      random = (uint32_t)number + 1;
    struct piece *all = NULL;
    size_t        taken = 0;
    size_t        most = (size_t)1 << 21;
    for (;;) {
        size_t size = next_size(&random, most);
        errno = 0;
        struct piece *piece = malloc(size);
        if (piece == NULL) {
            CHECK(errno == ENOMEM);
            if (most <= 64)
                break;
            most /= 2; /* no room for that, but perhaps for less */
            continue;
        }
        memset(piece, (int)(size & 0xff), size);
        piece->next = all;
        piece->size = size;
        all = piece;
        taken += size;
        if (most_bytes != 0 && taken >= most_bytes)
            break;
    }
    pthread_barrier_wait(&all_have);
    while (all != NULL) {
        struct piece        *next = all->next;
        const unsigned char *bytes = (const unsigned char *)all;
        size_t               size = all->size;
        CHECK(size == sizeof *all || bytes[size - 1] == (size & 0xff));
        CHECK(size < 2 * sizeof *all || bytes[sizeof *all + size / 3] == (size & 0xff) ||
              sizeof *all + size / 3 >= size);
        free(all);
        all = next;
    }
    taken_bytes[number / THREADS][number % THREADS] = taken;
    return NULL;
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    most_bytes = (size_t)atol(argv[1]) * 1024 * 1024 / THREADS;
    check_talus_in_force();
    alarm(100);
    CHECK(pthread_barrier_init(&all_have, NULL, THREADS) == 0);
    size_t total[ROUNDS] = { 0 };
    for (uintptr_t round = 0; round < ROUNDS; round++) {
        pthread_t threads[THREADS];
        for (uintptr_t i = 0; i < THREADS; i++)
            CHECK(pthread_create(&threads[i], NULL, take_and_free, (void *)(round * THREADS + i)) ==
                  0);
        for (int i = 0; i < THREADS; i++) {
            CHECK(pthread_join(threads[i], NULL) == 0);
            total[round] += taken_bytes[round][i];
        }
    }
    printf("taken:");
    for (int round = 0; round < ROUNDS; round++) {
        printf(" %zu MiB", total[round] >> 20);
        CHECK(total[round] >= (size_t)8 << 20);
        CHECK(total[round] > total[0] / 2); /* freed memory is memory again */
    }
    printf("\n");
    return 0;
}
