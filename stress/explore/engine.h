/* engine.h: threads of a scenario as coroutines of one host thread, and who of them goes on when.
 *
 * 1 Threads     Each runs until its next operation on memory that others may touch, and stops in
 *               front of it: a point. There the run's strategy says who goes on. What lies between
 *               two points happens at once. A run is the order of the points, and repeats exactly.
 * 2 CPUs        Each thread is on one; while a thread is pinned there, the others of that CPU are
 *               stopped. An interrupt is a thread of its own that begins at any point, with
 *               whatever runs on its CPU stopped until it ends; they nest as deep as there are
 *               interrupts on one CPU.
 * 3 Waiting     Who spins, or sleeps, is stopped until the word changes, or until he is woken. If
 *               all that have not ended are stopped, the run is a deadlock; if it goes on beyond
 *               EX_POINTS_MAX, a livelock. What the word must become is the waiter's to know: he
 *               is let go on when it changed, and may look in vain.
 * 4 Memory      Before each run all of the program's static data and the arena are what they were
 *               when the scenario had been prepared. What must survive a run, the engine's own
 *               state, is allocated.
 * 5 Locks       A lock has two points, in front of its acquire and of its release; what happens
 *               within the two is its own (tests/model). That it has one holder is watched.
 * 6 Conflicts   Of each address it is known which threads read and wrote it in any run so far, and
 *               which locks all of them held. Two operations conflict that touch one address, if
 *               one of them writes and no lock keeps them apart. */
#ifndef STRESS_EXPLORE_ENGINE_H
#define STRESS_EXPLORE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    EX_THREADS_MAX = 8,
    EX_CPUS_MAX = 4,
    EX_POINTS_MAX = 20000, /* of one run */
    EX_STACK_BYTES = 64 * 1024,
    EX_TEXT_MAX = 400
};

struct ex_thread {
    const char *name;
    void (*run)(void);
    unsigned cpu;
    bool     interrupt;
};

struct ex_program {
    void (*prepare)(void); /* once, before all runs; or NULL */
    struct ex_thread thread[EX_THREADS_MAX];
    void (*check)(void); /* after each run, when all threads have ended; or NULL */
};

enum ex_kind { EX_START, EX_POINT, EX_READ, EX_WRITE, EX_SPIN, EX_SLEEP };

/* What a thread is about to do. */
struct ex_pending {
    enum ex_kind kind;
    uintptr_t    address;
    const char  *where;
};

/* A piece of a run: a thread, and how many points it passed before another one went on. */
struct ex_segment {
    uint8_t           thread;
    uint32_t          points;
    bool              preempted; /* it could have gone on */
    struct ex_pending next;      /* what it was about to do */
};

struct ex_schedule {
    size_t             count, room;
    struct ex_segment *segment;
};

/* Whose turn it is: a set of threads as bits, `self` among them if it can go on. `self` is -1 where
 * no thread ran before. Returns the thread, or -1 to give the run up. */
struct ex_strategy {
    int (*choose)(void *context, unsigned enabled, int self);
    /* `self` passes its point; or NULL */
    void (*passed)(void *context, int self);
    void *context;
    /* gives a run up in which somebody was let go on who waits still: the run in which others went
     * on instead is made as well */
    bool skips_vain_looks;
};

struct ex_run {
    bool     failed;
    bool     given_up;
    char     text[EX_TEXT_MAX]; /* of the failure */
    uint32_t points;
    uint32_t preemptions;
    unsigned switches;
};

/* In front of an operation on memory; passes no points, and may fail. */
typedef void (*ex_look)(uintptr_t address, bool writes);

/* Makes the program ready for runs; `look` or NULL. False: it could not be prepared; ex_why says
 * why. */
bool        ex_engine_begin(const struct ex_program *program, ex_look look);
void        ex_engine_end(void);
const char *ex_why(void);

/* One run. What it did is in *schedule (NULL: not wanted) and in *run. */
void ex_engine_run(const struct ex_strategy *strategy, struct ex_run *run,
                   struct ex_schedule *schedule);

/* The number of threads, and what one of them is about to do. */
unsigned                 ex_threads(void);
const struct ex_pending *ex_pending(int thread);
const char              *ex_thread_name(int thread);

/* Whether two pending operations of different threads may matter to each other. */
bool ex_depend(int a, int b);

/* Whether what `thread` is about to do conflicts with what another thread did to that address, in a
 * run before the last call of ex_conflicts_settle, which says whether there are new conflicts. */
bool ex_is_shared(int thread);
bool ex_conflicts_settle(void);

/* ---- for what runs in a thread ---- */

/* The number of the thread that runs, or -1 in prepare and check. */
int ex_self(void);

/* A point without an address. */
void ex_point(const char *where);

/* Ends the run: it failed. */
_Noreturn void ex_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Around what takes a lock, and what lets it go. */
void ex_lock_begin(const void *lock);
void ex_lock_taken(const void *lock);
void ex_unlock_begin(const void *lock);
void ex_unlock_end(void);

/* Stops the thread until *word, of `bytes`, is not `value`. */
void ex_wait_while(const volatile void *word, size_t bytes, uintptr_t value, const char *where);

/* The CPU of the running thread; pins nest. */
unsigned ex_pin(void);
void     ex_unpin(void);
unsigned ex_cpu(void);
bool     ex_is_pinned(void);
void     ex_on_cpu(unsigned cpu); /* in prepare and check */

/* Memory that is put back before each run, at the same address in each process. */
#define EX_ARENA_BYTES ((size_t)512 * 1024)
char *ex_arena(void);

/* The first `bytes` of it are in use: what lies beyond is not put back. */
void ex_arena_use(size_t bytes);

#endif
