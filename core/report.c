/* report.c: formatting and writing without memory. See report.h. */
#include "core/report.h"
#include "arch/atomic.h"
#include "arch/port.h"

static TL_COLD void add_char(struct tl_text *text, char c)
{
    if (text->length + 1 < text->size)
        text->buffer[text->length++] = c;
}

static void add_string(struct tl_text *text, const char *string)
{
    for (; *string != '\0'; string++)
        add_char(text, *string);
}

static void add_number(struct tl_text *text, uintptr_t number, unsigned base)
{
    char  digits[sizeof number * 3];
    char *first = digits + sizeof digits - 1;
    *first = '\0';
    do {
        *--first = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0);
    add_string(text, first);
}

void tl_text_add_list(struct tl_text *text, const char *format, va_list arguments)
{
    for (char c; (c = *format) != '\0'; format++) {
        if (c != '%') {
            add_char(text, c);
            continue;
        }
        c = *++format;
        uintptr_t value = va_arg(arguments, uintptr_t);
        if (c == 's') {
            add_string(text, (const char *)value);
            continue;
        }
        if (c == 'p')
            add_string(text, "0x");
        add_number(text, value, c == 'p' ? 16 : 10);
    }
    text->buffer[text->length] = '\0';
}

#if !TL_KERNEL
void tl_text_add(struct tl_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tl_text_add_list(text, format, arguments);
    va_end(arguments);
}
#endif

void tl_report(bool panic, const char *format, ...)
{
    char           line[400];
    struct tl_text text = { .buffer = line, .size = sizeof line - 1 };
    va_list        arguments;
    add_string(&text, "talus: ");
    va_start(arguments, format);
    tl_text_add_list(&text, format, arguments);
    va_end(arguments);
    if (panic)
        tl_port_panic(line);
    line[text.length++] = '\n'; /* room for it was kept by size - 1 */
    tl_port_write_error(line, text.length);
}

static tl_atomic_word handler; /* talus_misuse_handler, 0: the default; set and read by anybody */
static tl_atomic_u32  misuse_policy; /* enum tl_misuse_policy */

void tl_misuse_set_policy(enum tl_misuse_policy new_policy)
{
    tl_store32_relaxed(&misuse_policy, (uint32_t)new_policy);
}

talus_misuse_handler talus_set_misuse_handler(talus_misuse_handler new_handler)
{
    /* pairs with tl_misuse_report */
    return (talus_misuse_handler)tl_swap_acq_rel(&handler, (uintptr_t)new_handler);
}

#if TL_MISUSE_TEXTS
void tl_misuse_report(talus_misuse what, const void *pointer, const char *message)
{
#else
void tl_misuse_report_kind(talus_misuse what, const void *pointer)
{
#if TL_SMALL
    char message[] = "misuse 0";
    message[sizeof message - 2] += (char)what;
#else
    static const char kinds[][24] = {
        [TALUS_MISUSE_FOREIGN_POINTER] = "no heap gave this out",
        [TALUS_MISUSE_DOUBLE_FREE] = "free of what is free",
        [TALUS_MISUSE_INTERIOR_POINTER] = "not a block's beginning",
        [TALUS_MISUSE_WRONG_HEAP] = "a block of another heap",
        [TALUS_MISUSE_WRONG_SIZE] = "no block of this size",
        [TALUS_MISUSE_HEAP_DESTROYED] = "use after the end of it",
        [TALUS_MISUSE_CORRUPT] = "written to while free",
    };
    const char *message = kinds[what];
#endif
#endif
    int saved = tl_port_errno();
    /* pairs with talus_set_misuse_handler */
    talus_misuse_handler call = (talus_misuse_handler)tl_load_acquire(&handler);
    uint32_t             how = tl_load32_relaxed(&misuse_policy);
    if (call != NULL) {
        call(what, pointer, message);
    } else if (how != TL_MISUSE_IGNORE) {
        tl_report(how == TL_MISUSE_ABORT, "%s (%p)", (uintptr_t)message, (uintptr_t)pointer);
    }
    tl_port_set_errno(saved);
}
