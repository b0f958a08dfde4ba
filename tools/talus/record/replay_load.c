/* replay_load.c: talus-replay-load plays a trace on whatever malloc it was started with.
 *     talus-replay-load TRACE
 * 1 Purpose     Each thread of the trace is a thread here, which makes the same calls in the same
 *               order; tape.h says what waits for what. Blocks are touched and checked as in every
 *               workload (load.h). It prints the same line as talus-bench-load.
 * 2 Peak        VmHWM less the trace and the table of slots: both are in memory from start to end.
 * 3 Ordering    `generation` hands a block to the thread that frees it: release in publish(),
 *               acquire in wait_block(). `done` does the same for epochs. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/talus/load/load.h"
#include "tools/talus/record/tape.h"

struct slot {
    void        *block; /* of the thread that took it, until it is handed on */
    uint64_t     size;  /* the same */
    atomic_ulong ready; /* generation of `block`: number of times the slot was used */
};

static struct tl_tape tape;
static struct slot   *slots;
static atomic_uint   *remaining; /* by epoch: threads that have not left it */
static atomic_ulong   done;      /* epochs that all have left */
static pthread_t     *threads;

static bool *joined; /* the first thread's */

/* --- waiting ---------------------------------------------------------------------------------- */

static void pause_a_while(unsigned *tries)
{
    const struct timespec nap = { 0, 50000 };
    ++*tries;
    if (*tries > 400)
        nanosleep(&nap, NULL);
    else if (*tries > 200)
        sched_yield();
}

static void wait_block(struct slot *slot, uint64_t generation)
{
    unsigned tries = 0;
    while (atomic_load_explicit(&slot->ready, memory_order_acquire) != generation)
        pause_a_while(&tries);
}

static void publish(struct slot *slot, void *block, uint64_t size)
{
    uint64_t generation = atomic_load_explicit(&slot->ready, memory_order_relaxed) + 1;
    slot->block = block;
    slot->size = size;
    atomic_store_explicit(&slot->ready, generation, memory_order_release);
}

/* Whoever leaves an epoch last opens what follows. */
static void leave_epoch(uint64_t epoch)
{
    if (atomic_fetch_sub(&remaining[epoch], 1) != 1)
        return;
    unsigned long now = atomic_load(&done);
    while (now < tape.epochs && atomic_load(&remaining[now]) == 0) {
        if (atomic_compare_exchange_weak(&done, &now, now + 1))
            now++;
    }
}

static void enter_epoch(uint64_t epoch)
{
    unsigned tries = 0;
    while (epoch >= 2 && atomic_load(&done) < epoch - 1)
        pause_a_while(&tries);
}

/* --- events ----------------------------------------------------------------------------------- */

static void take(struct slot *slot, void *block, uint64_t size)
{
    if (__builtin_expect(block == NULL, 0))
        tl_load_die(3, "malloc returned NULL");
    if (size >= 8)
        tl_load_touch(block, size);
    else if (size != 0)
        *(char *)block = 1;
    publish(slot, block, size);
}

static void check_mark(const void *block, uint64_t mark)
{
    if (__builtin_expect(*(const uint64_t *)block != mark, 0))
        tl_load_die(4, "a block lost its content");
}

static void give(struct slot *slot)
{
    void *block = slot->block;
    if (__builtin_expect(block == NULL, 0))
        tl_load_die(5, "the trace frees a block that is not there");
    if (slot->size >= 8)
        check_mark(block, tl_load_mark(block));
    slot->block = NULL;
    free(block);
}

static void resize(struct slot *slot, uint64_t size)
{
    void *block = slot->block;
    if (__builtin_expect(block == NULL, 0))
        tl_load_die(5, "the trace resizes a block that is not there");
    uint64_t kept = 0;
    if (slot->size >= 8) {
        kept = *(uint64_t *)block;
        check_mark(block, tl_load_mark(block));
    }
    void *moved = realloc(block, size != 0 ? size : 1);
    if (moved != NULL && slot->size >= 8 && size >= 8)
        check_mark(moved, kept);
    take(slot, moved, size);
}

static void *take_aligned(uint32_t align_log2, uint64_t size)
{
    void  *block = NULL;
    size_t align = (size_t)1 << align_log2;
    align = align < sizeof(void *) ? sizeof(void *) : align;
    return posix_memalign(&block, align, size) == 0 ? block : NULL;
}

static void *play(void *argument);

