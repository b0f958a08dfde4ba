/* say.c: lines without a C library: formatted on the stack, written at once. */
#include "stress/lib/host.h"
#include "stress/lib/report.h"

#include "arch/port/bare/format.h"

#define LINE_MAX_BYTES 600u

struct line {
    size_t length;
    char   text[LINE_MAX_BYTES];
};

static void put(void *to, char letter)
{
    struct line *line = to;

    if (line->length < LINE_MAX_BYTES - 1)
        line->text[line->length++] = letter;
}

void st_say_arguments(const char *format, va_list arguments)
{
    struct line line;

    line.length = 0;
    bare_format(put, &line, format, arguments);
    line.text[line.length++] = '\n';
    st_host_write(line.text, line.length);
}
