/* tool.h: what the subcommands of `talus` share. Single-threaded; hosted on Linux. */
#ifndef TALUS_TOOLS_TOOL_H
#define TALUS_TOOLS_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TL_TOOL_PATH_MAX 1024u
#define TL_PEERS_MAX     16u

/* Exit status of every subcommand. */
enum tl_tool_status {
    TL_TOOL_OK = 0,
    TL_TOOL_FAILED = 1, /* something was measured, and some of it failed */
    TL_TOOL_USAGE = 2,  /* unknown option, or a part of talus is not there */
};

int tl_command_bench(int argc, char **argv);
int tl_command_explore(int argc, char **argv);
int tl_command_metrics(int argc, char **argv);
int tl_command_pathlen(int argc, char **argv);
int tl_command_record(int argc, char **argv);
int tl_command_replay(int argc, char **argv);
int tl_command_run(int argc, char **argv);
int tl_command_stress(int argc, char **argv);
int tl_command_traces(int argc, char **argv);

/* Writes "talus: ..." and a line end to standard error; returns TL_TOOL_USAGE. */
int tl_tool_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Reads a whole number of 1 to `max`; false when the text is none. */
bool tl_tool_count(const char *text, unsigned max, unsigned *count);

/* Finds a file of talus beside this executable: in the build tree or in the tree it was installed
 * to. Returns false and says so on standard error when it is not there. */
bool tl_tool_locate(const char *file, char path[TL_TOOL_PATH_MAX]);

/* --- allocators ------------------------------------------------------------------------------- */

/* An allocator: a library to put in front by LD_PRELOAD, or libc's own (no library). */
struct tl_peer {
    char name[32];
    char library[TL_TOOL_PATH_MAX]; /* "" for libc */
    char environment[256];          /* VAR=VALUE,VAR=VALUE; "" for none */
    char patient[64]; /* VAR=VALUE that puts off what the allocator does by the clock; or "" */
};

struct tl_peer_list {
    struct tl_peer peers[TL_PEERS_MAX];
    size_t         count;
};

/* What the options of a command ask for. */
struct tl_peer_choice {
    const char *names;               /* --allocators: with commas; NULL: all that are known */
    const char *extra[TL_PEERS_MAX]; /* --peer: NAME=PATH[,VAR=VALUE...] */
    size_t      extra_count;
};

/* Takes the option if it is --allocators or --peer, and there is room; else returns false. */
bool tl_peers_option(struct tl_peer_choice *choice, const char *name, const char *value);

/* Fills the list. A known one that is not installed is named on standard error with its Debian
 * package and left out. Returns false after a message when a name is unknown, a path is not there,
 * or nothing is left. */
bool tl_peers_find(struct tl_peer_list *list, const struct tl_peer_choice *choice);
/* The index of the one with this name; `count` when there is none. */
size_t tl_peers_index(const struct tl_peer_list *list, const char *name);

/* --- child processes -------------------------------------------------------------------------- */

/* In a child, before exec: puts the peer's malloc in front of the program to come. */
void tl_peer_enter(const struct tl_peer *peer);

/* Runs a program on a peer (NULL: as it is), collects up to `size` - 1 bytes of its standard
 * output as text. Returns NULL when it ended with status 0 in time, else what went wrong, as text
 * that lives until the next call. */
const char *tl_process_run(char *const *argv, const struct tl_peer *peer, unsigned seconds_max,
                           char *output, size_t size);

/* Whether `object`, where a program under the peer found malloc, is the peer's own library. */
bool tl_peer_is_object(const struct tl_peer *peer, const char *object);

/* --- arithmetic ------------------------------------------------------------------------------- */

double tl_median(const double *values, size_t count);                 /* 0 for none */
double tl_quantile(const double *values, size_t count, double share); /* interpolated; 0 for none */

/* --- JSON ------------------------------------------------------------------------------------- */

/* Writes JSON as it is told; keys are NULL inside arrays. */
struct tl_json {
    FILE    *file;
    unsigned depth;
    bool     first; /* nothing in this object or array yet */
};

void tl_json_begin(struct tl_json *json, FILE *file); /* opens the outermost object */
bool tl_json_end(struct tl_json *json);               /* closes it; false: writing failed */
void tl_json_open(struct tl_json *json, const char *key, char bracket); /* '{' or '[' */
void tl_json_close(struct tl_json *json, char bracket);                 /* '}' or ']' */
void tl_json_text(struct tl_json *json, const char *key, const char *text);
void tl_json_number(struct tl_json *json, const char *key, double number);
void tl_json_whole(struct tl_json *json, const char *key, uint64_t number);
void tl_json_flag(struct tl_json *json, const char *key, bool flag);
void tl_json_machine(struct tl_json *json); /* "machine": CPUs, model, kernel, huge page policy */
void tl_json_list(struct tl_json *json, const char *key, const double *numbers, size_t count);

/* Writes `what` to the file ("-": standard output) by `write`. Returns TL_TOOL_OK, or TL_TOOL_USAGE
 * after a message. */
int tl_json_save(const char *path, bool (*write)(const void *what, FILE *to), const void *what);

#endif
