/* report.h: what the heap has to say: lines on standard error, misuse. Nothing here allocates.
 * Context: any. */
#ifndef TL_CORE_REPORT_H
#define TL_CORE_REPORT_H

#include "core/limits.h"
#include <stdarg.h>

/* A text under construction in a fixed buffer; what does not fit is cut off. */
struct tl_text {
    char  *buffer;
    size_t size;
    size_t length;
};

/* Appends by a small subset of printf: %s (string), %z (number), %p (address). Each of the values
 * is a uintptr_t. */
TL_SLOW void tl_text_add(struct tl_text *text, const char *format, ...);

TL_SLOW void tl_text_add_list(struct tl_text *text, const char *format, va_list arguments);

/* Writes "talus: " and the formatted text as one line on standard error. `panic`: and that is the
 * end: a process aborts, a kernel panics with the line. */
TL_COLD void tl_report(bool panic, const char *format, ...);
#define tl_report_line(...)  tl_report(false, __VA_ARGS__)
#define tl_report_panic(...) tl_report(true, __VA_ARGS__)

enum tl_misuse_policy { TL_MISUSE_REPORT, TL_MISUSE_ABORT, TL_MISUSE_IGNORE };

/* What the default misuse handler does; set once, from the options. */
TL_SLOW void tl_misuse_set_policy(enum tl_misuse_policy policy);

/* Tells the misuse handler. Returns when the handler does; the caller then does nothing to
 * `pointer`. Keeps errno. In a kernel the message is that of the kind, in small memory its number.
 * R45. */
#if TL_MISUSE_TEXTS
TL_SLOW void tl_misuse_report(talus_misuse what, const void *pointer, const char *message);
#else
TL_SLOW void tl_misuse_report_kind(talus_misuse what, const void *pointer);
#define tl_misuse_report(what, pointer, message) \
    ((void)(message), tl_misuse_report_kind(what, pointer))
#endif

#endif
