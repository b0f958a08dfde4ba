/* cell.h: what a litmus test is made of: a cell of shared variables, up to four threads that each
 * do a few operations on it, and a judge of what came of it.
 *
 * 1 Purpose    A shape is the smallest program whose outcome shows whether one ordering holds. Each
 *              that the heap relies on is in the table of shapes.h, once: tests/litmus runs it on
 *              the CPU, over millions of cells; tests/model/litmus.cpp runs it in relacy, which
 *              lets every load see every value that C11 allows.
 * 2 Operations Those of arch/atomic.h and of the headers of sync/, as shipped; none is written
 *              again here.
 * 3 Payload    `data` is a relaxed atomic: an outcome shows that it came too late. `plain` is what
 *              the heap's own fields are: a reader touches it only where the order promises that he
 *              may, so that ThreadSanitizer and relacy report a race where it does not hold.
 * 4 Twins      A twin is the shape with its order dropped. Each is claimed by the layers that must
 *              see it; a shape whose twin nobody sees would show nothing. In a program without
 *              LITMUS_WITH_TWINS litmus_broken is a constant: it runs exactly what is shipped. */
#ifndef TALUS_LITMUS_CELL_H
#define TALUS_LITMUS_CELL_H

/* What each twin breaks: in the shape itself, or, as a seeded bug (arch/mutants.h), in sync/. */
#define LITMUS_TWINS(X)                                                         \
    X(publish_relaxed, "published by a relaxed operation")                      \
    X(take_relaxed, "taken by a relaxed operation")                             \
    X(split, "read and written in two steps")                                   \
    X(plain_accesses, "plain accesses instead of atomic ones")                  \
    X(stored_over, "a store where a read-modify-write would pass the order on") \
    X(unlocked, "without the lock")                                             \
    X(no_second_look, "without the second look at the sequence")                \
    LITMUS_SEEDED_BUGS(X)
#define LITMUS_SEEDED_BUGS(X)                                          \
    X(inbox_push_relaxed, "the push publishes without order")          \
    X(inbox_push_lost, "a push that was overtaken keeps its old link") \
    X(inbox_drain_relaxed, "the drain takes without order")            \
    X(inbox_drain_split, "the drain loads and then stores")            \
    X(claim_no_cas, "a claim looks and then takes")                    \
    X(claim_try_relaxed, "a claim takes without order")                \
    X(claim_leave_relaxed, "an owner leaves without order")            \
    X(claim_drop_relaxed, "a claimer lets go without order")           \
    X(lock_acquire_relaxed, "the lock is taken without order")         \
    X(lock_release_relaxed, "the lock is let go without order")        \
    X(once_early, "\"done\" is published before it is")                \
    X(once_done_relaxed, "\"done\" is published without order")        \
    X(once_look_relaxed, "\"done\" is read without order")             \
    X(slots_put_relaxed, "a block is put without order")               \
    X(slots_take_relaxed, "a block is taken without order")            \
    X(slots_take_split, "a block is looked for and then taken")        \
    X(event_signal_relaxed, "the signal publishes without order")      \
    X(event_prepare_relaxed, "the ticket is taken without order")      \
    X(seqcount_put_relaxed, "a word is written without order")         \
    X(seqcount_get_relaxed, "a word is read without order")            \
    X(seqcount_end_relaxed, "the write ends without order")

#define LITMUS_ENUM(name, text) LITMUS_##name,
enum litmus_twin { LITMUS_sound, LITMUS_TWINS(LITMUS_ENUM) LITMUS_TWIN_COUNT };
#undef LITMUS_ENUM

#if defined(LITMUS_WITH_TWINS)
extern enum litmus_twin litmus_broken; /* set before the threads start */
#define TL_MUTANT_inbox_push_relaxed    (litmus_broken == LITMUS_inbox_push_relaxed)
#define TL_MUTANT_inbox_push_lost       (litmus_broken == LITMUS_inbox_push_lost)
#define TL_MUTANT_inbox_drain_relaxed   (litmus_broken == LITMUS_inbox_drain_relaxed)
#define TL_MUTANT_inbox_drain_split     (litmus_broken == LITMUS_inbox_drain_split)
#define TL_MUTANT_claim_no_cas          (litmus_broken == LITMUS_claim_no_cas)
#define TL_MUTANT_claim_try_relaxed     (litmus_broken == LITMUS_claim_try_relaxed)
#define TL_MUTANT_claim_leave_relaxed   (litmus_broken == LITMUS_claim_leave_relaxed)
#define TL_MUTANT_claim_drop_relaxed    (litmus_broken == LITMUS_claim_drop_relaxed)
#define TL_MUTANT_lock_acquire_relaxed  (litmus_broken == LITMUS_lock_acquire_relaxed)
#define TL_MUTANT_lock_release_relaxed  (litmus_broken == LITMUS_lock_release_relaxed)
#define TL_MUTANT_once_early            (litmus_broken == LITMUS_once_early)
#define TL_MUTANT_once_done_relaxed     (litmus_broken == LITMUS_once_done_relaxed)
#define TL_MUTANT_once_look_relaxed     (litmus_broken == LITMUS_once_look_relaxed)
#define TL_MUTANT_slots_put_relaxed     (litmus_broken == LITMUS_slots_put_relaxed)
#define TL_MUTANT_slots_take_relaxed    (litmus_broken == LITMUS_slots_take_relaxed)
#define TL_MUTANT_slots_take_split      (litmus_broken == LITMUS_slots_take_split)
#define TL_MUTANT_event_signal_relaxed  (litmus_broken == LITMUS_event_signal_relaxed)
#define TL_MUTANT_event_prepare_relaxed (litmus_broken == LITMUS_event_prepare_relaxed)
#define TL_MUTANT_seqcount_put_relaxed  (litmus_broken == LITMUS_seqcount_put_relaxed)
#define TL_MUTANT_seqcount_get_relaxed  (litmus_broken == LITMUS_seqcount_get_relaxed)
#define TL_MUTANT_seqcount_end_relaxed  (litmus_broken == LITMUS_seqcount_end_relaxed)
#else
#define litmus_broken LITMUS_sound
#endif

