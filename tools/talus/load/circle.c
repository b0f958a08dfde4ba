/* circle.c: threads in a circle, each allocating for the next and freeing what the one before sent.
 * 1 Purpose     Every thread is producer and consumer at once, block by block or in batches, so
 *               that none is only ever freed for.
 * 2 States      A thread sends its share of messages and then NULL; it ends when it has sent NULL
 *               and had NULL. It never waits for room while there is something to take: a circle of
 *               full rings resolves itself.
 * 3 Ordering    that of ring.h */
#include "tools/talus/load/load.h"
#include "tools/talus/load/ring.h"

static uint32_t sizes[TL_SIZES_COUNT]; /* written before the threads start */

/* What is sent when a message is more than one block; itself a block. */
struct batch {
    uint64_t mark; /* that of tl_load_touch */
    void    *blocks[];
};

struct circle_thread {
    struct tl_ring *in, *out;
    uint64_t        left;        /* messages still to be sent */
    uint32_t        batch;       /* blocks in a message; 1: the block itself */
    uint32_t        on_way_max;  /* messages sent and not yet taken */
    uint32_t        cursor;      /* of the sizes */
    bool            said, heard; /* NULL, to the next; from the one before */
};

static void *message_take(struct circle_thread *self)
{
    if (self->batch == 1)
        return tl_load_take(sizes[self->cursor++ % TL_SIZES_COUNT]);
    struct batch *batch = tl_load_take(sizeof *batch + self->batch * sizeof batch->blocks[0]);
    for (uint32_t i = 0; i < self->batch; i++)
        batch->blocks[i] = tl_load_take(sizes[self->cursor++ % TL_SIZES_COUNT]);
    return batch;
}

static void message_give(void *argument, void *message)
{
    struct circle_thread *self = argument;
    struct batch         *batch = message;
    if (message == NULL) {
        self->heard = true;
        return;
    }
    if (self->batch != 1) {
        for (uint32_t i = 0; i < self->batch; i++)
            tl_load_give(batch->blocks[i]);
    }
    tl_load_give(message);
}

/* Sends what there is room for, at most a group of blocks; returns how many messages. */
static uint32_t send_some(struct circle_thread *self)
{
    uint32_t room_min = TL_RING_SLOTS - self->on_way_max + 1, sent = 0;
    uint32_t most = self->batch == 1 ? TL_RING_GROUP : 1;
    while (!self->said && sent < most && tl_ring_room(self->out, room_min) >= room_min) {
        self->said = self->left == 0;
        tl_ring_put(self->out, self->said ? NULL : message_take(self));
        self->left -= !self->said;
        sent++;
    }
    if (sent != 0)
        tl_ring_publish(self->out);
    return sent;
}

static void *circle_main(void *argument)
{
    struct circle_thread *self = argument;
    unsigned              turns = 0;
    tl_load_start_line();
    while (!self->said || !self->heard) {
        uint32_t moved = tl_ring_take(self->in, message_give, self) + send_some(self);
        if (moved == 0)
            tl_ring_wait(&turns);
        else
            turns = 0;
    }
    return NULL;
}

/* `threads` threads in a circle; n blocks to a message, at most `peers` messages on the way to each
 * thread. */
void tl_run_circle(const struct tl_load *load, struct tl_load_result *result)
{
    struct circle_thread threads[TL_LOAD_THREADS_MAX];
    uint32_t             count = load->threads;
    if (count > TL_LOAD_THREADS_MAX || load->peers > TL_RING_SLOTS)
        tl_load_die(5, "too many threads, or messages on the way");
    uint64_t        messages = tl_load_ops(load) / load->n / count + 1;
    struct tl_ring *rings = tl_load_map(count * sizeof *rings);
    struct tl_rng   rng = { load->seed };
    tl_load_sizes(sizes, load);
    for (uint32_t i = 0; i < count; i++) {
        rings[i].room_until = TL_RING_SLOTS;
        threads[i] = (struct circle_thread){ .in = &rings[i],
                                             .out = &rings[(i + 1) % count],
                                             .left = messages,
                                             .batch = load->n,
                                             .on_way_max = load->peers,
                                             .cursor = tl_rng_next(&rng) };
    }
    result->ns = tl_load_threads(count, circle_main, threads, sizeof threads[0]);
    result->ops = messages * count * (load->n + (load->n != 1));
    tl_load_unmap(rings, count * sizeof *rings);
}
