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
    static const char *const names[] = { "?",       "alloc", "zalloc", "aligned",
                                         "realloc", "moved", "free",   "refused" };
    return operation < sizeof(names) / sizeof(names[0]) ? names[operation] : names[0];
}

static void say_trace(unsigned id)
{
    struct st_worker *worker = st_worker_get(id);

    if (worker == NULL)
        return;
    uint32_t last = atomic_load_explicit(&worker->traced, memory_order_relaxed);
    uint32_t first = last > TRACES_REPORTED ? last - TRACES_REPORTED : 0;
    st_say("  last operations of worker %u%s:", id,
           worker == st_host_self() ? " (which reports this)" : "");
    for (uint32_t n = first; n < last; n++) {
        struct st_trace *entry = &worker->trace[n % ST_TRACE_LENGTH];
        st_say("    %u %s %p, %zu bytes", n,
               operation_name(atomic_load_explicit(&entry->operation, memory_order_relaxed)),
               (void *)atomic_load_explicit(&entry->address, memory_order_relaxed),
               atomic_load_explicit(&entry->size, memory_order_relaxed));
    }
}

static _Noreturn void fail_args(unsigned other, const char *kind, const char *format,
                                va_list arguments)
{
    struct st_worker *self = st_host_self();
    unsigned          mine = self != NULL ? self->id : 0;

    st_host_failing(atomic_exchange_explicit(&failed, 1, memory_order_relaxed) == 0);
    st_say("talus-stress: FAILED: %s", kind);
    st_say_arguments(format, arguments);
    say_trace(mine);
    if (other != mine)
        say_trace(other);
    st_host_failed();
}

void st_fail(const char *kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail_args(0, kind, format, arguments);
}

void st_fail_with(unsigned other, const char *kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail_args(other, kind, format, arguments);
}
