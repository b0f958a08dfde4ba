/* sharing.c: does the allocator put blocks of different threads on one cache line?
 * 1 Purpose     Active: threads that allocate small blocks for themselves get neighbours. Passive:
 *               a thread frees a block whose neighbour another thread has, and gets the same block
 *               again; the sharing that the program began lives on. Either way the writes of the
 *               threads below take many times as long.
 * 2 States      Rounds of fresh threads, so that one lucky or unlucky placement does not decide the
 *               run. Each thread: in the passive kind, frees the block it was handed; then
 *               allocates, writes WRITES times, frees, again and again.
 * 3 Count       Where a shared line costs little (virtual CPUs that are two threads of one core)
 *               the time tells nothing. So the rounds are counted in which the last blocks of two
 *               threads lay on one line.
 * 4 Limits      The writes outweigh malloc and free by design: what is measured is where blocks
 *               are, not how fast they come. */
#include "tools/talus/load/load.h"

#include <pthread.h>

#define ROUNDS 20u
#define LINE   64u
#define WRITES 100u /* to each block: far more than it takes to notice a shared line */

struct writer {
    void    *handed; /* passive: a block of the main thread, neighbour of the others'; else NULL */
    uint64_t ops;
    uint32_t size;
    uint64_t last_line; /* of the last block, for the main thread after the join */
};

static pthread_barrier_t all_hold; /* set up before the threads start */

/* volatile: the compiler would keep the last write alone */
static void write_often(volatile uint64_t *word)
{
    uint64_t mark = *word;
    for (unsigned w = 0; w < WRITES; w++)
        *word = mark;
}

static void *writer_main(void *argument)
{
    struct writer *self = argument;
    tl_load_start_line();
    if (self->handed != NULL)
        tl_load_give(self->handed);
    for (uint64_t i = 0; i < self->ops; i++) {
        void *block = tl_load_take(self->size);
        write_often(block);
        tl_load_give(block);
    }
    void *last = tl_load_take(self->size);
    self->last_line = (uintptr_t)last / LINE;
    pthread_barrier_wait(&all_hold);
    tl_load_give(last);
    return NULL;
}

static bool is_line_shared(const struct writer *writers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (writers[i].last_line == writers[j].last_line)
                return true;
        }
    }
    return false;
}

/* Blocks of n bytes; peers = 1: the passive kind. */
void tl_run_sharing(const struct tl_load *load, struct tl_load_result *result)
{
    struct writer writers[TL_LOAD_THREADS_MAX];
    if (load->threads > TL_LOAD_THREADS_MAX)
        tl_load_die(5, "too many threads");
    uint64_t ops = tl_load_ops(load) / load->threads / ROUNDS + 1;
    pthread_barrier_init(&all_hold, NULL, load->threads);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < load->threads; i++) {
            void *handed = load->peers == 1 ? tl_load_take(load->n) : NULL;
            writers[i] = (struct writer){ .handed = handed, .ops = ops, .size = load->n };
        }
        result->ns += tl_load_threads(load->threads, writer_main, writers, sizeof writers[0]);
        result->shared_rounds += is_line_shared(writers, load->threads);
    }
    pthread_barrier_destroy(&all_hold);
    result->rounds = ROUNDS;
    result->ops = ops * load->threads * ROUNDS;
}
