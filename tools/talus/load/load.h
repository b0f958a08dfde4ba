/* load.h: what every workload of talus-bench-load shares.
 * 1 Purpose     Blocks are taken and given back under the names of libc (malloc, free, ...) and
 *               used as a program would use them, so that any allocator can be put in front by
 *               LD_PRELOAD.
 * 2 Touching    A fresh block gets a mark in its first 8 bytes and a byte at its end; a block above
 *               one page gets one byte in every page besides. Before it is freed its mark is read
 *               and compared: a wrong one ends the run with status 4.
 * 3 Own memory  The harness takes its arrays from mmap, never from malloc, so that the figures hold
 *               the allocator's work alone.
 * 4 Contexts    thread */
#ifndef TALUS_TOOLS_LOAD_H
#define TALUS_TOOLS_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define TL_LOAD_PAGE        4096u /* bytes between two touches of a large block */
#define TL_SIZES_COUNT      4096u /* entries of a size table, a power of two */
#define TL_LOAD_THREADS_MAX 64u

/* One run: constant while it lasts. */
struct tl_load {
    uint64_t seed;
    double   scale; /* multiplies the number of operations, not the size of the working sets */
    uint32_t n;     /* the workload's own parameters, from its row in the table (workloads.c) */
    uint32_t threads;
    uint32_t peers; /* the other side of an asymmetric workload: number of consumers */
    uint32_t size_min, size_max;
    bool     few_large; /* four times the size is half as likely; else as likely */
    uint64_t ops;       /* operations at scale 1 */
};

struct tl_latency;

/* What a workload hands back. All but ns and ops may stay 0. */
struct tl_load_result {
    uint64_t ns;           /* wall time of the timed part */
    uint64_t ops;          /* allocations made in it */
    uint64_t cpu_apart_ns; /* CPU time of what does not count: rests, calls with a clock around */
    const struct tl_latency *malloc_latency, *free_latency; /* latency.h; NULL: not taken */
    uint32_t rounds, shared_rounds; /* sharing.c: in how many did threads share a line */
};

struct tl_workload {
    const char *name;
    const char *group; /* "one" or "many": threads that allocate or free at once */
    bool        usual; /* part of the bench unless --only says otherwise */
    void (*run)(const struct tl_load *load, struct tl_load_result *result);
    struct tl_load parameters;
    const char    *about;
};

extern const struct tl_workload tl_workloads[];
extern const size_t             tl_workloads_count;

void tl_run_pair(const struct tl_load *load, struct tl_load_result *result);
void tl_run_batch(const struct tl_load *load, struct tl_load_result *result);
void tl_run_replace(const struct tl_load *load, struct tl_load_result *result);
void tl_run_burst(const struct tl_load *load, struct tl_load_result *result);
void tl_run_calloc(const struct tl_load *load, struct tl_load_result *result);
void tl_run_aligned(const struct tl_load *load, struct tl_load_result *result);
void tl_run_grow(const struct tl_load *load, struct tl_load_result *result);
void tl_run_grow_apart(const struct tl_load *load, struct tl_load_result *result);
void tl_run_lifetimes(const struct tl_load *load, struct tl_load_result *result);
void tl_run_phases(const struct tl_load *load, struct tl_load_result *result);
void tl_run_tenants(const struct tl_load *load, struct tl_load_result *result);
void tl_run_flow(const struct tl_load *load, struct tl_load_result *result);
void tl_run_flow_pairs(const struct tl_load *load, struct tl_load_result *result);
void tl_run_circle(const struct tl_load *load, struct tl_load_result *result);
void tl_run_sharing(const struct tl_load *load, struct tl_load_result *result);
void tl_run_trees(const struct tl_load *load, struct tl_load_result *result);
void tl_run_owners(const struct tl_load *load, struct tl_load_result *result);
void tl_run_handover(const struct tl_load *load, struct tl_load_result *result);
void tl_run_server(const struct tl_load *load, struct tl_load_result *result);
void tl_run_apart(const struct tl_load *load, struct tl_load_result *result);
void tl_run_spawn(const struct tl_load *load, struct tl_load_result *result);
void tl_run_spawn_busy(const struct tl_load *load, struct tl_load_result *result);

/* Ends the process with a line on standard error: status 3 out of memory, 4 a block lost its
 * content, 5 the harness failed. */
_Noreturn void tl_load_die(int status, const char *what);

uint64_t tl_load_now(void);     /* ns, CLOCK_MONOTONIC */
uint64_t tl_load_cpu_now(void); /* ns of CPU time, all threads */
/* The number behind `key` in a file of /proc, in KiB; 0 when it is not there. Allocates nothing. */
uint64_t    tl_load_proc_kib(const char *path, const char *key);
const char *tl_load_malloc_object(void); /* path of the object that malloc comes from */
void       *tl_load_map(size_t bytes);
void        tl_load_unmap(void *memory, size_t bytes);

/* Rests. Each 10 ms it allocates and frees 64 blocks, as a service at rest would, unless it is
 * `silent`; and looks at the resident size (rss.h). */
void tl_load_idle(uint64_t ms, bool silent);

/* Fills a table of TL_SIZES_COUNT sizes between size_min and size_max: log-uniform (each doubling
 * is as likely as the next), or with few large ones. */
void tl_load_sizes(uint32_t *sizes, const struct tl_load *load);

/* Runs `main_function(argument i)` on `count` threads that start together; returns ns from the
 * start to the last one's end. */
uint64_t tl_load_threads(unsigned count, void *(*main_function)(void *), void *arguments,
                         size_t argument_bytes);
void     tl_load_start_line(void); /* each of those threads calls it once, when it is ready */

static inline uint64_t tl_load_ops(const struct tl_load *load)
{
    uint64_t ops = (uint64_t)((double)load->ops * load->scale);
    return ops != 0 ? ops : 1;
}

/* A generator cheap enough to vanish beside malloc: one multiplication, its upper half. */
struct tl_rng {
    uint64_t state;
};

static inline uint32_t tl_rng_next(struct tl_rng *rng)
{
    rng->state = rng->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(rng->state >> 32);
}

static inline uint32_t tl_rng_below(struct tl_rng *rng, uint32_t bound)
{
    return (uint32_t)(((uint64_t)tl_rng_next(rng) * bound) >> 32);
}

static inline uint64_t tl_load_mark(const void *block)
{
    return (uint64_t)(uintptr_t)block ^ UINT64_C(0x7a1c5aa55ac1a7e3);
}

/* Uses a fresh block of at least 8 bytes. */
static inline void tl_load_touch(void *block, size_t size)
{
    char *bytes = block;
    for (size_t at = TL_LOAD_PAGE; at < size; at += TL_LOAD_PAGE)
        bytes[at] = 1;
    bytes[size - 1] = 1;
    *(uint64_t *)block = tl_load_mark(block);
}

static inline void *tl_load_take(size_t size)
{
    void *block = malloc(size);
    if (__builtin_expect(block == NULL, 0))
        tl_load_die(3, "malloc returned NULL");
    tl_load_touch(block, size);
    return block;
}

static inline void tl_load_check(const void *block)
{
    if (__builtin_expect(*(const uint64_t *)block != tl_load_mark(block), 0))
        tl_load_die(4, "a block lost its content");
}

static inline void tl_load_give(void *block)
{
    tl_load_check(block);
    free(block);
}

#endif
