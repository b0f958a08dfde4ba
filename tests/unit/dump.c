/* dump.c: the dump for a panic handler: what it says; with every lock held; over damaged
 * structures;
 * in the midst of a load (R40). With "damage" as argument only that: for the build whose
 * dump follows pointers wherever they lead. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/time.h>

#include "core/heap.h"
#include "core/pagemap.h"
#include "core/reserve.h"
#include "core/thread.h"
#include "lib/rng.h"
#include "lib/test.h"

#include <talus/inspect.h>

void tl_fork_prepare(void); /* takes every lock there is */
void tl_fork_parent(void);

enum { SMALL = 100, SMALL_BYTES = 48, LINES_MAX = 4000 };

static struct text {
    char   at[1 << 19];
    size_t length;
    size_t lines;
} text;

static void keep(void *context, const char *line, size_t length)
{
    struct text *kept = context;
    assert_in_range(length, 2, 400);
    assert_true(memchr(line, '\n', length) == line + length - 1);
    assert_true(line[0] == ' ' || strncmp(line, "heap 0x", 7) == 0);
    assert_true(++kept->lines < LINES_MAX);
    if (kept->length + length < sizeof kept->at) {
        memcpy(kept->at + kept->length, line, length);
        kept->length += length;
        kept->at[kept->length] = '\0';
    }
}

static const char *dump(talus_heap *heap)
{
    text.length = text.lines = 0;
    text.at[0] = '\0';
    talus_heap_dump(heap, keep, &text);
    return text.at;
}

/* A heap with something of everything in it. */
static talus_heap    *heap;
static talus_reserve *reserve;
static void          *small[SMALL], *large;

static int open_heap(void **state)
{
    (void)state;
    heap = talus_heap_create(&(talus_heap_options){ .name = "seen", .limit = 64 * MIB });
    reserve =
        talus_reserve_create(heap, 200, 0, 10, 2, &(talus_reserve_policy){ .name = "spare" }, NULL);
    for (size_t i = 0; i < SMALL; i++)
        small[i] = talus_heap_alloc(heap, SMALL_BYTES, 0, NULL);
    large = talus_heap_alloc(heap, MIB, 0, NULL);
    return heap != NULL && reserve != NULL && large != NULL ? 0 : -1;
}

static int close_heap(void **state)
{
    (void)state;
    return talus_heap_destroy(heap) ? 0 : -1;
}

/* The number behind `before`, of the first line that holds it. */
static size_t number_behind(const char *in, const char *before)
{
    const char *found = strstr(in, before);
    assert_non_null(found);
    return (size_t)strtoull(found + strlen(before), NULL, 0);
}

static void says_what_is_there(void **state)
{
    (void)state;
    talus_heap_stats_t stats;
    size_t             pages = 0;
    void              *taken = talus_reserve_take(reserve);
    talus_heap_stats(heap, &stats);
    const char *said = dump(heap);
    assert_int_equal(number_behind(said, "heap "), (uintptr_t)heap);
    assert_int_equal(number_behind(said, "'seen': bytes: "), stats.mapped);
    assert_int_equal(number_behind(said, "limit "), 64 * MIB);
    assert_int_equal(number_behind(said, "pages: ") * TALUS_PAGE_SIZE, stats.free_pages);
    assert_non_null(strstr(said, "locked: heap 0, pool 0"));
    assert_non_null(strstr(said, "  cache 0, "));
    assert_non_null(strstr(said, "'spare': 10 blocks, 10 given, 1 taken, 0 misses"));
    for (const char *line = strstr(said, "region"); line != NULL; line = strstr(line + 1, "region"))
        pages += number_behind(line, ": ");
    assert_int_equal(pages * TALUS_PAGE_SIZE, stats.mapped);
    assert_true(number_behind(strstr(said, "  blocks of 48: "), "spans, ") >= SMALL);
    assert_int_equal(number_behind(said, "  large: "), 1);
    assert_int_equal(number_behind(strstr(said, "  large: "), "runs, "), MIB / TALUS_PAGE_SIZE);
    assert_int_equal(number_behind(strstr(said, "  free: "), "runs, ") * TALUS_PAGE_SIZE,
                     stats.free_pages);
    assert_null(strstr(said, "not "));
    assert_int_equal(text.length, strlen(said));
    talus_reserve_put(reserve, taken);
}

static void says_it_of_every_heap(void **state)
{
    (void)state;
    talus_free(talus_malloc(1));
    talus_heap *other = talus_heap_create(&(talus_heap_options){ .name = "other" });
    const char *said = dump(NULL);
    assert_non_null(strstr(said, "'seen'"));
    assert_non_null(strstr(said, "'other'"));
    assert_int_equal(number_behind(said, "heap "), (uintptr_t)talus_heap_default());
    assert_null(strstr(dump(other), "'seen'"));
    assert_null(strstr(dump(talus_heap_default()), "'seen'"));
    assert_true(talus_heap_destroy(other));
}

