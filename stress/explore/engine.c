/* engine.c: threads, points and runs. Theory: engine.h. */
#define _GNU_SOURCE
#include "explore/engine.h"
#include "explore/conflicts.h"
#include "explore/watch.h"

#include "arch/atomic.h"
#include "arch/cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define ARENA_ADDRESS ((void *)0x10000000000)

enum { LOCKS_MAX = 32, RUNS_PER_WATCH = 256 };

enum state { FRESH, READY, ENDED };

struct coroutine {
    const struct ex_thread *thread;
    ucontext_t              context;
    char                   *stack;
    enum state              state;
    struct ex_pending       pending;
    unsigned                cpu, pins;
    unsigned                depth; /* of interrupts, from 1; a thread's is 0 */
    /* the last load, for who spins; and what he waits for */
    const volatile void *word;
    size_t               bytes;
    uintptr_t            value;
    bool                 waits;
    uint32_t             locks;  /* held */
    bool                 within; /* what takes or leaves a lock: no points */
    bool                 looks;  /* he waited, and was chosen before others */
};

struct engine {
    struct ex_program         program;
    unsigned                  threads;
    struct coroutine          coroutine[EX_THREADS_MAX];
    int                       self; /* -1: none */
    bool                      running;
    ucontext_t                home;
    sigjmp_buf                crashed;
    const struct ex_strategy *strategy;
    struct ex_run            *run;
    struct ex_schedule       *schedule;
    unsigned                  sharing_cpu; /* bits of CPUs with more threads than one */
    char                     *copy;        /* of static data and arena */
    struct ex_conflicts      *conflicts;
    const void               *lock[LOCKS_MAX];
    unsigned                  runs_watched;
    size_t                    arena_used; /* bytes, in any run so far */
    unsigned                  quiet_cpu;  /* that prepare and check are on */
    ex_look                   look;
    char                      why[EX_TEXT_MAX];
};

/* All of it is written before the copy is made: a run puts it back to what it is. */
static struct engine *engine;
static char          *arena;

extern char __data_start[], _end[];

const char *ex_why(void)
{
    return engine->why;
}

unsigned ex_threads(void)
{
    return engine->threads;
}

const struct ex_pending *ex_pending(int thread)
{
    return &engine->coroutine[thread].pending;
}

const char *ex_thread_name(int thread)
{
    return engine->coroutine[thread].thread->name;
}

int ex_self(void)
{
    return engine->running ? engine->self : -1;
}

char *ex_arena(void)
{
    return arena;
}

void ex_arena_use(size_t bytes)
{
    if (engine->arena_used < bytes)
        engine->arena_used = bytes;
}

bool ex_is_shared(int thread)
{
    const struct ex_pending *pending = ex_pending(thread);
    if (pending->address == 0) /* plain data that is touched under a lock is the lock's */
        return engine->coroutine[thread].locks == 0;
    return ex_conflicts_has(engine->conflicts, (unsigned)thread, pending->address,
                            pending->kind == EX_WRITE);
}

bool ex_conflicts_settle(void)
{
    return ex_conflicts_learn(engine->conflicts);
}

bool ex_depend(int a, int b)
{
    const struct ex_pending *one = ex_pending(a), *other = ex_pending(b);
    const struct coroutine  *first = &engine->coroutine[a], *second = &engine->coroutine[b];
    if (first->cpu == second->cpu && (first->thread->interrupt || second->thread->interrupt))
        return true; /* one stops the other */
    return one->address != 0 && one->address == other->address &&
           (one->kind == EX_WRITE || other->kind == EX_WRITE);
}

/* ---- whose turn it is ---- */

static uintptr_t word_now(const struct coroutine *coroutine)
{
    return coroutine->bytes == sizeof(uint32_t) ? *(const volatile uint32_t *)coroutine->word
                                                : *(const volatile uintptr_t *)coroutine->word;
}

/* The interrupt that came last on a CPU ends first; no thread goes on there before. */
static bool is_interrupted(const struct coroutine *self)
{
    if (self->thread->interrupt && self->state == FRESH)
        return false;
    for (unsigned i = 0; i < engine->threads; i++) {
        const struct coroutine *other = &engine->coroutine[i];
        if (other->cpu == self->cpu && other->state == READY && other->depth > self->depth)
            return true;
    }
    return false;
}

static bool is_enabled(int thread)
{
    const struct coroutine *self = &engine->coroutine[thread];
    if (self->state == ENDED || is_interrupted(self) ||
        (self->waits && word_now(self) == self->value))
        return false;
    if (self->thread->interrupt)
        return true;
    for (unsigned i = 0; i < engine->threads; i++) {
        const struct coroutine *other = &engine->coroutine[i];
        if (other != self && other->cpu == self->cpu && other->pins != 0)
            return false;
    }
    return true;
}

