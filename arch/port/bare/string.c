/* string.c: memory functions, as short as they can be: images are judged by what they find, not by
 * their speed. Compiled so that no loop is made into a call of itself. */
#include <stddef.h>
#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((unsigned char *)to)[i] = ((const unsigned char *)from)[i];
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    if ((unsigned char *)to < (const unsigned char *)from)
        return memcpy(to, from, bytes);
    for (size_t i = bytes; i > 0; i--)
        ((unsigned char *)to)[i - 1] = ((const unsigned char *)from)[i - 1];
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((unsigned char *)to)[i] = (unsigned char)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        int difference = ((const unsigned char *)a)[i] - ((const unsigned char *)b)[i];
        if (difference != 0)
            return difference;
    }
    return 0;
}
