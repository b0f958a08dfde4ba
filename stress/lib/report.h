/* report.h: how a run speaks: progress, results, and the one failure that ends it. */
#ifndef STRESS_LIB_REPORT_H
#define STRESS_LIB_REPORT_H

#include <stdarg.h>
#include <stddef.h>

/* Writes one line without allocating. What is said outside of hosted/ is made up of %s %c %d %u %x
 * %p %zu %lu %lx %llu and %% alone: a kernel has no more (arch/port/bare/format.h). Context: any.
 */
void st_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same; by the host. */
void st_say_arguments(const char *format, va_list arguments);

/* What a failure is about, beside the calling worker. */
struct st_about {
    unsigned    other; /* a worker; 0: none */
    const void *block; /* NULL: none */
    size_t      bytes;
};

/* Reports a failure of `kind` (overlap, corrupt, lost, crash, stuck, misuse, ...), the last
 * operations of the calling worker and of the other one, what any worker lately did with the block,
 * and ends the run. The first caller wins. Context: any. */
_Noreturn void st_fail(const char *kind, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
_Noreturn void st_fail_about(struct st_about about, const char *kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
