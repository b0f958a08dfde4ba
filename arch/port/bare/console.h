/* console.h: text on the serial line, and the ends of an image.
 *
 * 1 Purpose     What an image says, and the status that it leaves with.
 * 2 Form        That of format.h.
 * 3 Locks       bare_print... hold the console's lock, pinned, so that lines of several CPUs do not
 *               mix. The ends wait for it a while and then write anyway.
 * 4 Contexts    bare_print...: thread. The ends: any. */
#ifndef TL_BARE_CONSOLE_H
#define TL_BARE_CONSOLE_H

#include <stdarg.h>

#include "arch/compiler.h"

/* Exit statuses; tools/qemu names them. */
enum bare_status {
    BARE_PASSED = 0,
    BARE_FAILED = 1, /* a check failed */
    BARE_PANIC = 2,
    BARE_EXCEPTION = 3,
    BARE_NO_CPUS = 4, /* fewer CPUs came up than were asked for */
    BARE_BAD_WORD = 5 /* a word of the command line means nothing */
};

void bare_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Text as it is. */
void bare_print_text(const char *text, size_t bytes);

/* One line: `word`, the text, and an end of line. */
void bare_print_line(const char *word, const char *format, va_list arguments);

/* Writes "panic: cpu N: " and the text, and ends the image with BARE_PANIC. The first CPU that
 * gets here has the word; later ones stop in silence. */
TL_NORETURN void bare_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same with another status and its word in front: "exception: cpu N: ". */
TL_NORETURN void bare_end(enum bare_status status, const char *word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
