/* any_mutant.c: reads which seeded bug is on, before main and before any thread. Theory:
 * any_mutant.h. It is part of no library that is shipped. */
#include "arch/any_mutant.h"
#include "arch/mutants.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const names[] = { "none", TL_MUTANT_NAMES };

#define COUNT (sizeof names / sizeof names[0])

static unsigned char reached[COUNT];

int            tl_mutant_chosen;
unsigned char *tl_mutants_reached = reached;

static _Noreturn void stop(const char *what, const char *value)
{
    const char *const parts[] = { "any_mutant: ", what, value, "\n" };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0)
            break;
    _exit(125);
}

static void map_reached(const char *path)
{
    int   file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *bytes = MAP_FAILED;
    if (file >= 0 && ftruncate(file, COUNT) == 0)
        bytes = mmap(NULL, COUNT, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (bytes == MAP_FAILED)
        stop("cannot map ", path);
    close(file);
    for (size_t i = 0; i < COUNT; i++) /* what came before this constructor */
        if (reached[i] != 0)
            ((unsigned char *)bytes)[i] = 1;
    tl_mutants_reached = (unsigned char *)bytes;
}

static __attribute__((constructor(101))) void choose(void)
{
    const char *name = getenv("TALUS_MUTANT");
    const char *path = getenv("TALUS_MUTANTS_REACHED");
    if (path != NULL)
        map_reached(path);
    if (name == NULL)
        return;
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(name, names[i]) == 0) {
            tl_mutant_chosen = (int)i;
            return;
        }
    stop("no seeded bug is called ", name);
}