static unsigned enabled_threads(void)
{
    unsigned enabled = 0;
    for (unsigned i = 0; i < engine->threads; i++)
        if (is_enabled((int)i))
            enabled |= 1u << i;
    return enabled;
}

static void add_segment(int thread)
{
    struct ex_schedule *schedule = engine->schedule;
    if (schedule == NULL)
        return;
    if (schedule->count == schedule->room) {
        schedule->room = schedule->room != 0 ? 2 * schedule->room : 64;
        schedule->segment =
            realloc(schedule->segment, schedule->room * sizeof schedule->segment[0]);
        if (schedule->segment == NULL)
            abort();
    }
    schedule->segment[schedule->count++] = (struct ex_segment){ .thread = (uint8_t)thread };
}

/* Books a switch from `from`, which can go on or not, to `to`. */
static void book_switch(int from, int to, bool preempted)
{
    struct ex_schedule *schedule = engine->schedule;
    engine->run->switches++;
    engine->run->preemptions += preempted;
    if (from >= 0 && schedule != NULL) {
        struct ex_segment *last = &schedule->segment[schedule->count - 1];
        last->preempted = preempted;
        last->next = engine->coroutine[from].pending;
        if (engine->coroutine[from].state == ENDED)
            last->next.where = NULL;
    }
    add_segment(to);
}

static _Noreturn void go_home(void)
{
    setcontext(&engine->home);
    abort();
}

static void begin(struct coroutine *coroutine)
{
    unsigned depth = 0;
    for (unsigned i = 0; i < engine->threads; i++) {
        const struct coroutine *other = &engine->coroutine[i];
        if (other->cpu == coroutine->cpu && other->state == READY && other->depth > depth)
            depth = other->depth;
    }
    coroutine->depth = coroutine->thread->interrupt ? depth + 1 : 0;
    coroutine->state = READY;
    if (engine->strategy->passed != NULL)
        engine->strategy->passed(engine->strategy->context, engine->self);
}

/* Goes on with whoever has the next turn, and returns when the caller has it. */
static void give_turn(void)
{
    int      self = engine->self;
    unsigned enabled = enabled_threads();
    if (enabled == 0) {
        for (unsigned i = 0; i < engine->threads; i++)
            if (engine->coroutine[i].state != ENDED)
                ex_fail("deadlock: no thread can go on; '%s' waits at %s",
                        engine->coroutine[i].thread->name, engine->coroutine[i].pending.where);
        go_home();
    }
    int next = engine->strategy->choose(engine->strategy->context, enabled, self);
    if (next < 0) {
        engine->run->given_up = true;
        go_home();
    }
    if (engine->coroutine[next].waits)
        engine->coroutine[next].looks = (enabled & ~(1u << next)) != 0;
    if (next == self)
        return;
    book_switch(self, next, self >= 0 && (enabled & 1u << self) != 0);
    engine->self = next;
    struct coroutine *to = &engine->coroutine[next];
    if (to->state == FRESH)
        begin(to);
    if (self < 0)
        swapcontext(&engine->home, &to->context);
    else if (engine->coroutine[self].state == ENDED)
        setcontext(&to->context);
    else
        swapcontext(&engine->coroutine[self].context, &to->context);
}

/* The thread stops before an operation, and passes it when it has the turn. */
static void stop_before(enum ex_kind kind, uintptr_t address, const char *where)
{
    struct coroutine *self = &engine->coroutine[engine->self];
    self->pending = (struct ex_pending){ kind, address, where };
    give_turn();
    self->waits = false;
    if (kind == EX_WRITE || kind == EX_POINT)
        self->looks = false;
    if (address != 0)
        ex_conflicts_note(engine->conflicts, (unsigned)engine->self, address, kind == EX_WRITE,
                          self->locks);
    if (address != 0 && engine->look != NULL) {
        engine->running = false;
        engine->look(address, kind == EX_WRITE);
        engine->running = true;
    }
    if (engine->strategy->passed != NULL)
        engine->strategy->passed(engine->strategy->context, engine->self);
    if (engine->schedule != NULL)
        engine->schedule->segment[engine->schedule->count - 1].points++;
    if (++engine->run->points > EX_POINTS_MAX)
        ex_fail("livelock: more than %u points; '%s' is at %s", (unsigned)EX_POINTS_MAX,
                self->thread->name, where);
}

