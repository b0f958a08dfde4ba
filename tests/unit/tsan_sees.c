/* tsan_sees.c: ThreadSanitizer follows our own atomics (arch/c11): what a thread wrote before it
 * published in order may be read by who acquires it, and it says nothing; published without order
 * ("relaxed") it is a race, whatever the CPU does, and must be reported. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "arch/atomic.h"

static tl_atomic_u32 published;
static int           data;
static bool          relaxed;

static void *publish(void *unused)
{
    data = 42;
    if (relaxed)
        tl_store32_relaxed(&published, 1);
    else
        tl_store32_release(&published, 1); /* pairs with the acquire in main */
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t thread;

    relaxed = argc == 2 && strcmp(argv[1], "relaxed") == 0;
    if (pthread_create(&thread, NULL, publish, NULL) != 0)
        return 2;
    while ((relaxed ? tl_load32_relaxed(&published) : tl_load32_acquire(&published)) == 0)
        ;
    printf("read %d\n", data);
    return pthread_join(thread, NULL) != 0;
}
