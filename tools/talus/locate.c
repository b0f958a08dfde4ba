/* locate.c: where the parts of talus and the other allocators are; see tool.h. */
#define _GNU_SOURCE
#include "tools/talus/tool.h"

#include "stress/words.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef TALUS_MULTIARCH
#define TALUS_MULTIARCH ""
#endif
static const char multiarch_folder[] = "lib/" TALUS_MULTIARCH "/";

int tl_tool_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("talus: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return TL_TOOL_USAGE;
}

bool tl_tool_count(const char *text, unsigned max, unsigned *count)
{
    char         *rest;
    unsigned long number = strtoul(text, &rest, 10);
    *count = (unsigned)number;
    return text[0] >= '0' && text[0] <= '9' && *rest == '\0' && number >= 1 && number <= max;
}

/* Build tree: <build>/tools/talus/talus, <build>/stress, <build>. Installed: <prefix>/bin/talus,
 * <prefix>/lib... */
bool tl_tool_locate(const char *file, char path[TL_TOOL_PATH_MAX])
{
    static const char *const folders[] = {
        "", "lib/", multiarch_folder, "lib64/", "libexec/talus/", "stress/", "stress/explore/"
    };
    char    directory[TL_TOOL_PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", directory, sizeof directory - 1);
    directory[length > 0 ? length : 0] = '\0';
    for (unsigned up = 0; up < 3; up++) {
        char *slash = strrchr(directory, '/');
        if (slash == NULL)
            break;
        *slash = '\0';
        for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
            int written = snprintf(path, TL_TOOL_PATH_MAX, "%s/%s%s", directory, folders[i], file);
            if (written > 0 && (unsigned)written < TL_TOOL_PATH_MAX && access(path, R_OK) == 0)
                return true;
        }
    }
    tl_tool_error("%s is not beside this program; build it, or install talus as a whole", file);
    return false;
}

#define LIBRARIES_MAX 4u

struct known_peer {
    const char *name;
    const char *package;
    const char *libraries[LIBRARIES_MAX]; /* file names, the preferred one first */
    const char *patient;                  /* see struct tl_peer; NULL: nothing goes by the clock */
};

static const struct known_peer known_peers[] = {
    { "libc", NULL, { NULL }, NULL },
    { "mimalloc",
      "libmimalloc2.0",
      { "libmimalloc.so.2.0", "libmimalloc.so.2", "libmimalloc.so.3", "libmimalloc.so" },
      "MIMALLOC_RESET_DELAY=3600000" },
    { "jemalloc", "libjemalloc2", { "libjemalloc.so.2" }, "MALLOC_CONF=dirty_decay_ms:3600000" },
    { "tcmalloc", "libtcmalloc-minimal4", { "libtcmalloc_minimal.so.4" }, NULL },
    { "tbbmalloc", "libtbbmalloc2", { "libtbbmalloc_proxy.so.2" }, NULL },
    { "talus", NULL, { NULL }, "TALUS_OPTIONS=decay_ms=3600000" },
};
#define KNOWN_PEERS (sizeof known_peers / sizeof known_peers[0])

static bool find_library(const struct known_peer *known, char path[TL_TOOL_PATH_MAX])
{
    static const char *const folders[] = { "/usr/lib/" TALUS_MULTIARCH, "/lib/" TALUS_MULTIARCH,
                                           "/usr/lib64", "/usr/lib", "/usr/local/lib" };
    for (size_t l = 0; l < LIBRARIES_MAX && known->libraries[l] != NULL; l++) {
        for (size_t f = 0; f < sizeof folders / sizeof folders[0]; f++) {
            snprintf(path, TL_TOOL_PATH_MAX, "%s/%s", folders[f], known->libraries[l]);
            if (access(path, R_OK) == 0)
                return true;
        }
    }
    return false;
}

static struct tl_peer *add_peer(struct tl_peer_list *list, const char *name)
{
    struct tl_peer *peer = &list->peers[list->count++];
    memset(peer, 0, sizeof *peer);
    snprintf(peer->name, sizeof peer->name, "%s", name);
    return peer;
}

static bool has_peer(const struct tl_peer_list *list, const char *name, size_t length)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strlen(list->peers[i].name) == length &&
            strncmp(list->peers[i].name, name, length) == 0)
            return true;
    }
    return false;
}

