/* console.c: lines of several CPUs, one at a time (theory: console.h). */
#include "arch/port/bare/console.h"

#include "arch/cpu.h"
#include "arch/port/bare/format.h"
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

static void put_letter(void *unused, char letter)
{
    (void)unused;
    machine_putc(letter);
}

static void put_formatted(const char *format, va_list arguments)
{
    bare_format(put_letter, NULL, format, arguments);
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

void bare_print_text(const char *text, size_t bytes)
{
    lock_console();
    for (size_t i = 0; i < bytes; i++)
        machine_putc(text[i]);
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
    machine_putc((char)('0' + machine_cpu())); /* MACHINE_CPUS_MAX is below 10 */
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
