/* walk.c: the dump of all heaps, taken again and again while everything changes.
 * 1 Hunts       A dump that follows what was reused meanwhile to where nothing is, runs in a
 *               circle, or counts what is no run any more; a record of it in two halves.
 * 2 Parts       stays: a heap with one region, which neither grows nor shrinks, with a few large
 *               blocks at its front, and no others; its small blocks come and go. Each dump must
 *               have that region, these blocks and no more, whatever else it finds. goes: heaps,
 *               reserves, regions, large blocks come and go as well; each dump must be made of
 *               whole lines of a kind that there is, and come to an end.
 * 3 Pressure    Workers 1 and 2 dump, one heap or all of them, and so at the same time; the others
 *               do the rest, and dump now and then.
 * 4 Must catch  dump_one_buffer; under ThreadSanitizer poke_plain
 * 5 Skipped     on targets without heap instances. */
#include "stress/suites/suite.h"

#include "stress/lib/error.h"
#include "stress/lib/provider.h"
#include "stress/lib/report.h"
#include "stress/lib/target.h"

#include <talus/inspect.h>
#include <talus/reserve.h>

#include <string.h>

#define STAYING       4u
#define STAYING_LEAST ((size_t)72 << 10) /* no size class is so large */
#define TABLE_BLOCKS  192u
#define SLOTS         128u
#define DUMPERS       2u
#define DUMP_ONE_IN   256u
#define SMALL_MAX     ((size_t)1024)
#define LINE_MAX      160u
#define LINES_MAX     8192u /* lists are cut off at 1024 entries; totals of some heaps */
#define RESERVE_SIZE  ((size_t)100)

static struct st_mailbox box;

static struct {
    struct st_provider provider;
    struct st_target   target;
    talus_heap        *heap;
    struct st_block    staying[STAYING];
    unsigned char     *region; /* these: constant while the team runs */
    size_t             bytes, large_max;
    size_t             large_pages; /* of all that stay */
    bool               goes;
    _Atomic size_t     dumps; /* atomic */
} walk;

/* What one dump has shown. */
struct seen {
    const char *heap_line; /* how the line of our heap begins */
    unsigned    lines;
    unsigned    heaps;   /* lines */
    bool        ours;    /* at present our heap's lines come */
    unsigned    regions; /* of our heap */
    bool        region;  /* among them the one that stays, as it is */
    unsigned    runs;    /* large ones of our heap, by the last line about them */
    unsigned    pages;   /* of these */
    char        last[LINE_MAX + 1];
};

static _Noreturn void fail_line(const struct seen *seen, const char *what)
{
    st_fail("dump", "  line %u of a dump %s: %s", seen->lines, what, seen->last);
}

/* What follows `word`, with which `line` begins; NULL: it begins otherwise. */
static const char *behind(const char *line, const char *word)
{
    while (*word != '\0' && *line == *word) {
        line++;
        word++;
    }
    return *word == '\0' ? line : NULL;
}

static bool starts(const char *line, const char *with)
{
    return behind(line, with) != NULL;
}

/* What follows `word` in the line; NULL: it is not there. */
static const char *find(const char *line, const char *word)
{
    const char *rest = NULL;

    while (*line != '\0' && rest == NULL)
        rest = behind(line++, word);
    return rest;
}

/* The number behind `word`, decimal or with 0x; *found: there is one. */
static uintptr_t number_behind(const char *line, const char *word, bool *found)
{
    const char *at = find(line, word);
    uintptr_t   n = 0;
    unsigned    base = 10, digits = 0;

    if (at == NULL) {
        *found = false;
        return 0;
    }
    if (at[0] == '0' && at[1] == 'x') {
        base = 16;
        at += 2;
    }
    for (;; at++, digits++) {
        unsigned digit = *at >= '0' && *at <= '9'   ? (unsigned)(*at - '0')
                         : *at >= 'a' && *at <= 'f' ? (unsigned)(*at - 'a') + 10
                                                    : base;
        if (digit >= base)
            break;
        n = n * base + digit;
    }
    *found = digits > 0;
    return n;
}

static void look_at_region(struct seen *seen)
{
    bool      has_start, has_pages;
    uintptr_t start = number_behind(seen->last, "region ", &has_start);
    uintptr_t pages = number_behind(seen->last, ": ", &has_pages);

    if (!has_start || !has_pages)
        fail_line(seen, "is not whole");
    if (!seen->ours)
        return;
    seen->regions++;
    if (start == (uintptr_t)walk.region && pages == walk.bytes / TALUS_PAGE_SIZE)
        seen->region = true;
}