static void start_thread(uint64_t thread)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024); /* a trace may have very many threads */
    if (pthread_create(&threads[thread], &attributes, play, &tape.streams[thread]) != 0)
        tl_load_die(5, "cannot start a thread");
    pthread_attr_destroy(&attributes);
}

static void join_thread(uint64_t thread)
{
    pthread_join(threads[thread], NULL);
    joined[thread] = true;
}

static void play_event(const struct tl_tape_event *event)
{
    struct slot *slot = &slots[event->slot];
    switch (event->op) {
    case TL_TAPE_MALLOC:
        take(slot, malloc(event->size), event->size);
        break;
    case TL_TAPE_CALLOC:
        take(slot, calloc(1, event->size), event->size);
        break;
    case TL_TAPE_ALIGNED:
        take(slot, take_aligned(event->align_log2, event->size), event->size);
        break;
    case TL_TAPE_REALLOC_OTHERS:
        wait_block(slot, event->generation);
        resize(slot, event->size);
        break;
    case TL_TAPE_REALLOC:
        resize(slot, event->size);
        break;
    case TL_TAPE_FREE_OTHERS:
        wait_block(slot, event->generation);
        give(slot);
        break;
    default:
        give(slot);
    }
}

static void *play(void *argument)
{
    struct tl_tape_stream stream = *(struct tl_tape_stream *)argument;
    struct tl_tape_event  event = { .op = TL_TAPE_MALLOC };
    uint64_t              epoch = UINT64_MAX;
    while (tl_tape_next(&stream, &event)) {
        if (event.op == TL_TAPE_EPOCH_NEXT) {
            if (epoch != UINT64_MAX)
                leave_epoch(epoch);
            epoch = event.slot;
            enter_epoch(epoch);
        } else if (event.op == TL_TAPE_START) {
            start_thread(event.slot);
        } else if (event.op == TL_TAPE_JOIN) {
            join_thread(event.slot);
        } else {
            play_event(&event);
        }
    }
    if (epoch != UINT64_MAX)
        leave_epoch(epoch);
    return NULL;
}

/* --- the run ---------------------------------------------------------------------------------- */

static void count_epochs(void)
{
    for (uint64_t thread = 0; thread < tape.threads; thread++) {
        struct tl_tape_stream stream = tape.streams[thread];
        struct tl_tape_event  event = { .op = TL_TAPE_MALLOC };
        while (tl_tape_next(&stream, &event)) {
            if (event.op == TL_TAPE_EPOCH_NEXT)
                atomic_fetch_add(&remaining[event.slot], 1);
        }
    }
    while (done < tape.epochs && remaining[done] == 0)
        done++;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: talus-replay-load TRACE\n", stderr);
        return 2;
    }
    const char *problem = tl_tape_open(&tape, argv[1]);
    if (problem != NULL) {
        fprintf(stderr, "talus-replay-load: %s: %s\n", argv[1], problem);
        return 2;
    }
    size_t slot_bytes = (tape.slots + 1) * sizeof *slots;
    slots = tl_load_map(slot_bytes);
    memset(slots, 0, slot_bytes); /* in memory before the replay, on every malloc */
    remaining = tl_load_map((tape.epochs + 1) * sizeof *remaining);
    threads = tl_load_map(tape.threads * sizeof *threads);
    joined = tl_load_map(tape.threads * sizeof *joined);
    count_epochs();

    uint64_t own_kib = (tape.length + slot_bytes) / 1024;
    uint64_t cpu_start = tl_load_cpu_now(), start = tl_load_now();
    play(&tape.streams[0]);
    for (uint64_t thread = 1; thread < tape.threads; thread++) {
        if (!joined[thread])
            join_thread(thread);
    }
    uint64_t ns = tl_load_now() - start, cpu_ns = tl_load_cpu_now() - cpu_start;
    uint64_t peak_kib = tl_load_proc_kib("/proc/self/status", "VmHWM:") - own_kib;
    uint64_t settled_kib = tl_load_proc_kib("/proc/self/smaps_rollup", "Rss:") - own_kib;
    printf("load trace ns %" PRIu64 " cpu_ns %" PRIu64 " ops %" PRIu64 " peak_kib %" PRIu64
           " settled_kib %" PRIu64 " malloc %s\n",
           ns, cpu_ns, tl_tape_allocations(&tape) + tl_tape_frees(&tape), peak_kib, settled_kib,
           tl_load_malloc_object());
    return 0;
}
