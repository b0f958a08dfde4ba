/* assert.c: where a failed TL_ASSERT ends, on every system. */
#include "arch/port.h"

static size_t length_of(const char *text)
{
    size_t n = 0;
    while (text[n] != '\0')
        n++;
    return n;
}

static void say(const char *text)
{
    tl_port_write_error(text, length_of(text));
}

TL_COLD TL_NORETURN void tl_assert_failed(const char *file, int line, const char *text)
{
    char   digits[12];
    size_t at = sizeof(digits);

    digits[--at] = '\0';
    do {
        digits[--at] = (char)('0' + line % 10);
        line /= 10;
    } while (line > 0);
    say("talus: assertion failed: ");
    say(text);
    say(" (");
    say(file);
    say(":");
    say(&digits[at]);
    say(")\n");
    tl_port_abort();
}