#include "arch/atomic.h"
#include "sync/claim.h"
#include "sync/event.h"
#include "sync/lock.h"
#include "sync/mpsc.h"
#include "sync/once.h"
#include "sync/seqcount.h"
#include "sync/slots.h"

/* Each group of variables on a line of its own, so that a store may wait in one CPU's store buffer
 * while that CPU's later load is answered. relacy places its variables itself. */
#if defined(TL_ARCH_MODEL)
#define LITMUS_LINE
#else
#define LITMUS_LINE TL_CACHE_LINE
#endif

/* A block with contents, as it goes through an inbox. */
struct litmus_piece {
    struct tl_block     link; /* first: a block's address is its piece's */
    TL_PLAIN(uintptr_t) contents;
    uintptr_t           arrivals; /* whoever drained it */
};

/* Filled with zeroes before each use. */
struct litmus_cell {
    LITMUS_LINE tl_atomic_word      x;
    tl_atomic_u32                   x32;
    LITMUS_LINE tl_atomic_word      y;
    LITMUS_LINE tl_atomic_word      data;
    tl_atomic_u32                   data32;
    TL_PLAIN(uintptr_t)             plain;
    LITMUS_LINE struct tl_inbox     inbox;
    struct tl_inbox                 next_inbox;
    struct tl_claim                 claim;
    struct tl_lock                  lock;
    struct tl_once                  once;
    struct tl_event                 event;
    struct tl_seqcount              seqcount;
    LITMUS_LINE struct litmus_piece piece[2];
};

enum { LITMUS_THREADS_MAX = 4, LITMUS_REGISTERS = 3, LITMUS_TWINS_MAX = 4 };

/* What the threads saw, each value below 16, and what the judge found in the cell afterwards. */
struct litmus_outcome {
    uintptr_t seen[LITMUS_THREADS_MAX][LITMUS_REGISTERS];
    uintptr_t last;
};

/* Weak: allowed, but no outcome of any order in which the operations could come one by one. */
enum litmus_verdict { LITMUS_ALLOWED, LITMUS_WEAK, LITMUS_FORBIDDEN };

/* The layers that can see a twin. */
enum {
    LITMUS_RUN = 1,   /* outcomes on any CPU */
    LITMUS_DELAY = 2, /* outcomes on a CPU that lets loads overtake stores, as x86 does; emulators
                       * of others may not */
    LITMUS_MODEL = 4, /* relacy */
    LITMUS_RACE = 8   /* a report of ThreadSanitizer */
};

struct litmus_claimed {
    enum litmus_twin twin;
    unsigned         layers;
};

struct litmus_shape {
    const char *name; /* group.shape */
    unsigned    threads;
    void (*body[LITMUS_THREADS_MAX])(struct litmus_cell *cell, uintptr_t *seen);
    enum litmus_verdict (*judge)(struct litmus_cell *cell, struct litmus_outcome *outcome);
    struct litmus_claimed twins[LITMUS_TWINS_MAX]; /* LITMUS_sound: no more */
};

static inline enum litmus_verdict litmus_forbid(bool forbidden)
{
    return forbidden ? LITMUS_FORBIDDEN : LITMUS_ALLOWED;
}

/* One thread has left 1 in `data` and `plain`, another has seen so by a flag: whether the other's
 * view of them is the promised one. */
static inline bool litmus_is_payload_missing(const uintptr_t *seen)
{
    return seen[0] != 0 && (seen[1] == 0 || seen[2] == 0);
}

static inline void litmus_put_payload(struct litmus_cell *cell)
{
    tl_put(&cell->plain, 1);
    tl_store_relaxed(&cell->data, 1);
}

/* `seen[0]` says whether the flag was seen. */
static inline void litmus_get_payload(struct litmus_cell *cell, uintptr_t *seen)
{
    seen[1] = tl_load_relaxed(&cell->data);
    seen[2] = seen[0] != 0 ? tl_get(&cell->plain) : 0;
}

#endif
