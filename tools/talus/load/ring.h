/* ring.h: a bounded ring from one producer to one consumer, to hand blocks over at a cost far below
 * malloc's.
 * 1 Purpose     Messages are published and taken in groups, so that the ring's own lines cross
 *               between the cores once per group and not once per block: about 2 ns a block,
 *               measured by `talus-bench-load ring`.
 * 2 Invariants  taken <= published; published - taken <= TL_RING_SLOTS
 * 3 Ordering    publish: release on `published`, pairs with the acquire in tl_ring_take; give room:
 *               release on `taken`, pairs with the acquire in tl_ring_put and tl_ring_room
 * 4 Contexts    thread; a full or empty ring spins, then yields, then sleeps: there may be more
 *               threads than CPUs, or other programs */
#ifndef TALUS_TOOLS_RING_H
#define TALUS_TOOLS_RING_H

#include "arch/cpu.h"
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define TL_RING_SLOTS 1024u /* a power of two */
#define TL_RING_GROUP 32u   /* messages published at once */
#define TL_RING_LINE  _Alignas(64)

struct tl_ring {
    TL_RING_LINE _Atomic uint32_t published; /* producer writes, consumer reads */
    TL_RING_LINE _Atomic uint32_t taken;     /* consumer writes, producer reads */
    TL_RING_LINE uint32_t         put_count; /* producer: messages written, published or not */
    uint32_t room_until; /* producer: `taken` as last seen, plus TL_RING_SLOTS */
    /* producer until published, then consumer until taken */
    TL_RING_LINE void *slots[TL_RING_SLOTS];
};

/* A turn of waiting: at first the other side is about to come; then it may want this CPU; then
 * it has none, and sleeping helps it to one. */
static inline void tl_ring_wait(unsigned *turns)
{
    static const struct timespec nap = { 0, 20000 };
    if (++*turns < 512) {
        tl_cpu_relax();
    } else if (*turns < 520) {
        sched_yield();
    } else {
        nanosleep(&nap, NULL);
    }
}

static inline void tl_ring_publish(struct tl_ring *ring)
{
    atomic_store_explicit(&ring->published, ring->put_count, memory_order_release);
}

static inline void tl_ring_put(struct tl_ring *ring, void *message)
{
    if (ring->put_count == ring->room_until) {
        unsigned turns = 0;
        tl_ring_publish(ring);
        do {
            ring->room_until =
                atomic_load_explicit(&ring->taken, memory_order_acquire) + TL_RING_SLOTS;
            if (ring->put_count == ring->room_until)
                tl_ring_wait(&turns);
        } while (ring->put_count == ring->room_until);
    }
    ring->slots[ring->put_count % TL_RING_SLOTS] = message;
    if (++ring->put_count % TL_RING_GROUP == 0)
        tl_ring_publish(ring);
}

/* How many messages fit without waiting. Looks at the consumer's line only when it has not seen
 * `enough` before. */
static inline uint32_t tl_ring_room(struct tl_ring *ring, uint32_t enough)
{
    if (ring->room_until - ring->put_count < enough)
        ring->room_until = atomic_load_explicit(&ring->taken, memory_order_acquire) + TL_RING_SLOTS;
    return ring->room_until - ring->put_count;
}

/* Hands published messages to `use`, at most a group; returns how many. Never waits. */
static inline uint32_t tl_ring_take(struct tl_ring *ring,
                                    void (*use)(void *argument, void *message), void *argument)
{
    uint32_t from = atomic_load_explicit(&ring->taken, memory_order_relaxed); /* own value */
    uint32_t count = atomic_load_explicit(&ring->published, memory_order_acquire) - from;
    count = count > TL_RING_GROUP ? TL_RING_GROUP : count;
    for (uint32_t i = 0; i < count; i++)
        use(argument, ring->slots[(from + i) % TL_RING_SLOTS]);
    if (count != 0)
        atomic_store_explicit(&ring->taken, from + count, memory_order_release);
    return count;
}

#endif
