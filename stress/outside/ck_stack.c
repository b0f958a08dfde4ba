/* ck_stack.c: the stack of ConcurrencyKit under the oracle of the suites.
 * 1 The bug     A consumer of a ck_stack (0.7.1) may pop single entries or take all of them; both
 *               exist for any number of consumers (_mpmc). The single pop guards against ABA by a
 *               generation that it counts up; the batch pop exchanges the head and leaves the
 *               generation alone. So a single pop that read the head A and its next B still
 *               succeeds when in between a batch pop took both, B is in use, and A was pushed
 *               back: B becomes the head, and the next pop hands it out a second time.
 * 2 Two ways    mixed: one worker pops single entries, the others batches, which must be found;
 *               single: all of them pop single entries, the right use, which must pass with the
 *               same nodes, the same workers, and the same yields. The way is the name of the
 *               suite.
 * 3 Oracle      A node is granules. Who popped it takes them from nobody, and gives them back to
 *               nobody before he pushes it (lib/oracle.c, 3: no false alarm, no order added). In
 *               the end all nodes are on the stack: the same bug loses some when the stale B is
 *               further down in the list.
 * 4 Pressure    As in any suite; and between the steps of the stack's algorithms are marked points,
 *               of which one in so many yields: at the fences of its header, and between the read
 *               of the head's next entry and the exchange, where the bug is. Few nodes, so that the
 *               same one is at the head again soon. One single popper: each pop of another would
 *               count the generation up. */
#include "stress/hosted/preempt.h"
#include "stress/lib/host.h"
#include "stress/lib/oracle.h"
#include "stress/lib/report.h"
#include "stress/suites/suite.h"

#include <ck_pr.h>

static inline void marked_fence_load(void)
{
    ck_pr_fence_load();
    tl_preempt_point("ck_stack");
}

static inline void marked_fence_store(void)
{
    ck_pr_fence_store();
    tl_preempt_point("ck_stack");
}

static inline bool marked_cas_ptr_2_value(void *target, void *expected, void *wanted, void *found)
{
    tl_preempt_point("ck_stack");
    return ck_pr_cas_ptr_2_value(target, expected, wanted, found);
}

#define ck_pr_fence_load      marked_fence_load
#define ck_pr_fence_store     marked_fence_store
#define ck_pr_cas_ptr_2_value marked_cas_ptr_2_value
#include <ck_stack.h>

#define NODES      4u
#define NODE_BYTES ((size_t)64)
#define HELD_MAX   NODES

static _Alignas(64) unsigned char memory[NODES * NODE_BYTES];
static struct ck_stack_entry entries[NODES]; /* of the nodes */
static struct ck_stack       stack = CK_STACK_INITIALIZER;

static void *node_of(const struct ck_stack_entry *entry)
{
    return memory + (size_t)(entry - entries) * NODE_BYTES;
}

static void claim(struct st_worker *worker, const struct ck_stack_entry *entry)
{
    struct st_conflict found;
    void              *node = node_of(entry);

    st_count_add(&worker->counts.blocks, 1);
    st_trace(worker, ST_ALLOC, node, NODE_BYTES);
    if (!st_oracle_claim(node, NODE_BYTES, st_owner_make(worker->id, NODE_BYTES), &found))
        st_fail_about((struct st_about){ st_owner_worker(found.owner), node, NODE_BYTES },
                      "overlap",
                      "  worker %u popped the node %p, which worker %u has popped and not pushed",
                      worker->id, node, st_owner_worker(found.owner));
}

static void give_back(struct st_worker *worker, struct ck_stack_entry *entry)
{
    struct st_conflict found;
    void              *node = node_of(entry);

    st_trace(worker, ST_FREE, node, NODE_BYTES);
    if (!st_oracle_release(node, NODE_BYTES, st_owner_make(worker->id, NODE_BYTES), &found))
        st_fail_about((struct st_about){ st_owner_worker(found.owner), node, NODE_BYTES },
                      "overlap", "  the node %p of worker %u belongs to worker %u", node,
                      worker->id, st_owner_worker(found.owner));
    ck_stack_push_mpmc(&stack, entry);
}

/* Pops up to HELD_MAX nodes in one of the two ways. Returns how many. */
static unsigned pop(struct st_worker *worker, bool batch, struct ck_stack_entry **held)
{
    unsigned               count = 0;
    struct ck_stack_entry *entry;

    atomic_store_explicit(&worker->inside, true, memory_order_relaxed);
    entry = batch ? ck_stack_batch_pop_mpmc(&stack) : ck_stack_pop_mpmc(&stack);
    atomic_store_explicit(&worker->inside, false, memory_order_relaxed);
    st_count_add(&worker->counts.operations, 1);
    for (; entry != NULL && count < HELD_MAX; entry = batch ? entry->next : NULL) {
        claim(worker, entry);
        held[count++] = entry;
    }
    return count;
}

static void work(struct st_worker *worker, void *batches)
{
    struct ck_stack_entry *held[HELD_MAX];
    bool                   batch = batches != NULL && worker->index != 0;

    while (st_team_runs(worker)) {
        unsigned count = pop(worker, batch, held);
        if (count == 0)
            st_host_yield();
        while (count > 0) {
            unsigned which = st_rng_below(&worker->rng, count);
            give_back(worker, held[which]);
            held[which] = held[--count];
        }
    }
}

/* Nobody else is there. */
static void check_all_are_back(void)
{
    unsigned count = 0;

    for (struct ck_stack_entry *entry = stack.head; entry != NULL && count <= NODES;
         entry = entry->next)
        count++;
    if (count != NODES)
        st_fail("lost", "  everybody has pushed what he popped, and %s %u of %u nodes are there",
                count < NODES ? "only" : "more than", count < NODES ? count : NODES, NODES);
}

static void run_with(const struct st_run *run, void *batches)
{
    struct st_team team = { .run = run, .body = work, .shared = batches };

    for (unsigned i = 0; i < NODES; i++)
        ck_stack_push_mpmc(&stack, &entries[i]);
    st_team_run(&team, run->threads, run->amount);
    check_all_are_back();
}

static void run_mixed(const struct st_run *run)
{
    run_with(run, &stack);
}

static void run_single(const struct st_run *run)
{
    run_with(run, NULL);
}

static const struct st_suite suites[] = {
    { .name = "mixed", .hunts = "batch pops beside a single pop", .main = run_mixed },
    { .name = "single", .hunts = "single pops alone: the right use", .main = run_single },
};

/* Of the program talus-stress-ck, in place of the suites of heaps. */
const struct st_suite *st_suite_list(size_t i)
{
    return i < sizeof(suites) / sizeof(suites[0]) ? &suites[i] : NULL;
}
