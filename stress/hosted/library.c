/* library.c: a target out of a shared library.
 * 1 Beside      It is loaded on the side (RTLD_LOCAL), so that this program keeps the system's
 *               malloc, and the library serves the suites alone: what it breaks is theirs.
 * 2 In front    A library whose thread-local memory must be laid out at the start ("static TLS":
 *               jemalloc, for one) cannot be loaded later. Then the program starts again with the
 *               library in LD_PRELOAD, and dlopen finds it there.
 * 3 Its own     A calloc that calls malloc must find that of its library, not the system's
 *               (RTLD_DEEPBIND; sanitizers, whose malloc must come first, refuse it). dlsym on a
 *               library looks into those that it needs, too, so into libc: functions count only
 *               where they lie in the library itself. */
#include "stress/hosted/targets.h"

#include "stress/hosted/report.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_BYTES 128u
#define PRELOADED  "TALUS_STRESS_PRELOADED" /* in the environment: 2 has happened */

static struct st_calls  calls;
static struct st_target target = { .what = "a library" };

static _Noreturn void give_up(const char *path, const char *why)
{
    fprintf(stderr, "talus-stress: --target %s: %s\n", path, why);
    exit(ST_USAGE);
}

static _Noreturn void start_behind(const char *path, char **argv, const char *why)
{
    const char *before = getenv("LD_PRELOAD");
    char       *list = NULL;

    if (getenv(PRELOADED) != NULL)
        give_up(path, why);
    if (asprintf(&list, "%s%s%s", path, before != NULL ? ":" : "", before != NULL ? before : "") <
        0)
        give_up(path, "no memory");
    fprintf(stderr, "talus-stress: %s\n  starting again with it in LD_PRELOAD\n", why);
    setenv("LD_PRELOAD", list, 1);
    setenv(PRELOADED, "1", 1);
    execv("/proc/self/exe", argv);
    give_up(path, strerror(errno));
}

/* NULL: the library has no function of this name itself. */
static void *find(void *library, const char *prefix, const char *name)
{
    char             whole[NAME_BYTES];
    struct link_map *map = NULL;
    Dl_info          found;

    if (strlen(prefix) + strlen(name) >= sizeof(whole))
        return NULL;
    strcpy(whole, prefix);
    strcat(whole, name);
    void *function = dlsym(library, whole);
    if (function == NULL || dlinfo(library, RTLD_DI_LINKMAP, &map) != 0 ||
        dladdr(function, &found) == 0)
        return NULL;
    return strcmp(found.dli_fname, map->l_name) == 0 ? function : NULL;
}

struct st_target *st_target_load(const char *path, const char *prefix, char **argv)
{
    const struct {
        const char *name;
        void       *slot;
    } functions[] = {
        { "malloc", &calls.malloc },
        { "free", &calls.free },
        { "calloc", &calls.calloc },
        { "realloc", &calls.realloc },
        { "aligned_alloc", &calls.aligned_alloc },
        { "posix_memalign", &calls.posix_memalign },
        { "malloc_usable_size", &calls.malloc_usable_size },
    };
    if (ST_SANITIZED)
        give_up(path, "this build has a sanitizer's malloc in it: take the release build");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);

    if (library == NULL) {
        const char *why = dlerror();
        if (strstr(why, "static TLS") != NULL)
            start_behind(path, argv, why);
        give_up(path, why);
    }
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        void *function = find(library, prefix, functions[i].name);
        memcpy(functions[i].slot, &function, sizeof(function));
    }
    if (calls.malloc == NULL || calls.free == NULL)
        give_up(path, prefix[0] != '\0' ? "it has no malloc and free with this --prefix"
                                        : "it has no malloc and free (see --prefix)");
    target.name = path;
    st_target_of_calls(&target, &calls);
    return &target;
}
