/* console.c: formatting without division: 32-bit CPUs would call the compiler's library for it
 * (theory: console.h). */
#include "arch/port/bare/console.h"

#include "arch/cpu.h"
#include "arch/port/bare/machine.h"
#include "arch/port/bare/sched.h"

/* Turns for which the end of an image waits for a CPU in the midst of a line. */
enum { END_WAITS_TURNS = 100000 };

static tl_atomic_u32 console_lock; /* atomic: 1 while somebody writes a line */
static tl_atomic_u32 ended;        /* atomic: 1 once a CPU ends the image */

static void put_text(const char *text)
{
    while (*text != '\0')
        machine_putc(*text++);
}

static void put_decimal(uint64_t value)
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
            machine_putc(digit);
    }
}

static void put_hexadecimal(uintptr_t value)
{
    unsigned shift = 8 * sizeof value;

    put_text("0x");
    while (shift > 4 && (value >> (shift - 4)) == 0)
        shift -= 4;
    do {
        shift -= 4;
        machine_putc("0123456789abcdef"[(value >> shift) & 15]);
    } while (shift > 0);
}

static void put_formatted(const char *format, va_list arguments)
{
    for (; *format != '\0'; format++) {
        unsigned longs = 0;
        int      number;

        if (*format != '%') {
            machine_putc(*format);
            continue;
        }
        while (*++format == 'l')
            longs++;
        switch (*format) {
        case 's':
            put_text(va_arg(arguments, const char *));
            break;
        case 'c':
            machine_putc((char)va_arg(arguments, int));
            break;
        case 'd':
            number = va_arg(arguments, int);
            if (number < 0)
                machine_putc('-');
            put_decimal(number < 0 ? 0u - (unsigned)number : (unsigned)number);
            break;
        case 'u':
            put_decimal(longs == 2   ? va_arg(arguments, unsigned long long)
                        : longs == 1 ? va_arg(arguments, unsigned long)
                                     : va_arg(arguments, unsigned));
            break;
        case 'x':
            put_hexadecimal(longs == 1 ? va_arg(arguments, unsigned long)
                                       : va_arg(arguments, unsigned));
            break;
        case '%':
            machine_putc('%');
            break;
        default:
            put_text("(a format that bare_print does not know)");
            return;
        }
    }
}

static void lock_console(void)
{
    bare_pin(); /* or a thread of this CPU would wait for one that it took the CPU from */
    while (tl_swap32_acquire(&console_lock, 1) != 0) /* pairs with unlock_console */
        tl_cpu_relax();
}

static void unlock_console(void)
{
    tl_store32_release(&console_lock, 0); /* pairs with lock_console, and with end */
    bare_unpin();
}

void bare_print(const char *format, ...)
{
    va_list arguments;

    lock_console();
    va_start(arguments, format);
    put_formatted(format, arguments);
    va_end(arguments);
    unlock_console();
}

void bare_print_line(const char *word, const char *format, va_list arguments)
{
    lock_console();
    put_text(word);
    put_formatted(format, arguments);
    machine_putc('\n');
    unlock_console();
}

static TL_NORETURN void end(enum bare_status status, const char *word, const char *format,
                            va_list arguments)
{
    machine_interrupts_off();
    if (tl_swap32_relaxed(&ended, 1) != 0)
        machine_park();
    /* pairs with unlock_console */
    for (int i = 0; i < END_WAITS_TURNS && tl_swap32_acquire(&console_lock, 1) != 0; i++)
        tl_cpu_relax();
    put_text(word);
    put_text(": cpu ");
    put_decimal(machine_cpu());
    put_text(": ");
    put_formatted(format, arguments);
    machine_putc('\n');
    machine_exit(status);
}

void bare_panic(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    end(BARE_PANIC, "panic", format, arguments);
}

void bare_end(enum bare_status status, const char *word, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    end(status, word, format, arguments);
}

void bare_exception(const struct machine_exception *exception)
{
    bare_end(BARE_EXCEPTION, "exception", "%s (%u), pc %lx, address %lx", exception->name,
             exception->cause, (unsigned long)exception->pc, (unsigned long)exception->address);
}

void tl_assert_failed(const char *file, int line, const char *text)
{
    bare_panic("%s:%d: assertion failed: %s", file, line, text);
}
