/* library.c: a target out of a shared library.
 * 1 Beside      It is loaded on the side (RTLD_LOCAL), so that this program keeps the system's
 *               malloc, and the library serves the suites alone: what it breaks is theirs. Each
 *               suite's process loads it for itself; the one that watches never does. What it wants
 *               to know beforehand it learns from a child that loads the library and no more, and
 *               waits for it no longer than it has patience: constructors may do anything.
 * 2 In front    A library whose thread-local memory must be laid out at the start ("static TLS":
 *               jemalloc, for one) cannot be loaded later. Then the program starts again with the
 *               library in LD_PRELOAD, and dlopen finds it there. Its constructors run before
 *               anybody can watch them; so a child does the same first, and ends.
 * 3 Its own     A calloc that calls malloc must find that of its library, not the system's
 *               (RTLD_DEEPBIND; sanitizers, whose malloc must come first, refuse it). dlsym on a
 *               library looks into those that it needs, too, so into libc: functions count only
 *               where they lie in the library itself. */
#include "stress/hosted/targets.h"

#include "stress/hosted/options.h"
#include "stress/hosted/patience.h"
#include "stress/hosted/report.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAME_BYTES 128u
#define LOOK_NS    1000000L
#define PRELOADED  "TALUS_STRESS_PRELOADED" /* in the environment: 2 has happened */
#define TRIAL      "trial"                  /* its value in the child that only tries it */

/* How a child that tries it ends, where the library lets it. */
enum { LOADED = 100, REFUSED, STATIC_TLS };

static struct st_calls calls;  /* constant once loaded */
static const char     *prefix; /* constant after st_target_load */

static void open_library(struct st_target *target);

static struct st_target target = { .what = "a library", .open = open_library };

static _Noreturn void give_up(const char *path, const char *why)
{
    fprintf(stderr, "talus-stress: --target %s: %s\n", path, why);
    exit(ST_USAGE);
}

/* NULL: the library has no function of this name itself. */
static void *find(void *library, const char *name)
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

/* Fills `calls`. Returns NULL, or why it cannot be had. */
static const char *load(const char *path)
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
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);

    if (library == NULL)
        return dlerror();
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        void *function = find(library, functions[i].name);
        memcpy(functions[i].slot, &function, sizeof(function));
    }
    if (calls.malloc == NULL || calls.free == NULL)
        return prefix[0] != '\0' ? "it has no malloc and free with this --prefix"
                                 : "it has no malloc and free (see --prefix)";
    return NULL;
}

/* In a suite's process. */
static void open_library(struct st_target *opened)
{
    const char *why = load(opened->name);

    if (why != NULL)
        st_fail("setup", "  --target %s: %s", opened->name, why);
    st_target_of_calls(opened, &calls);
}

static _Noreturn void load_and_end(const char *path)
{
    const char *why = load(path);
    if (why == NULL)
        _exit(LOADED); /* its destructors may do anything, too */
    fprintf(stderr, "talus-stress: --target %s: %s\n", path, why);
    _exit(strstr(why, "static TLS") != NULL && getenv(PRELOADED) == NULL ? STATIC_TLS : REFUSED);
}

static _Noreturn void start_again(const char *path, char **argv)
{
    execv("/proc/self/exe", argv);
    give_up(path, strerror(errno));
}

/* Loads it in a child, which starts again for that where there are `argv`. Returns how that ended;
 * ends the program where the child could not tell. */
static int try(const char *path, char **argv)
{
    const struct timespec look = { 0, LOOK_NS };
    struct st_patience    patience;
    char                  why[128];
    int                   status = 0;

    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        give_up(path, strerror(errno));
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (argv != NULL)
            start_again(path, argv);
        load_and_end(path);
    }
    st_patience_begin(&patience);
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (st_patience_look(&patience) > st_options.patience) {
            kill(child, SIGKILL);
            snprintf(why, sizeof(why), "loading it came to no end in %.1f s", patience.waited);
            give_up(path, why);
        }
        nanosleep(&look, NULL);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) >= LOADED && WEXITSTATUS(status) <= STATIC_TLS)
        return WEXITSTATUS(status);
    if (WIFSIGNALED(status))
        snprintf(why, sizeof(why), "signal %d (%s) killed who loaded it", WTERMSIG(status),
                 sigabbrev_np(WTERMSIG(status)));
    else
        snprintf(why, sizeof(why), "it ended who loaded it, with status %d", WEXITSTATUS(status));
    give_up(path, why);
}

static _Noreturn void start_behind(const char *path, char **argv)
{
    const char *before = getenv("LD_PRELOAD");
    char       *list = NULL;

    if (asprintf(&list, "%s%s%s", path, before != NULL ? ":" : "", before != NULL ? before : "") <
        0)
        give_up(path, "no memory");
    fprintf(stderr, "  starting again with it in LD_PRELOAD\n");
    setenv("LD_PRELOAD", list, 1);
    setenv(PRELOADED, TRIAL, 1);
    if (try(path, argv) != LOADED)
        exit(ST_USAGE);
    setenv(PRELOADED, "1", 1);
    start_again(path, argv);
}

struct st_target *st_target_load(const char *path, const char *names, char **argv)
{
    const char *preloaded = getenv(PRELOADED);

    if (ST_SANITIZED)
        give_up(path, "this build has a sanitizer's malloc in it: take the release build");
    prefix = names;
    if (preloaded != NULL && strcmp(preloaded, TRIAL) == 0)
        load_and_end(path);
    switch (try(path, NULL)) {
    case REFUSED:
        exit(ST_USAGE);
    case STATIC_TLS:
        start_behind(path, argv);
    default:
        target.name = path;
        return &target;
    }
}
