/* floor.c: what a program that allocates one byte has in memory, "rss N anonymous N" in KiB, from
 * the kernel. Nothing here draws in more of the C library than the loader did. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char report[4096];

/* The line's number, or nothing. */
static void print_field(const char *name, const char *label)
{
    const char *at = strstr(report, name);

    if (at == NULL)
        _exit(2);
    at += strlen(name);
    at += strspn(at, " ");
    size_t digits = strspn(at, "0123456789");
    if (digits == 0 || write(1, label, strlen(label)) < 0 || write(1, at, digits) < 0)
        _exit(2);
}

int main(void)
{
    void *volatile block = malloc(1);
    int     file = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, report, sizeof report - 1);

    if (block == NULL || got <= 0)
        return 2;
    print_field("\nRss:", "rss ");
    print_field("\nAnonymous:", " anonymous ");
    return write(1, "\n", 1) == 1 ? 0 : 2;
}