static void needs_no_lock(void **state)
{
    (void)state;
    tl_fork_prepare();
    const char *said = dump(heap);
    tl_fork_parent();
    assert_non_null(strstr(said, "locked: heap 1, pool 1"));
    assert_non_null(strstr(said, "  large: 1 runs, "));
}

/* ---- damage ---- */

/* Sets one word, dumps everything, and puts the word back. */
static const char *dump_with(void *field, uintptr_t value)
{
    uintptr_t *word = field, before = *word;
    *word = value;
    const char *said = dump(NULL);
    *word = before;
    return said;
}

static struct tl_heap *inside(void)
{
    return tl_heap_of(heap);
}

static void lists_may_be_circles(void **state)
{
    (void)state;
    struct tl_region *region = inside()->pool.regions;
    struct tl_cache  *cache = inside()->caches;
    struct {
        void *link, *entry;
    } circles[] = { { &region->next, region },
                    { &cache->next, cache },
                    { &inside()->reserves->next, inside()->reserves },
                    { &inside()->next, inside() } };
    for (size_t i = 0; i < COUNT_OF(circles); i++)
        assert_non_null(
            strstr(dump_with(circles[i].link, (uintptr_t)circles[i].entry), "not read: 0x"));
}

/* Lists hang off lists, and each may be a circle: one bound is for all of them. */
static void circles_may_be_many(void **state)
{
    (void)state;
    enum { HEAPS = 12, ENTRIES_MAX = 1024 };
    talus_heap *heaps[HEAPS];
    for (size_t i = 0; i < HEAPS; i++) {
        heaps[i] = talus_heap_create(&(talus_heap_options){ .initial = TALUS_PAGE_SIZE });
        assert_non_null(heaps[i]);
        struct tl_region *region = tl_heap_of(heaps[i])->pool.regions;
        region->next = region;
    }
    const char *said = dump(NULL);
    size_t      regions = 0;
    while ((said = strstr(said, "  region ")) != NULL) {
        said++;
        regions++;
    }
    for (size_t i = 0; i < HEAPS; i++) {
        tl_heap_of(heaps[i])->pool.regions->next = NULL;
        assert_true(talus_heap_destroy(heaps[i]));
    }
    assert_in_range(regions, 256, ENTRIES_MAX);
}

/* Addresses where nothing is, where something else is, and inside of structures. */
static uintptr_t wild(struct rng *rng)
{
    static uint64_t variable[64];
    switch (rng_below(rng, 8)) {
    case 0:
        return rng_next(rng) & UINTPTR_MAX;
    case 1:
        return 8 + 64 * rng_below(rng, 64);
    case 2:
        return (uintptr_t)&variable[rng_below(rng, 64)];
    case 3:
        return (uintptr_t)small[rng_below(rng, SMALL)] & ~(uintptr_t)63;
    case 4:
        return UINTPTR_MAX - 64 * rng_below(rng, 3) + 1;
    case 5:
        return (uintptr_t)tl_page_base + rng_below(rng, 1 << 20);
    case 6:
        return (uintptr_t)inside() + 64 * rng_below(rng, 64);
    default:
        return ((uintptr_t)large + 64 * rng_below(rng, 1 << 20)) & ~(uintptr_t)63;
    }
}

static char *entries_around(const void *block)
{
    return (char *)(((uintptr_t)tl_page_entry((uintptr_t)block) & ~(uintptr_t)63) - 64);
}

/* Any word of any structure; but not a name, whose neighbour vouches for it. */
static void any_word_may_be_wild(void **state)
{
    (void)state;
    struct rng rng = rng_seeded(1);
    struct {
        char  *start;
        size_t bytes;
    } structures[] = {
        { (char *)inside(), sizeof(struct tl_heap) },
        { (char *)inside()->caches, sizeof(struct tl_cache) },
        { (char *)inside()->reserves, sizeof(struct tl_reserve) },
        { (char *)inside()->pool.regions, sizeof(struct tl_region) },
        { (char *)tl_page_span((uintptr_t)large), sizeof(struct tl_span) },
        { (char *)tl_page_span((uintptr_t)small[0]), sizeof(struct tl_span) },
        { entries_around(large), 192 },
        { entries_around(small[0]), 192 },
    };
    const char *names[] = { (char *)&inside()->pool.name,
                            (char *)&inside()->reserves->policy.name };
    for (unsigned round = 0; round < TEST_ROUNDS(2000); round++) {
        size_t which = rng_below(&rng, COUNT_OF(structures));
        /* most of a cache is lists that nobody reads here */
        size_t words = structures[which].bytes / sizeof(uintptr_t);
        char  *word = structures[which].start + rng_below(&rng, words) * sizeof(uintptr_t);
        if (word != names[0] && word != names[1])
            dump_with(word, wild(&rng));
    }
    says_what_is_there(NULL);
}

static void a_handle_may_be_wild(void **state)
{
    (void)state;
    struct rng rng = rng_seeded(1);
    for (unsigned round = 0; round < 1000; round++)
        dump((talus_heap *)(wild(&rng) | 1));
    assert_non_null(strstr(dump((talus_heap *)small[0]), "not read: 0x"));
}

/* ---- in the midst of a load ---- */

