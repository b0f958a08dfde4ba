/* foreign.c: pointers that talus never gave out, or gave out once, passed to free, realloc and
 * malloc_usable_size: reported on standard error, one line each, and the process lives on. R45. */
#include "check.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/wait.h>

static char in_bss[4096];

enum call { FREE, REALLOC };

/* What a program does next: the wrong call, and then its work. */
static void misuse_and_go_on(enum call call, void *pointer)
{
    errno = EDOM;
    if (call == FREE) {
        free(opaque(pointer));
        if (errno != EDOM)
            _exit(3);
    } else if (opaque(realloc(opaque(pointer), 100)) != NULL) {
        _exit(4);
    }
    char *block = opaque(malloc(1000)); /* life goes on */
    if (block == NULL)
        _exit(5);
    memset(block, 1, 1000);
    free(block);
    _exit(0);
}

/* Makes the call in a child and returns how many lines of report that made; -1: it crashed. */
static int reports_of(enum call call, void *pointer)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], 2);
        misuse_and_go_on(call, pointer);
    }
    close(ends[1]);
    char    text[4096];
    size_t  length = 0;
    ssize_t got;
    while ((got = read(ends[0], text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    close(ends[0]);
    text[length] = 0;
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    if (status != 0) {
        fprintf(stderr, "%d of %p: status %x, said: %s\n", call, pointer, (unsigned)status, text);
        return -1;
    }
    int lines = 0;
    for (char *at = text; (at = strstr(at, "talus")) != NULL; at = strchr(at, '\n')) {
        lines++;
        if (strchr(at, '\n') == NULL)
            break;
    }
    return lines;
}

static void reported(void *pointer)
{
    CHECK(reports_of(FREE, pointer) == 1);
    CHECK(reports_of(REALLOC, pointer) == 1);
}

int main(void)
{
    check_talus_in_force();
    char  on_stack[64];
    char *mapped = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mapped != MAP_FAILED);

    CHECK(reports_of(FREE, NULL) == 0);
    CHECK(reports_of(FREE, malloc(100)) == 0);

    reported(on_stack);
    reported(in_bss + 16);
    reported(mapped);
    reported(mapped + 4096 + 16);
    reported((void *)main);
    reported((void *)16);
    reported((void *)((uintptr_t)1 << 47));          /* the first address beyond user space */
    reported((void *)(~(uintptr_t)0 - 15));          /* the last granule of all */
    reported((void *)((uintptr_t)0xdeadbeef << 32)); /* non-canonical */
    reported((void *)((uintptr_t)1 << 63));

    CHECK(malloc_usable_size(mapped) == 0);
    CHECK(malloc_usable_size(on_stack) == 0);
    CHECK(malloc_usable_size((void *)16) == 0);

    /* The mapping that no heap knows is as it was. */
    mapped[0] = 5;
    CHECK(reports_of(FREE, mapped) == 1 && mapped[0] == 5);
    return 0;
}
