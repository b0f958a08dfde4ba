/* string.h: the memory functions that an image has: what compilers call by themselves. */
#ifndef TL_BARE_STRING_H
#define TL_BARE_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int   memcmp(const void *a, const void *b, size_t bytes);

#endif