/* NAME=PATH[,VAR=VALUE...] */
static bool add_extra(struct tl_peer_list *list, const char *text)
{
    const char *equals = strchr(text, '=');
    char        path[TL_TOOL_PATH_MAX], full[PATH_MAX];
    if (equals == NULL || equals == text || (size_t)(equals - text) >= sizeof list->peers[0].name ||
        equals[1] == '\0') {
        tl_tool_error("--peer wants NAME=PATH, not '%s'", text);
        return false;
    }
    size_t length = strcspn(equals + 1, ",");
    snprintf(path, sizeof path, "%.*s", (int)length, equals + 1);
    if (realpath(path, full) == NULL || strlen(full) >= TL_TOOL_PATH_MAX) {
        tl_tool_error("--peer %s: there is no library %s", text, path);
        return false;
    }
    if (has_peer(list, text, (size_t)(equals - text)) || list->count == TL_PEERS_MAX) {
        tl_tool_error("--peer %s: the name is taken, or there are more than %u", text,
                      TL_PEERS_MAX);
        return false;
    }
    struct tl_peer *peer = add_peer(list, "");
    snprintf(peer->name, sizeof peer->name, "%.*s", (int)(equals - text), text);
    memcpy(peer->library, full, strlen(full) + 1); /* it was looked at above: it fits */
    if (equals[1 + length] == ',')
        snprintf(peer->environment, sizeof peer->environment, "%s", equals + 2 + length);
    return true;
}

static void add_known(struct tl_peer_list *list, const struct known_peer *known)
{
    char path[TL_TOOL_PATH_MAX] = "";
    if (strcmp(known->name, "talus") == 0) {
        if (!tl_tool_locate("libtalus-malloc.so", path))
            return;
    } else if (known->package != NULL && !find_library(known, path)) {
        tl_tool_error("%s is not installed and is left out (Debian: apt-get install %s)",
                      known->name, known->package);
        return;
    }
    struct tl_peer *peer = add_peer(list, known->name);
    snprintf(peer->library, sizeof peer->library, "%s", path);
    if (known->patient != NULL)
        snprintf(peer->patient, sizeof peer->patient, "%s", known->patient);
}

bool tl_peers_option(struct tl_peer_choice *choice, const char *name, const char *value)
{
    if (strcmp(name, "--allocators") == 0) {
        choice->names = value;
        return true;
    }
    if (strcmp(name, "--peer") != 0 || choice->extra_count == TL_PEERS_MAX)
        return false;
    choice->extra[choice->extra_count++] = value;
    return true;
}

size_t tl_peers_index(const struct tl_peer_list *list, const char *name)
{
    size_t p = 0;
    while (p < list->count && strcmp(list->peers[p].name, name) != 0)
        p++;
    return p;
}

bool tl_peers_find(struct tl_peer_list *list, const struct tl_peer_choice *choice)
{
    const char *chosen = choice->names;
    list->count = 0;
    for (const char *at = chosen; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, ","), i = 0, e = 0;
        while (i < KNOWN_PEERS && (strlen(known_peers[i].name) != length ||
                                   strncmp(at, known_peers[i].name, length) != 0))
            i++;
        while (e < choice->extra_count &&
               (strncmp(choice->extra[e], at, length) != 0 || choice->extra[e][length] != '='))
            e++;
        if (i == KNOWN_PEERS && e == choice->extra_count) {
            tl_tool_error("no allocator is called '%.*s'; there are libc, mimalloc, jemalloc, "
                          "tcmalloc, tbbmalloc, talus, "
                          "and what --peer adds",
                          (int)length, at);
            return false;
        }
        at += length + (at[length] == ',');
    }
    for (size_t i = 0; i < KNOWN_PEERS; i++) {
        if (st_words_have(chosen, known_peers[i].name))
            add_known(list, &known_peers[i]);
    }
    for (size_t e = 0; e < choice->extra_count; e++) {
        if (!add_extra(list, choice->extra[e]))
            return false;
    }
    if (list->count == 0)
        tl_tool_error("no allocator is left to measure");
    return list->count != 0;
}

bool tl_peer_is_object(const struct tl_peer *peer, const char *object)
{
    char mine[PATH_MAX], other[PATH_MAX];
    if (peer->library[0] == '\0')
        return strstr(object, "/libc.so") != NULL || strstr(object, "/libc-") != NULL;
    return realpath(peer->library, mine) != NULL && realpath(object, other) != NULL &&
           strcmp(mine, other) == 0;
}
