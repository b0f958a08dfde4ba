/* report.c: what a failure says: who, what, and the last operations of those involved. */
#include "stress/lib/report.h"

#include "stress/lib/host.h"

#define TRACES_REPORTED 12u

static _Atomic uint32_t failed; /* 1: somebody reports */

void st_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    st_say_arguments(format, arguments);
    va_end(arguments);
}

static const char *operation_name(unsigned operation)
{
    static const char *const names[] = { "?",     "alloc", "zalloc",  "aligned", "realloc",
                                         "moved", "free",  "refused", "left" };
    return operation < sizeof(names) / sizeof(names[0]) ? names[operation] : names[0];
}

static void say_operation(struct st_worker *worker, uint32_t n)
{
    struct st_trace *entry = &worker->trace[n % ST_TRACE_LENGTH];
    st_say("    %u %s %p, %zu bytes", n,
           operation_name(atomic_load_explicit(&entry->operation, memory_order_relaxed)),
           (void *)atomic_load_explicit(&entry->address, memory_order_relaxed),
           atomic_load_explicit(&entry->size, memory_order_relaxed));
}

/* Number of the first of the last `most` operations before `last`. */
static uint32_t first_of(uint32_t last, uint32_t most)
{
    return last > most ? last - most : 0;
}

static void say_trace(unsigned id)
{
    struct st_worker *worker = st_worker_get(id);

    if (worker == NULL)
        return;
    uint32_t last = atomic_load_explicit(&worker->traced, memory_order_relaxed);
    st_say("  last operations of worker %u%s:", id,
           worker == st_host_self() ? " (which reports this)" : "");
    for (uint32_t n = first_of(last, TRACES_REPORTED); n < last; n++)
        say_operation(worker, n);
}

/* Who had the block is not always one of the two who met over it. */
static void say_who_had(uintptr_t block, size_t bytes)
{
    for (unsigned id = 1; id <= ST_WORKERS_MAX; id++) {
        struct st_worker *worker = st_worker_get(id);
        uint32_t          last = atomic_load_explicit(&worker->traced, memory_order_relaxed);
        bool              said = false;
        for (uint32_t n = first_of(last, ST_TRACE_LENGTH); n < last; n++) {
            struct st_trace *entry = &worker->trace[n % ST_TRACE_LENGTH];
            if (atomic_load_explicit(&entry->address, memory_order_relaxed) - block >= bytes)
                continue;
            if (!said)
                st_say("  what worker %u, at its operation %u, did with it lately:", id, last);
            said = true;
            say_operation(worker, n);
        }
    }
}

static _Noreturn void fail_args(struct st_about about, const char *kind, const char *format,
                                va_list arguments)
{
    struct st_worker *self = st_host_self();
    unsigned          mine = self != NULL ? self->id : 0;

    st_host_failing(atomic_exchange_explicit(&failed, 1, memory_order_relaxed) == 0);
    st_say("talus-stress: FAILED: %s", kind);
    st_say_arguments(format, arguments);
    say_trace(mine);
    if (about.other != mine)
        say_trace(about.other);
    if (about.block != NULL)
        say_who_had((uintptr_t)about.block, about.bytes);
    st_host_failed();
}

void st_fail(const char *kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail_args((struct st_about){ 0 }, kind, format, arguments);
}

void st_fail_about(struct st_about about, const char *kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail_args(about, kind, format, arguments);
}
