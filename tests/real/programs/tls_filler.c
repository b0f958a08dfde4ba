/* tls_filler.c: a library with 1 KiB of thread-local storage, of which dlopen.c opens many. */
#include <string.h>

int filler_touch(int value);

static __thread char storage[1024];

int filler_touch(int value)
{
    int before = storage[1000];
    memset(storage, value, sizeof storage);
    return before;
}