static void run_thread(void)
{
    struct coroutine *self = &engine->coroutine[engine->self];
    self->thread->run();
    if (self->pins != 0 || self->locks != 0)
        ex_fail("invariant: '%s' ends pinned, or with a lock", self->thread->name);
    self->state = ENDED;
    self->pending = (struct ex_pending){ EX_START, 0, "its end" };
    give_turn();
}

/* ---- what threads call ---- */

static struct coroutine *running(void)
{
    return &engine->coroutine[engine->self];
}

void tl_explore_access(const volatile void *address, bool writes, const char *where)
{
    if (engine->running && !running()->within)
        stop_before(writes ? EX_WRITE : EX_READ, (uintptr_t)address, where);
}

static void remember(const volatile void *word, size_t bytes, uintptr_t value)
{
    struct coroutine *self = &engine->coroutine[engine->self];
    self->word = word;
    self->bytes = bytes;
    self->value = value;
}

uintptr_t tl_explore_load(const tl_atomic_word *a, const char *where)
{
    if (!engine->running)
        return a->value;
    tl_explore_access(a, false, where);
    remember(a, sizeof a->value, a->value);
    return a->value;
}

uint32_t tl_explore_load32(const tl_atomic_u32 *a, const char *where)
{
    if (!engine->running)
        return a->value;
    tl_explore_access(a, false, where);
    remember(a, sizeof a->value, a->value);
    return a->value;
}

void tl_explore_spin(void)
{
    if (!engine->running)
        return;
    struct coroutine *self = running();
    if (self->looks && engine->strategy->skips_vain_looks) {
        engine->run->given_up = true;
        go_home();
    }
    self->waits = true;
    stop_before(EX_SPIN, (uintptr_t)self->word, "a wait");
}

void ex_wait_while(const volatile void *word, size_t bytes, uintptr_t value, const char *where)
{
    if (!engine->running)
        return;
    remember(word, bytes, value);
    engine->coroutine[engine->self].waits = true;
    stop_before(EX_SLEEP, (uintptr_t)word, where);
}

void tl_preempt_point(const char *name)
{
    ex_point(name);
}

void ex_point(const char *where)
{
    if (engine->running && !running()->within)
        stop_before(EX_POINT, 0, where);
}

void tl_explore_assert_failed(const char *where, const char *text)
{
    ex_fail("assertion failed at %s: %s", where, text);
}

void ex_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(engine->run->text, sizeof engine->run->text, format, arguments);
    va_end(arguments);
    engine->run->failed = true;
    if (ex_self() >= 0)
        go_home();
    siglongjmp(engine->crashed, 1);
}

/* ---- locks ---- */

static uint32_t bit_of(const void *lock)
{
    unsigned at = 0;
    while (at < LOCKS_MAX && engine->lock[at] != NULL && engine->lock[at] != lock)
        at++;
    if (at == LOCKS_MAX)
        ex_fail("explore: more locks than there is room for");
    engine->lock[at] = lock;
    return UINT32_C(1) << at;
}

void ex_lock_begin(const void *lock)
{
    if (!engine->running)
        return;
    stop_before(EX_WRITE, (uintptr_t)lock, "a lock's acquire");
    running()->within = true;
}

void ex_lock_taken(const void *lock)
{
    if (!engine->running)
        return;
    uint32_t bit = bit_of(lock);
    for (unsigned i = 0; i < engine->threads; i++)
        if ((engine->coroutine[i].locks & bit) != 0)
            ex_fail("invariant: '%s' takes a lock that '%s' holds", running()->thread->name,
                    engine->coroutine[i].thread->name);
    running()->within = false;
    running()->locks |= bit;
}

void ex_unlock_begin(const void *lock)
{
    if (!engine->running)
        return;
    stop_before(EX_WRITE, (uintptr_t)lock, "a lock's release");
    running()->locks &= ~bit_of(lock);
    running()->within = true;
}

void ex_unlock_end(void)
{
    if (engine->running)
        running()->within = false;
}

/* ---- CPUs ---- */

/* Others of the CPU care for its pins, nobody else does. */
static void cpu_point(unsigned cpu, const char *where)
{
    if (engine->sharing_cpu & 1u << cpu)
        stop_before(EX_WRITE, (uintptr_t)&engine->coroutine[cpu], where);
}

void ex_on_cpu(unsigned cpu)
{
    engine->quiet_cpu = cpu;
}

unsigned ex_pin(void)
{
    if (!engine->running)
        return engine->quiet_cpu;
    struct coroutine *self = running();
    if (self->thread->interrupt)
        ex_fail("an interrupt handler pins itself");
    if (self->pins == 0)
        cpu_point(self->cpu, "pin");
    self->pins++;
    return self->cpu;
}

