/* flow.c: blocks flow one way, from the threads that allocate them to the threads that free them.
 * 1 Purpose     Remote frees in one direction: 1 to 1, 1 to N, N to 1, and several pairs at once.
 * 2 States      A producer sends its share of blocks round robin over its rings and then NULL on
 *               each; a consumer ends when it has had NULL from each of its rings.
 * 3 Ordering    that of ring.h */
#include "tools/talus/load/load.h"
#include "tools/talus/load/ring.h"

struct flow {
    const struct tl_load *load;
    struct tl_ring       *rings; /* producer p to consumer c: rings[p * consumers + c] */
    uint32_t              producers, consumers;
    uint64_t              messages; /* of each producer */
    bool                  empty;    /* no malloc: what the rings cost by themselves */
};

struct flow_thread {
    struct flow *flow;
    bool         produces;
    uint32_t     index;
    uint32_t     closed; /* consumer: rings that have said NULL */
};

static uint32_t sizes[TL_SIZES_COUNT]; /* written before the threads start */

static void produce(const struct flow *flow, uint32_t index)
{
    struct tl_ring *rings = flow->rings + (size_t)index * flow->consumers;
    struct tl_rng   rng = { flow->load->seed + index };
    uint32_t        cursor = tl_rng_next(&rng), to = 0;
    for (uint64_t i = 0; i < flow->messages; i++) {
        void *block = flow->empty ? (void *)flow : tl_load_take(sizes[cursor++ % TL_SIZES_COUNT]);
        tl_ring_put(&rings[to], block);
        if (++to == flow->consumers)
            to = 0;
    }
    for (to = 0; to < flow->consumers; to++) {
        tl_ring_put(&rings[to], NULL);
        tl_ring_publish(&rings[to]);
    }
}

static void consume_one(void *argument, void *message)
{
    struct flow_thread *self = argument;
    if (message == NULL)
        self->closed++;
    else if (!self->flow->empty)
        tl_load_give(message);
}

static void consume(struct flow_thread *self)
{
    const struct flow *flow = self->flow;
    unsigned           turns = 0;
    while (self->closed != flow->producers) {
        uint32_t got = 0;
        for (uint32_t p = 0; p < flow->producers; p++)
            got += tl_ring_take(&flow->rings[(size_t)p * flow->consumers + self->index],
                                consume_one, self);
        if (got == 0)
            tl_ring_wait(&turns);
        else
            turns = 0;
    }
}

static void *flow_main(void *argument)
{
    struct flow_thread *self = argument;
    tl_load_start_line();
    if (self->produces)
        produce(self->flow, self->index);
    else
        consume(self);
    return NULL;
}

static void flow_open(struct flow *flow)
{
    size_t rings = (size_t)flow->producers * flow->consumers;
    flow->rings = tl_load_map(rings * sizeof *flow->rings);
    for (size_t i = 0; i < rings; i++)
        flow->rings[i].room_until = TL_RING_SLOTS;
}

/* `threads` producers to `peers` consumers; n = 1: without malloc. */
void tl_run_flow(const struct tl_load *load, struct tl_load_result *result)
{
    struct flow flow = {
        .load = load, .producers = load->threads, .consumers = load->peers, .empty = load->n == 1
    };
    struct flow_thread threads[TL_LOAD_THREADS_MAX];
    uint32_t           count = flow.producers + flow.consumers;
    if (count > TL_LOAD_THREADS_MAX)
        tl_load_die(5, "too many threads");
    tl_load_sizes(sizes, load);
    flow.messages = tl_load_ops(load) / flow.producers + 1;
    flow_open(&flow);
    for (uint32_t i = 0; i < count; i++) {
        bool produces = i < flow.producers;
        threads[i] = (struct flow_thread){ &flow, produces, produces ? i : i - flow.producers, 0 };
    }
    result->ns = tl_load_threads(count, flow_main, threads, sizeof threads[0]);
    result->ops = flow.messages * flow.producers;
    tl_load_unmap(flow.rings, (size_t)flow.producers * flow.consumers * sizeof *flow.rings);
}

/* `threads` pairs, each a producer with a consumer of its own. */
void tl_run_flow_pairs(const struct tl_load *load, struct tl_load_result *result)
{
    struct flow        flows[TL_LOAD_THREADS_MAX / 2];
    struct flow_thread threads[TL_LOAD_THREADS_MAX];
    uint32_t           pairs = load->threads;
    if (pairs == 0 || pairs > TL_LOAD_THREADS_MAX / 2)
        tl_load_die(5, "no pairs, or too many");
    tl_load_sizes(sizes, load);
    for (uint32_t i = 0; i < pairs; i++) {
        flows[i] = (struct flow){ .load = load, .producers = 1, .consumers = 1 };
        flows[i].messages = tl_load_ops(load) / pairs + 1;
        flow_open(&flows[i]);
        threads[2 * i] = (struct flow_thread){ &flows[i], true, 0, 0 };
        threads[2 * i + 1] = (struct flow_thread){ &flows[i], false, 0, 0 };
    }
    result->ns = tl_load_threads(2 * pairs, flow_main, threads, sizeof threads[0]);
    result->ops = flows[0].messages * pairs;
    for (uint32_t i = 0; i < pairs; i++)
        tl_load_unmap(flows[i].rings, sizeof *flows[i].rings);
}
