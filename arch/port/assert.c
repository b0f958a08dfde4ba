/* assert.c: where a failed TL_ASSERT ends, on every system. */
#include "arch/port.h"

struct line {
    char   text[300];
    size_t length;
};

/* What does not fit is cut off. */
static void add(struct line *line, const char *text)
{
    while (*text != '\0' && line->length + 1 < sizeof line->text)
        line->text[line->length++] = *text++;
    line->text[line->length] = '\0';
}

TL_COLD TL_NORETURN void tl_assert_failed(const char *file, int line, const char *text)
{
    struct line whole = { .length = 0 };
    char        digits[12];
    size_t      at = sizeof(digits);

    digits[--at] = '\0';
    do {
        digits[--at] = (char)('0' + line % 10);
        line /= 10;
    } while (line > 0);
    add(&whole, "talus: assertion failed: ");
    add(&whole, text);
    add(&whole, " (");
    add(&whole, file);
    add(&whole, ":");
    add(&whole, &digits[at]);
    add(&whole, ")");
    tl_port_panic(whole.text);
}
