/* self_test.c: a scripted heap that does one thing wrong at a time. Each case runs in a child
 * process and must end in a report of its own kind; the cases that do nothing wrong must end in
 * none. */
#include "stress/hosted/host.h"
#include "stress/hosted/judge.h"
#include "stress/hosted/options.h"
#include "stress/hosted/preempt.h"
#include "stress/hosted/report.h"
#include "stress/hosted/stuck.h"
#include "stress/hosted/supervise.h"
#include "stress/lib/block.h"
#include "stress/lib/run.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

extern const struct st_suite st_suite_fastpath;

#define LOOK_MS      100u
#define SPIN_SECONDS 1.0 /* some looks */
#define ARENA_BYTES  ((size_t)1 << 21)

static _Alignas(4096) unsigned char arena[ARENA_BYTES];
static void  *script[4]; /* what the next requests return */
static size_t scripted;

static void *scripted_alloc(void *context, size_t size)
{
    (void)context;
    (void)size;
    return script[scripted++];
}

static void *scripted_resize(void *context, void *block, size_t size)
{
    (void)block;
    return scripted_alloc(context, size);
}

static void *scripted_aligned(void *context, size_t align, size_t size)
{
    (void)align;
    return scripted_alloc(context, size);
}

static void scripted_release(void *context, void *block)
{
    (void)context;
    (void)block;
}

static size_t scripted_usable(void *context, void *block)
{
    (void)context;
    (void)block;
    return 15;
}

static size_t scripted_allocated(void *context)
{
    (void)context;
    return 48;
}

static struct st_target scripted_target = {
    .name = "scripted",
    .alloc = scripted_alloc,
    .zalloc = scripted_alloc,
    .resize = scripted_resize,
    .aligned = scripted_aligned,
    .release = scripted_release,
    .allocated = scripted_allocated,
};

static struct st_worker *enter(uint64_t seed)
{
    return st_worker_enter(1, &scripted_target, seed);
}

/* Two blocks at these offsets. */
static void two(uint64_t seed, size_t at, size_t size, size_t other_at, size_t other_size)
{
    struct st_block a, b;
    script[0] = arena + at;
    script[1] = arena + other_at;
    st_block_alloc(enter(seed), &a, size);
    st_block_alloc(st_worker_enter(2, &scripted_target, seed), &b, other_size);
}

static int neighbours(uint64_t seed)
{
    struct st_worker *worker = enter(seed);
    for (size_t size = 1; size < 300000; size += 1 + size / 7) {
        struct st_block a, b, c;
        size_t          room = (size + 15) & ~(size_t)15;
        script[0] = arena;
        script[1] = arena + room;
        script[2] = arena + 2 * room;
        script[3] = arena + room;
        scripted = 0;
        memset(arena, 0, 3 * room);
        st_block_alloc(worker, &a, size);
        st_block_zalloc(worker, &b, size);
        st_block_aligned(worker, &c, 16, size);
        st_block_free(worker, &b);
        st_block_alloc(worker, &b, size);
        st_block_free(worker, &a);
        st_block_free(worker, &b);
        st_block_free(worker, &c);
    }
    return ST_PASSED;
}

/* Blocks of 8 bytes, as some mallocs make them: two in one granule. */
static int halves(uint64_t seed)
{
    two(seed, 0, 8, 8, 8);
    return ST_PASSED;
}

static int same_twice(uint64_t seed)
{
    two(seed, 64, 64, 64, 64);
    return ST_PASSED;
}

static int last_bytes(uint64_t seed)
{
    two(seed, 0, 49, 48, 16);
    return ST_PASSED;
}

static int within_large(uint64_t seed)
{
    two(seed, 16, (size_t)1 << 20, 500016, 1024);
    return ST_PASSED;
}

static int around_small(uint64_t seed)
{
    two(seed, 500016, 1024, 16, (size_t)1 << 20);
    return ST_PASSED;
}

