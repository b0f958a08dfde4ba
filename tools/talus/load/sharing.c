/* sharing.c: does the allocator put blocks of different threads on one cache line?
 * 1 Purpose     Active: threads that allocate small blocks for themselves get neighbours. Passive:
 *               a thread frees a block whose neighbour another thread has, and gets the same block
 *               again; the sharing that the program began lives on. Either way the writes of the
 *               threads below take many times as long.
 * 2 States      Rounds of fresh threads, so that one lucky or unlucky placement does not decide the
 *               run. Each thread: in the passive kind, frees the block it was handed; then
 *               allocates, writes WRITES times, frees, again and again.
 * 3 Limits      The writes outweigh malloc and free by design: what is measured is where blocks
 *               are, not how fast they come. */
#include "tools/talus/load/load.h"

#define ROUNDS 20u
#define WRITES 100u /* to each block: far more than it takes to notice a shared line */

struct writer {
    void    *handed; /* passive: a block of the main thread, neighbour of the others'; else NULL */
    uint64_t ops;
    uint32_t size;
};

static void *writer_main(void *argument)
{
    struct writer *self = argument;
    tl_load_start_line();
    if (self->handed != NULL)
        tl_load_give(self->handed);
    for (uint64_t i = 0; i < self->ops; i++) {
        void *block = tl_load_take(self->size);
        /* volatile: the compiler would keep the last write alone */
        volatile uint64_t *word = block;
        uint64_t           mark = *word;
        for (unsigned w = 0; w < WRITES; w++)
            *word = mark;
        tl_load_give(block);
    }
    return NULL;
}

/* Blocks of n bytes; peers = 1: the passive kind. */
void tl_run_sharing(const struct tl_load *load, struct tl_load_result *result)
{
    struct writer writers[TL_LOAD_THREADS_MAX];
    if (load->threads > TL_LOAD_THREADS_MAX)
        tl_load_die(5, "too many threads");
    uint64_t ops = tl_load_ops(load) / load->threads / ROUNDS + 1;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < load->threads; i++) {
            void *handed = load->peers == 1 ? tl_load_take(load->n) : NULL;
            writers[i] = (struct writer){ handed, ops, load->n };
        }
        result->ns += tl_load_threads(load->threads, writer_main, writers, sizeof writers[0]);
    }
    result->ops = ops * load->threads * ROUNDS;
}
