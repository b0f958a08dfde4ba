/* real.h: real programs as workloads of talus-bench-load.
 * 1 Purpose     A run starts an installed program with the allocator in front, gives it work that
 *               is made here (no downloads), and prints the program's time, memory and page faults.
 * 2 Measuring   The program is a child: time from its start to its end (of a server: of the load
 *               upon it), CPU time, peak and page faults as wait4 has them when it has ended.
 * 3 Preloading  What stands in LD_PRELOAD is handed on, with libtalus-real-probe.so behind it,
 *               which says where the program's malloc comes from. With nothing in it, libc itself
 *               is put there: a program may be linked to an allocator of its own (Debian's
 *               redis-server is, to jemalloc), and libc's malloc is what was asked for.
 * 4 Contexts    thread */
#ifndef TALUS_TOOLS_REAL_H
#define TALUS_TOOLS_REAL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/* One run, constant while it lasts. */
struct tl_real_run {
    uint64_t seed;
    double   scale; /* multiplies the work, and with it the memory of most programs */
    uint64_t settle_ms;
};

struct tl_real_figures {
    uint64_t ns;
    uint64_t ops;         /* units of work; the workload's text says which */
    uint64_t settled_kib; /* 0: the program ends with its work */
};

/* --- programs.c ------------------------------------------------------------------------------- */

bool tl_real_is(const char *name); /* a workload of this file's */
void tl_real_list(void);           /* as talus-bench-load --list has it */
void tl_real_programs(void);       /* name and executed program of each that is installed */
/* Runs the workload and prints its line; ends the process with a message if it fails. */
void tl_real_run(const char *name, const struct tl_real_run *run);

/* --- child.c ---------------------------------------------------------------------------------- */

/* The program of that name, in the folders of TALUS_REAL_PATH, else in those of the system, not
 * through PATH: what stands there may be a script that starts something else. False: not installed.
 */
bool tl_real_find(const char *program, char path[PATH_MAX]);
/* A file of ours: beside this program, in the folder `real`. */
void tl_real_script(const char *name, char path[PATH_MAX]);

/* An open file without a name. */
int tl_real_temporary(void);

/* Starts a program with `input` as its standard input (-1: none); `output` likewise. `measured`:
 * with the allocator in front; else with nothing preloaded. It is killed when this process ends. */
pid_t tl_real_start(char *const *argv, int input, int output, bool measured);
/* Waits for its end, `how` for messages; any status but `wanted` ends this process. */
void tl_real_wait(pid_t child, const char *how, int wanted);
/* Both, for helpers that are not measured. */
void tl_real_help(char *const *argv, int input, int output);

/* Of the measured child that has ended: what it used, and where its malloc came from. */
const struct rusage *tl_real_usage(void);
const char          *tl_real_malloc_object(void);

/* Ends this process with a message. */
_Noreturn void tl_real_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- redis.c ---------------------------------------------------------------------------------- */

void tl_real_redis(const struct tl_real_run *run, struct tl_real_figures *figures);

#endif