/* ThreadSanitizer lets no signal into a thread that waits for a lock, perhaps of a stopped one. */
enum { THREADS = 3, STOPPED = TL_TSAN ? 1 : 3 };

static tl_atomic_u32 ends, dumps, locked, stopped, round_number;

/* Of a dump in the midst: nothing is kept. */
static void look(void *context, const char *line, size_t length)
{
    size_t *lines = context;
    if (length < 2 || line[length - 1] != '\n' || ++*lines > LINES_MAX)
        abort();
    /* "  pages: ... locked: heap 1, pool 0\n" */
    if (strncmp(line, "  pages", 7) == 0 && (line[length - 10] == '1' || line[length - 2] == '1'))
        tl_add32_relaxed(&locked, 1);
}

static void dump_here(void)
{
    size_t lines = 0;
    talus_heap_dump(NULL, look, &lines);
    tl_add32_relaxed(&dumps, 1);
}

/* As the CPUs that a panic stops. */
static void on_stop(int signal)
{
    (void)signal;
    uint32_t here = tl_load32_acquire(&round_number);
    tl_add32_acq_rel(&stopped, 1);
    while (tl_load32_acquire(&round_number) == here)
        sched_yield();
}

static void *load(void *number)
{
    void      *held[200] = { NULL };
    struct rng rng = rng_seeded((uintptr_t)number + 1);
    while (tl_load32_relaxed(&ends) == 0) {
        void **one = &held[rng_below(&rng, COUNT_OF(held))];
        talus_heap_free(heap, *one);
        *one = talus_heap_alloc(heap, rng_size(&rng, 200000), 0, NULL);
        if (rng_below(&rng, 64) == 0)
            talus_heap_destroy(
                talus_heap_create(&(talus_heap_options){ .name = "short", .initial = MIB }));
        sched_yield(); /* where ThreadSanitizer lets signals in */
    }
    for (size_t i = 0; i < COUNT_OF(held); i++)
        talus_heap_free(heap, held[i]);
    return NULL;
}

static void handle(int signal, void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
    assert_int_equal(sigaction(signal, &action, NULL), 0);
}

static void start_load(pthread_t *threads, size_t count)
{
    tl_store32_relaxed(&ends, 0);
    tl_store32_relaxed(&dumps, 0);
    for (uintptr_t i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load, (void *)i), 0);
}

static void end_load(const pthread_t *threads, size_t count)
{
    tl_store32_relaxed(&ends, 1);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

/* Wherever the timer cut its thread; others run on. */
static void on_timer(int signal)
{
    (void)signal;
    dump_here();
}

static void in_handlers_while_others_run(void **state)
{
    (void)state;
    pthread_t        threads[THREADS];
    const uint32_t   wanted = TEST_ROUNDS(3000);
    struct itimerval off = { 0 }, often = { { 0, 100 }, { 0, 100 } };
    handle(SIGALRM, on_timer);
    start_load(threads, THREADS);
    setitimer(ITIMER_REAL, &often, NULL);
    while (tl_load32_relaxed(&dumps) < wanted || tl_load32_relaxed(&locked) == 0)
        for (size_t i = 0; i < THREADS; i++)
            pthread_kill(threads[i], SIGALRM);
    setitimer(ITIMER_REAL, &off, NULL);
    end_load(threads, THREADS);
    printf("dump: %u in the midst of the load, %u saw a lock held\n", tl_load32_relaxed(&dumps),
           tl_load32_relaxed(&locked));
}

static void while_others_are_stopped(void **state)
{
    (void)state;
    pthread_t threads[STOPPED];
    handle(SIGUSR1, on_stop);
    start_load(threads, STOPPED);
    for (unsigned round = 0; round < TEST_ROUNDS(2000); round++) {
        tl_store32_relaxed(&stopped, 0);
        for (size_t i = 0; i < STOPPED; i++)
            pthread_kill(threads[i], SIGUSR1);
        while (tl_load32_acquire(&stopped) != STOPPED)
            sched_yield();
        dump_here();
        tl_add32_acq_rel(&round_number, 1);
    }
    end_load(threads, STOPPED);
    assert_true(tl_load32_relaxed(&dumps) == TEST_ROUNDS(2000));
}

#define heap_test(test) cmocka_unit_test_setup_teardown(test, open_heap, close_heap)

int main(int count, char **arguments)
{
    const struct CMUnitTest damage[] = {
        heap_test(lists_may_be_circles),
        heap_test(circles_may_be_many),
        heap_test(any_word_may_be_wild),
        heap_test(a_handle_may_be_wild),
    };
    const struct CMUnitTest tests[] = {
        heap_test(says_what_is_there),
        heap_test(says_it_of_every_heap),
        heap_test(needs_no_lock),
        heap_test(in_handlers_while_others_run),
        heap_test(while_others_are_stopped),
    };
    if (count > 1 && strcmp(arguments[1], "damage") == 0)
        return cmocka_run_group_tests(damage, NULL, NULL);
    return cmocka_run_group_tests(damage, NULL, NULL) + cmocka_run_group_tests(tests, NULL, NULL);
}