static int end_of_large(uint64_t seed)
{
    two(seed, 16, ((size_t)1 << 20) + 1, ((size_t)1 << 20) + 16, 16);
    return ST_PASSED;
}

static int still_owned_after_realloc(uint64_t seed)
{
    struct st_worker *worker = enter(seed);
    struct st_block   a, b;
    script[0] = arena;
    script[1] = arena + 64;
    script[2] = arena + 64; /* where b is */
    st_block_alloc(worker, &a, 64);
    st_block_alloc(worker, &b, 64);
    st_block_resize(worker, &a, 64);
    return ST_PASSED;
}

/* By two who were handed the same pointer. */
static int given_back_twice(uint64_t seed)
{
    struct st_worker *worker = enter(seed);
    struct st_block   a, again;
    script[0] = arena;
    st_block_alloc(worker, &a, 64);
    again = a;
    st_block_free(worker, &a);
    st_block_free(worker, &again);
    return ST_PASSED;
}

/* Writes one byte into a block behind the suite's back. */
static void overwritten(uint64_t seed, size_t size, size_t at)
{
    struct st_worker *worker = enter(seed);
    struct st_block   a;
    script[0] = arena;
    st_block_alloc(worker, &a, size);
    arena[at] ^= 0x40;
    st_block_free(worker, &a);
}

static int first_byte(uint64_t seed)
{
    overwritten(seed, 4000, 0);
    return ST_PASSED;
}

static int middle_byte(uint64_t seed)
{
    overwritten(seed, 4000, 512);
    return ST_PASSED;
}

static int last_byte(uint64_t seed)
{
    overwritten(seed, 4001, 4000);
    return ST_PASSED;
}

static int tiny_byte(uint64_t seed)
{
    overwritten(seed, 5, 4);
    return ST_PASSED;
}

static int received_header(uint64_t seed)
{
    struct st_block a;
    script[0] = arena;
    st_block_alloc(enter(seed), &a, 64);
    arena[1] ^= 1;
    st_block_received(arena);
    return ST_PASSED;
}

static int not_zero(uint64_t seed)
{
    struct st_block a;
    script[0] = arena;
    arena[77] = 1;
    st_block_zalloc(enter(seed), &a, 100);
    return ST_PASSED;
}

static int contents_left_behind(uint64_t seed)
{
    struct st_worker *worker = enter(seed);
    struct st_block   a;
    script[0] = arena;
    script[1] = arena + 4096;
    st_block_alloc(worker, &a, 64);
    st_block_resize(worker, &a, 128);
    return ST_PASSED;
}

static int misaligned(uint64_t seed)
{
    struct st_block a;
    script[0] = arena + 16;
    st_block_aligned(enter(seed), &a, 64, 64);
    return ST_PASSED;
}

static int too_small(uint64_t seed)
{
    struct st_worker *worker = enter(seed);
    scripted_target.usable = scripted_usable;
    for (unsigned n = 0; n < 10000; n++) {
        struct st_block a;
        script[0] = arena;
        scripted = 0;
        st_block_alloc(worker, &a, 16);
        st_block_free(worker, &a);
    }
    return ST_PASSED;
}

static int refused(uint64_t seed)
{
    struct st_block a;
    script[0] = NULL;
    st_block_alloc(enter(seed), &a, 64); /* errno stays 0: a NULL that does not say why */
    return ST_PASSED;
}

static int lost(uint64_t seed)
{
    (void)seed;
    st_check_lost(&scripted_target, 0);
    return ST_PASSED;
}

static int crash(uint64_t seed)
{
    enter(seed);
    abort();
}

static int waits_for_ever(uint64_t seed)
{
    (void)seed;
    st_stuck_begin(LOOK_MS);
    for (unsigned looks = 0; looks < 10; looks++)
        pause();
    return ST_PASSED;
}