static void look_at(struct seen *seen)
{
    static const char *const kinds[] = {
        "  pages: ",    "  cache ",       "  reserve ", "  region ",  "  blocks of",
        "  not read: ", "  not all runs", "  no: ",     "  unused: ", "  free: ",
        "  aside: ",    "  busy: ",       "  cut: ",    "  large: "
    };
    bool whole;

    if (starts(seen->last, "heap ")) {
        seen->heaps++;
        number_behind(seen->last, "growing by ", &whole);
        seen->ours = number_behind(seen->last, "heap ", &whole) == (uintptr_t)walk.heap;
        if (!whole || find(seen->last, "': bytes: ") == NULL)
            fail_line(seen, "is not whole");
        if (seen->ours && find(seen->last, " 'walk': ") == NULL)
            fail_line(seen, "has another's name");
        return;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!starts(seen->last, kinds[i]))
            continue;
        if (starts(seen->last, "  region "))
            look_at_region(seen);
        if (seen->ours && starts(seen->last, "  large: ")) {
            seen->runs = (unsigned)number_behind(seen->last, "large: ", &whole);
            seen->pages = (unsigned)number_behind(seen->last, "runs, ", &whole);
        }
        return;
    }
    fail_line(seen, "is of no kind that there is");
}

static void on_line(void *context, const char *text, size_t length)
{
    struct seen *seen = context;

    if (length == 0 || length > LINE_MAX || text[length - 1] != '\n')
        st_fail("dump", "  a line of %zu characters, or without its end", length);
    memcpy(seen->last, text, length - 1);
    seen->last[length - 1] = '\0';
    for (size_t i = 0; i + 1 < length; i++)
        if (text[i] < ' ' || text[i] > '~')
            fail_line(seen, "has characters that are none");
    if (++seen->lines > LINES_MAX)
        fail_line(seen, "comes after all that can be");
    if (seen->lines == 1 && !starts(seen->last, "heap "))
        fail_line(seen, "is the first");
    look_at(seen);
}

static void dump(struct st_worker *worker)
{
    struct seen seen = { .lines = 0 };
    bool        all = st_rng_one_in(&worker->rng, 4);

    st_count_add(&worker->counts.operations, 1);
    atomic_store_explicit(&worker->inside, true, memory_order_relaxed);
    talus_heap_dump(all ? NULL : walk.heap, on_line, &seen);
    atomic_store_explicit(&worker->inside, false, memory_order_relaxed);
    atomic_fetch_add_explicit(&walk.dumps, 1, memory_order_relaxed);
    if (all ? seen.heaps < 1 : seen.heaps != 1)
        st_fail("dump", "  a dump of %s has %u heaps", all ? "all heaps" : "one", seen.heaps);
    if (walk.goes || all) /* a list of heaps that changes may end early */
        return;
    if (seen.regions != 1 || !seen.region)
        st_fail("dump", "  the heap has one region at %p, the dump %u, %s", (void *)walk.region,
                seen.regions, seen.region ? "that one among them" : "all wrong");
    if (seen.runs != STAYING || seen.pages != walk.large_pages)
        st_fail("dump", "  the heap has %u large blocks, %zu pages; the dump %u, %u pages", STAYING,
                walk.large_pages, seen.runs, seen.pages);
}

static void small(struct st_worker *worker, struct st_block *table)
{
    for (unsigned n = 0; n < 64; n++) {
        struct st_block *block = &table[st_rng_below(&worker->rng, TABLE_BLOCKS)];
        if (block->p == NULL) {
            st_block_alloc(worker, block, st_rng_size(&worker->rng, ST_BLOCK_PASSABLE, SMALL_MAX));
        } else if (st_rng_one_in(&worker->rng, 3)) {
            void *p = st_mailbox_swap(&box, (unsigned)st_rng_next(&worker->rng), block->p);
            block->p = NULL;
            if (p != NULL)
                *block = st_block_received(p);
        } else {
            st_block_free(worker, block);
        }
    }
    if (st_rng_one_in(&worker->rng, 8)) /* so that whole spans come and go */
        for (unsigned n = 0; n < TABLE_BLOCKS; n++)
            st_block_free(worker, &table[n]);
}

