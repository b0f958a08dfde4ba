/* trees.c: threads build small trees, keep some, drop some, and swap some with each other.
 * 1 Purpose     A mix of everything at once: short-lived and kept blocks, blocks that move to
 *               another thread with what hangs on them, phases at whose end the threads die while
 *               blocks of theirs live on in the slots.
 * 2 States      A phase has fresh threads. Each takes its steps: builds a tree (half of the steps)
 *               or keeps one until the end of the phase (the other half), then drops a random tree
 *               (two thirds) and swaps a random one with a random slot (a quarter). Between phases
 *               the main thread frees half of the slots.
 * 3 Ordering    a tree crosses by one exchange of a slot (acquire and release) */
#include "tools/talus/load/load.h"

#include <stdatomic.h>

#define LEAVES_MAX 8u
#define SLOTS      1000u

static uint32_t      sizes[TL_SIZES_COUNT]; /* written before the threads start */
static void *_Atomic slots[SLOTS];          /* exchanged by all */

/* The root, a block; its leaves are blocks of their own. */
struct tree {
    uint64_t mark; /* that of tl_load_touch */
    uint64_t leaf_count;
    void    *leaves[];
};

struct builder {
    struct tl_rng rng;
    uint32_t      steps; /* of a phase */
    void        **trees; /* the thread of the phase: `steps` places for dropped, swapped ones */
    void        **kept;  /* the same, for those that stay */
    uint64_t      taken; /* blocks allocated */
};

static struct tree *tree_take(struct builder *self)
{
    uint32_t     leaves = tl_rng_below(&self->rng, LEAVES_MAX);
    struct tree *tree = tl_load_take(sizeof *tree + leaves * sizeof tree->leaves[0]);
    tree->leaf_count = leaves;
    for (uint32_t i = 0; i < leaves; i++)
        tree->leaves[i] = tl_load_take(sizes[tl_rng_next(&self->rng) % TL_SIZES_COUNT]);
    self->taken += 1 + leaves;
    return tree;
}

static void tree_give(struct tree *tree)
{
    if (tree == NULL)
        return;
    for (uint64_t i = 0; i < tree->leaf_count; i++)
        tl_load_give(tree->leaves[i]);
    tl_load_give(tree);
}

static void *builder_main(void *argument)
{
    struct builder *self = argument;
    uint32_t        count = 0, kept_count = 0;
    tl_load_start_line();
    for (uint32_t i = 0; i < self->steps; i++) {
        uint32_t chance = tl_rng_next(&self->rng);
        if (chance % 2 == 0)
            self->trees[count++] = tree_take(self);
        else
            self->kept[kept_count++] = tree_take(self);
        if (count == 0)
            continue;
        if (chance / 2 % 3 != 0) {
            uint32_t at = tl_rng_below(&self->rng, count);
            tree_give(self->trees[at]);
            self->trees[at] = NULL;
        }
        if (chance / 8 % 4 == 0) {
            uint32_t at = tl_rng_below(&self->rng, count);
            self->trees[at] = atomic_exchange_explicit(&slots[tl_rng_below(&self->rng, SLOTS)],
                                                       self->trees[at], memory_order_acq_rel);
        }
    }
    for (uint32_t i = 0; i < count; i++)
        tree_give(self->trees[i]);
    for (uint32_t i = 0; i < kept_count; i++)
        tree_give(self->kept[i]);
    return NULL;
}

/* Frees one slot in `share`; no thread runs. */
static void slots_give(struct tl_rng *rng, uint32_t share)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (tl_rng_below(rng, share) == 0)
            tree_give(atomic_exchange_explicit(&slots[i], NULL, memory_order_relaxed));
    }
}

/* `peers` phases of `threads` threads. */
void tl_run_trees(const struct tl_load *load, struct tl_load_result *result)
{
    struct builder builders[TL_LOAD_THREADS_MAX];
    struct tl_rng  rng = { load->seed };
    if (load->threads > TL_LOAD_THREADS_MAX)
        tl_load_die(5, "too many threads");
    uint64_t trees = tl_load_ops(load) / (1 + LEAVES_MAX / 2);
    uint32_t steps = (uint32_t)(trees / load->threads / load->peers + 1);
    tl_load_sizes(sizes, load);
    for (uint32_t i = 0; i < load->threads; i++) {
        builders[i] = (struct builder){ .rng = { load->seed + i * 7919 }, .steps = steps };
        builders[i].trees = tl_load_map(steps * sizeof(void *));
        builders[i].kept = tl_load_map(steps * sizeof(void *));
    }
    uint64_t start = tl_load_now();
    for (uint32_t phase = 0; phase < load->peers; phase++) {
        tl_load_threads(load->threads, builder_main, builders, sizeof builders[0]);
        slots_give(&rng, 2);
    }
    slots_give(&rng, 1);
    result->ns = tl_load_now() - start;
    for (uint32_t i = 0; i < load->threads; i++) {
        result->ops += builders[i].taken;
        tl_load_unmap(builders[i].trees, steps * sizeof(void *));
        tl_load_unmap(builders[i].kept, steps * sizeof(void *));
    }
}