static int waits_for_child(uint64_t seed)
{
    double end = st_now() + SPIN_SECONDS;

    (void)seed;
    st_stuck_begin(LOOK_MS);
    st_stuck_excuse(true);
    while (st_now() < end)
        usleep(100000);
    return ST_PASSED;
}

static void spin_until(double end)
{
    while (st_now() < end)
        continue;
}

/* Beside an ordinary process on the same CPU, it gets next to nothing of it. */
static int waits_for_cpu(uint64_t seed)
{
    double    end = st_now() + SPIN_SECONDS;
    cpu_set_t one;

    (void)seed;
    CPU_ZERO(&one);
    CPU_SET((unsigned)sched_getcpu(), &one);
    sched_setaffinity(0, sizeof(one), &one);
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        spin_until(end);
        _exit(0);
    }
    sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 });
    st_stuck_begin(LOOK_MS);
    spin_until(end);
    st_stuck_excuse(true); /* a sanitizer's search for leaks sleeps as the process ends */
    return ST_PASSED;
}

static int run_target(uint64_t seed, struct st_target *target)
{
    st_options.threads = 8;
    st_options.target_name = target->name;
    st_run_here(&st_suite_fastpath, target, seed, 0.5);
    return ST_PASSED;
}

static int toy(uint64_t seed)
{
    return run_target(seed, st_target_find("toy"));
}

/* No real-time threads, and so none of the places: a sanitizer's malloc waits by spinning, and they
 * would keep the CPU from whom they wait for. */
static int system_malloc(uint64_t seed)
{
    st_options.preempt.modes = ST_PREEMPT_YIELD | ST_PREEMPT_SIGNAL;
    st_preempt_setup(&st_options.preempt);
    return run_target(seed, st_target_find("system"));
}

int st_self_test(uint64_t seed)
{
    static const struct {
        const char *name;
        int (*attempt)(uint64_t seed);
        const char *kind; /* NULL: must pass */
    } cases[] = {
        { "neighbours of every size", neighbours, NULL },
        { "two blocks in one granule", halves, NULL },
        { "the same block twice", same_twice, "overlap" },
        { "the last byte of a block", last_bytes, "overlap" },
        { "a block inside of a large one", within_large, "overlap" },
        { "a large block around another", around_small, "overlap" },
        { "the last byte of a large block", end_of_large, "overlap" },
        { "realloc into a neighbour", still_owned_after_realloc, "overlap" },
        { "a block given back twice", given_back_twice, "overlap" },
        { "first byte overwritten", first_byte, "corrupt" },
        { "a middle byte overwritten", middle_byte, "corrupt" },
        { "last byte overwritten", last_byte, "corrupt" },
        { "a byte of a tiny block overwritten", tiny_byte, "corrupt" },
        { "a handed-over block overwritten", received_header, "corrupt" },
        { "a zeroed block that is not zero", not_zero, "corrupt" },
        { "realloc that forgets the contents", contents_left_behind, "corrupt" },
        { "a misaligned block", misaligned, "misaligned" },
        { "a usable size below the request", too_small, "usable size" },
        { "NULL without ENOMEM", refused, "errno" },
        { "blocks that never came back", lost, "lost" },
        { "a crash", crash, "crash" },
        { "a process that waits for ever", waits_for_ever, "stuck" },
        { "one that waits for its child", waits_for_child, NULL },
        { "one that has to wait for a CPU", waits_for_cpu, NULL },
        { "the process's malloc under load", system_malloc, NULL },
    };
    int result = ST_PASSED;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool right = st_judge_once(cases[i].attempt, seed, cases[i].kind);
        st_say("self-test: %-36s %s: %s", cases[i].name, right ? "ok" : "WRONG",
               cases[i].kind != NULL ? cases[i].kind : "nothing to report");
        if (!right)
            result = ST_FAILURE;
    }
    st_say("self-test: an allocator with a lost update must be caught within 30 s:");
    return st_expect_caught(30, seed, toy) == ST_PASSED ? result : ST_FAILURE;
}