static void come_and_go(struct st_worker *worker)
{
    talus_reserve_policy policy = { .name = "walked" };
    struct st_block      block;
    size_t               size = st_rng_size(&worker->rng, SMALL_MAX, walk.large_max);

    switch (st_rng_below(&worker->rng, 5)) {
    case 0: {
        talus_heap *heap = talus_heap_create(&(talus_heap_options){ .name = "walked" });
        if (heap == NULL || !talus_heap_destroy(heap))
            st_fail("setup", "  a heap cannot be made or destroyed: error %d", st_error_get());
        break;
    }
    case 1: {
        talus_reserve *reserve =
            talus_reserve_create(walk.heap, RESERVE_SIZE, 0, 4, 0, &policy, NULL);
        if (reserve != NULL && !talus_reserve_destroy(reserve))
            st_fail("setup", "  a reserve cannot be destroyed: error %d", st_error_get());
        break;
    }
    case 2:
        talus_heap_contract(walk.heap, 0);
        break;
    case 3:
        talus_heap_drain(walk.heap, walk.region, st_rng_one_in(&worker->rng, 2));
        break;
    default:
        if (!st_block_alloc(worker, &block, size))
            break;
        st_block_resize(worker, &block, st_rng_size(&worker->rng, SMALL_MAX, walk.large_max));
        st_block_free(worker, &block);
        break;
    }
}

static void body(struct st_worker *worker, void *shared)
{
    struct st_block *table = st_team_table(worker);

    (void)shared;
    worker->target = &walk.target;
    while (st_team_runs(worker)) {
        if (worker->index < DUMPERS || st_rng_one_in(&worker->rng, DUMP_ONE_IN))
            dump(worker);
        if (worker->index < DUMPERS)
            continue;
        small(worker, table);
        if (walk.goes)
            come_and_go(worker);
    }
    for (unsigned n = 0; n < TABLE_BLOCKS; n++)
        st_block_free(worker, &table[n]);
}

static void begin(const struct st_run *run)
{
    const talus_provider *system = st_provider_system();
    talus_heap_options    wanted = { .name = "walk",
                                     .provider = &walk.provider.calls,
                                     .limit = TALUS_PAGE_SIZE }; /* it does not grow */
    struct st_worker     *worker;

    st_provider_start(&walk.provider, run->seed, 0);
    walk.heap = talus_heap_create(&wanted);
    if (walk.heap == NULL)
        st_fail("setup", "  talus_heap_create: error %d", st_error_get());
    walk.target = st_target_heap;
    walk.target.context = walk.heap;
    walk.bytes = run->memory / 2 / TALUS_PAGE_SIZE * TALUS_PAGE_SIZE;
    walk.large_max = walk.bytes / 4 / run->threads;
    walk.region = system->map(system->context, walk.bytes);
    if (walk.region == NULL || !talus_heap_expand(walk.heap, walk.region, walk.bytes))
        st_fail("setup", "  no region of %zu bytes", walk.bytes);
    worker = st_worker_enter(ST_WORKER_MAIN, &walk.target, run->seed);
    walk.large_pages = 0;
    for (unsigned n = 0; n < STAYING; n++) {
        size_t bytes = STAYING_LEAST + n * TALUS_PAGE_SIZE;
        if (!st_block_alloc(worker, &walk.staying[n], bytes))
            st_fail("setup", "  no memory for what is to stay");
        walk.large_pages += bytes / TALUS_PAGE_SIZE;
    }
    st_worker_leave(worker);
}

static void end(const struct st_run *run)
{
    const talus_provider *system = st_provider_system();
    struct st_worker     *worker = st_worker_enter(ST_WORKER_MAIN, &walk.target, run->seed);

    for (unsigned n = 0; n < STAYING; n++)
        st_block_free(worker, &walk.staying[n]);
    st_worker_leave(worker);
    st_host_flush();
    if (!talus_heap_destroy(walk.heap))
        st_fail("destroy", "  talus_heap_destroy: error %d", st_error_get());
    st_provider_check_empty(&walk.provider);
    system->unmap(system->context, walk.region, walk.bytes);
}

static void run_suite(const struct st_run *run)
{
    unsigned       threads = run->threads <= DUMPERS ? DUMPERS + 1 : run->threads;
    struct st_team stays = { .run = run, .part = "stays", .body = body, .may_fail = true };
    struct st_team goes = { .run = run, .part = "goes", .body = body, .may_fail = true };

    atomic_store_explicit(&walk.dumps, 0, memory_order_relaxed);
    box.slots = SLOTS;
    begin(run);
    walk.goes = false;
    st_team_run(&stays, threads, run->amount / 2);
    walk.goes = true;
    talus_heap_set_limit(walk.heap, 0);
    st_team_run(&goes, threads, run->amount / 2);
    st_mailbox_empty(&(struct st_run){ .target = &walk.target, .seed = run->seed }, &box);
    end(run);
    st_say("  %zu dumps", atomic_load_explicit(&walk.dumps, memory_order_relaxed));
}

ST_SUITE(walk) = {
    .name = "walk",
    .hunts = "dumps of the heaps while all that they show comes and goes",
    .needs_instances = true,
    .main = run_suite,
};
