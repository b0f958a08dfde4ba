/* format.h: text where there is no C library: %s %c %d %u %x %p, %lu %lx, %zu, %llu, %%; no widths.
 * %x and %p write 0x in front. */
#ifndef TL_BARE_FORMAT_H
#define TL_BARE_FORMAT_H

#include <stdarg.h>

/* Calls put(to, letter) for each letter. Context: any. */
void bare_format(void (*put)(void *to, char letter), void *to, const char *format,
                 va_list arguments);

#endif
