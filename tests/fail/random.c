/* random.c: requests fail at random while threads allocate: every refusal is ENOMEM, nothing is
 * lost (R2, R30). */
#include <pthread.h>
#include <stdatomic.h>

#include "lib/counted_heap.h"
#include "lib/pattern.h"
#include "lib/rng.h"
#include "lib/test.h"

enum { THREADS = 4, BLOCKS = 300 };

struct worker {
    pthread_t thread;
    uint64_t  seed;
    size_t    refused;
    int       errors;
};

static talus_heap    *heap;
static talus_provider unsteady;
static atomic_uint    request;

/* Lets two of three requests through. */
static void *unsteady_map(void *context, size_t bytes)
{
    struct rng rng = rng_seeded(test_seed() + atomic_fetch_add(&request, 1));

    return rng_below(&rng, 3) == 0 ? NULL : talus_provider_mmap()->map(context, bytes);
}

static void *load(void *context)
{
    struct worker *worker = context;
    struct rng     rng = rng_seeded(worker->seed);
    void          *blocks[BLOCKS] = { NULL };
    size_t         sizes[BLOCKS];

    for (int step = 0; step < TEST_ROUNDS(30000); step++) {
        size_t at = rng_below(&rng, BLOCKS);
        size_t size = rng_size(&rng, MIB / 4);
        void  *block;

        if (blocks[at] != NULL && !pattern_holds(blocks[at], sizes[at], worker->seed + at))
            worker->errors++;
        if (blocks[at] != NULL && rng_below(&rng, 4) != 0) {
            talus_heap_free(heap, blocks[at]);
            blocks[at] = NULL;
            continue;
        }
        errno = 0;
        block = talus_heap_realloc(heap, blocks[at], size, NULL);
        if (block == NULL) {
            worker->refused++;
            if (errno != ENOMEM)
                worker->errors++;
            continue; /* the old block, if any, is checked next time */
        }
        blocks[at] = block;
        sizes[at] = size;
        pattern_fill(block, size, worker->seed + at);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        talus_heap_free(heap, blocks[i]);
    return NULL;
}

static void threads_against_an_unsteady_provider(void **state)
{
    static struct worker workers[THREADS];
    size_t               refused = 0;
    uint64_t             seed = test_seed();

    (void)state;
    unsteady = *talus_provider_mmap();
    unsteady.map = unsteady_map;
    heap = create_counted_over(&unsteady, (talus_heap_options){ .name = "unsteady" });
    for (size_t i = 0; i < THREADS; i++) {
        workers[i].seed = seed + i;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, load, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].errors, 0);
        refused += workers[i].refused;
    }
    assert_true(counted.failures > 0);
    printf("%zu refusals, %llu of %llu requests failed\n", refused,
           (unsigned long long)counted.failures, (unsigned long long)counted.requests);
    destroy_counted(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_against_an_unsteady_provider),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