void ex_unpin(void)
{
    if (!engine->running)
        return;
    struct coroutine *self = running();
    if (self->pins == 0)
        ex_fail("an unpin without a pin");
    if (self->pins == 1)
        cpu_point(self->cpu, "unpin");
    self->pins--;
}

unsigned ex_cpu(void)
{
    return engine->running ? running()->cpu : engine->quiet_cpu;
}

bool ex_is_pinned(void)
{
    return engine->running && running()->pins != 0;
}

/* ---- runs ---- */

static void put_back(void)
{
    size_t bytes = (size_t)(_end - __data_start);
    memcpy(__data_start, engine->copy, bytes);
    memcpy(arena, engine->copy + bytes, engine->arena_used);
}

static void reset_threads(void)
{
    for (unsigned i = 0; i < engine->threads; i++) {
        struct coroutine *coroutine = &engine->coroutine[i];
        coroutine->state = FRESH;
        coroutine->pending = (struct ex_pending){ EX_START, 0, "its begin" };
        coroutine->cpu = coroutine->thread->cpu;
        coroutine->pins = 0;
        coroutine->depth = 0;
        coroutine->waits = coroutine->looks = coroutine->within = false;
        coroutine->locks = 0;
        getcontext(&coroutine->context);
        coroutine->context.uc_stack.ss_sp = coroutine->stack;
        coroutine->context.uc_stack.ss_size = EX_STACK_BYTES;
        coroutine->context.uc_link = NULL;
        makecontext(&coroutine->context, run_thread, 0);
    }
    engine->self = -1;
}

static bool crashed(const char *text)
{
    if (engine == NULL || engine->run == NULL)
        return false;
    snprintf(engine->run->text, EX_TEXT_MAX, "%s", text);
    engine->run->failed = true;
    engine->runs_watched = 0; /* begins anew: it may be what ended the run */
    siglongjmp(engine->crashed, 1);
}

void ex_engine_run(const struct ex_strategy *strategy, struct ex_run *run,
                   struct ex_schedule *schedule)
{
    put_back();
    *run = (struct ex_run){ 0 };
    engine->run = run;
    engine->strategy = strategy;
    engine->schedule = schedule;
    if (schedule != NULL)
        schedule->count = 0;
    reset_threads();
    if (engine->runs_watched++ % RUNS_PER_WATCH == 0)
        ex_watch_again();
    if (sigsetjmp(engine->crashed, 1) == 0) {
        engine->running = true;
        give_turn();
        engine->running = false;
        if (!run->failed && !run->given_up && engine->program.check != NULL)
            engine->program.check();
    }
    engine->running = false;
    engine->run = NULL;
}

static bool prepare(void)
{
    struct ex_run run = { 0 };
    engine->run = &run;
    ex_watch_again();
    if (sigsetjmp(engine->crashed, 1) == 0 && engine->program.prepare != NULL)
        engine->program.prepare();
    engine->run = NULL;
    if (run.failed)
        memcpy(engine->why, run.text, sizeof engine->why);
    return !run.failed;
}

bool ex_engine_begin(const struct ex_program *program, ex_look look)
{
    engine = calloc(1, sizeof *engine);
    arena = mmap(ARENA_ADDRESS, EX_ARENA_BYTES, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (engine == NULL || arena != ARENA_ADDRESS)
        abort();
    engine->conflicts = ex_conflicts_new();
    engine->program = *program;
    engine->look = look;
    ex_watch_begin(crashed);
    for (; engine->threads < EX_THREADS_MAX && program->thread[engine->threads].run != NULL;
         engine->threads++) {
        struct coroutine *coroutine = &engine->coroutine[engine->threads];
        coroutine->thread = &engine->program.thread[engine->threads];
        coroutine->stack = malloc(EX_STACK_BYTES);
        for (unsigned i = 0; i < engine->threads; i++)
            if (!coroutine->thread->interrupt && !program->thread[i].interrupt &&
                program->thread[i].cpu == coroutine->thread->cpu)
                engine->sharing_cpu |= 1u << coroutine->thread->cpu;
    }
    engine->copy = malloc((size_t)(_end - __data_start) + EX_ARENA_BYTES);
    if (engine->copy == NULL || !prepare())
        return false;
    size_t bytes = (size_t)(_end - __data_start);
    memcpy(engine->copy, __data_start, bytes);
    memcpy(engine->copy + bytes, arena, EX_ARENA_BYTES);
    return true;
}

void ex_engine_end(void)
{
    munmap(arena, EX_ARENA_BYTES);
    for (unsigned i = 0; i < engine->threads; i++)
        free(engine->coroutine[i].stack);
    free(engine->conflicts);
    free(engine->copy);
    free(engine);
    engine = NULL;
}
