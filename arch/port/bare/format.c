/* format.c: without division: 32-bit CPUs would call the compiler's library for it. */
#include "arch/port/bare/format.h"

#include <stdbool.h>
#include <stdint.h>

typedef void put_function(void *to, char letter);

static void put_text(put_function *put, void *to, const char *text)
{
    while (*text != '\0')
        put(to, *text++);
}

static void put_decimal(put_function *put, void *to, uint64_t value)
{
    static const uint64_t powers[] = { UINT64_C(10000000000000000000),
                                       UINT64_C(1000000000000000000),
                                       UINT64_C(100000000000000000),
                                       UINT64_C(10000000000000000),
                                       UINT64_C(1000000000000000),
                                       UINT64_C(100000000000000),
                                       UINT64_C(10000000000000),
                                       UINT64_C(1000000000000),
                                       UINT64_C(100000000000),
                                       UINT64_C(10000000000),
                                       UINT64_C(1000000000),
                                       UINT64_C(100000000),
                                       UINT64_C(10000000),
                                       UINT64_C(1000000),
                                       UINT64_C(100000),
                                       UINT64_C(10000),
                                       UINT64_C(1000),
                                       UINT64_C(100),
                                       UINT64_C(10),
                                       UINT64_C(1) };
    bool                  begun = false;

    for (unsigned i = 0; i < sizeof powers / sizeof powers[0]; i++) {
        char digit = '0';

        while (value >= powers[i]) {
            value -= powers[i];
            digit++;
        }
        begun = begun || digit != '0' || powers[i] == 1;
        if (begun)
            put(to, digit);
    }
}

static void put_hexadecimal(put_function *put, void *to, uintptr_t value)
{
    unsigned shift = 8 * sizeof value;

    put_text(put, to, "0x");
    while (shift > 4 && (value >> (shift - 4)) == 0)
        shift -= 4;
    do {
        shift -= 4;
        put(to, "0123456789abcdef"[(value >> shift) & 15]);
    } while (shift > 0);
}

void bare_format(put_function *put, void *to, const char *format, va_list arguments)
{
    for (; *format != '\0'; format++) {
        unsigned longs = 0;
        int      number;

        if (*format != '%') {
            put(to, *format);
            continue;
        }
        while (*++format == 'l' || *format == 'z')
            longs++; /* a size is as long as a long */
        switch (*format) {
        case 's':
            put_text(put, to, va_arg(arguments, const char *));
            break;
        case 'c':
            put(to, (char)va_arg(arguments, int));
            break;
        case 'd':
            number = va_arg(arguments, int);
            if (number < 0)
                put(to, '-');
            put_decimal(put, to, number < 0 ? 0u - (unsigned)number : (unsigned)number);
            break;
        case 'u':
            put_decimal(put, to,
                        longs == 2   ? va_arg(arguments, unsigned long long)
                        : longs == 1 ? va_arg(arguments, unsigned long)
                                     : va_arg(arguments, unsigned));
            break;
        case 'x':
            put_hexadecimal(put, to,
                            longs == 1 ? va_arg(arguments, unsigned long)
                                       : va_arg(arguments, unsigned));
            break;
        case 'p':
            put_hexadecimal(put, to, (uintptr_t)va_arg(arguments, void *));
            break;
        case '%':
            put(to, '%');
            break;
        default:
            put_text(put, to, "(a format that bare_print does not know)");
            return;
        }
    }
}
