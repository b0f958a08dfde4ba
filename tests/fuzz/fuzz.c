/* fuzz.c: what every target is linked with; the linker puts its clock and its standard error in the
 * place of the port's (-Wl,--wrap). See fuzz.h. */
#include "fuzz/fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t fuzz_clock_ms = 1000;
char     fuzz_lines[FUZZ_LINES_BYTES];
unsigned fuzz_lines_count;

static size_t lines_bytes;

uint64_t __wrap_tl_port_now_ms(void);
uint64_t __wrap_tl_port_now_ms(void)
{
    return fuzz_clock_ms;
}

void __wrap_tl_port_write_error(const char *text, size_t length);
void __wrap_tl_port_write_error(const char *text, size_t length)
{
    size_t room = FUZZ_LINES_BYTES - 1 - lines_bytes;

    fuzz_lines_count++;
    length = length < room ? length : room;
    memcpy(fuzz_lines + lines_bytes, text, length);
    lines_bytes += length;
    fuzz_lines[lines_bytes] = '\0';
}

void fuzz_lines_clear(void)
{
    fuzz_lines_count = 0;
    lines_bytes = 0;
    fuzz_lines[0] = '\0';
}

void fuzz_fail(const char *file, int line, const char *format, ...)
{
    const char *name = strrchr(file, '/');
    va_list     arguments;

    fprintf(stderr, "%s:%d: ", name != NULL ? name + 1 : file, line);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    if (fuzz_lines_count > 0)
        fprintf(stderr, "the heap said:\n%s", fuzz_lines);
    abort();
}

void fuzz_say(const char *format, ...)
{
    static int says = -1;
    va_list    arguments;

    if (says < 0)
        says = getenv("TALUS_FUZZ_SAY") != NULL;
    if (!says)
        return;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}
