/* purge_thread.c: with TALUS_OPTIONS=purge_thread=1 memory goes back while the program is silent
 * (R16). Each scene is a process of its own, since the option is read once; it never calls the heap
 * while it waits, or what comes by would do the work. Most of them wait: they run at once. */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <talus/heap.h>

#include "lib/process.h"
#include "lib/test.h"

#define LOAD_BYTES (64 * MIB)
#define KEPT_MAX   (8 * MIB) /* of the load, once it went back */
#define THREAD     "talus-purge"

enum { WENT_BACK = 0, BROKEN = 2, STAYED = 3 };

/* Until what goes back has; and how long what stays is watched, six times the decay time. */
enum { BACK_MS = 40000, WATCHED_MS = 3000 };

static char *self;
static bool  has_thread;

static void sleep_ms(long ms)
{
    const struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

    nanosleep(&pause, NULL);
}

/* Under a sanitizer resident bytes are mostly its own; then the heap's figures must do, whose
 * reading is no slow exit. */
static size_t held(talus_heap *heap)
{
    talus_heap_stats_t stats;

    if (!TEST_SANITIZED)
        return process_resident();
    talus_heap_stats(heap, &stats);
    return stats.dirty_pages;
}

struct load {
    talus_heap *heap;
    size_t      before;
};

static bool is_gone(void *context)
{
    struct load *load = context;

    return held(load->heap) <= load->before + KEPT_MAX;
}

static bool fill_and_free(talus_heap *heap)
{
    static void *blocks[LOAD_BYTES / MIB];

    for (size_t i = 0; i < COUNT_OF(blocks); i++) {
        blocks[i] = talus_heap_alloc(heap, MIB, 0, NULL);
        if (blocks[i] == NULL)
            return false;
        memset(blocks[i], 1, MIB);
    }
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        talus_heap_free(heap, blocks[i]);
    return true;
}

static bool comes_to_pass(bool (*done)(void *context), void *context)
{
    return process_wait_until(done, context, has_thread ? BACK_MS : WATCHED_MS);
}

static int load_and_be_silent(talus_heap *heap)
{
    struct load load = { heap, held(heap) };

    if (!fill_and_free(heap) || is_gone(&load))
        return BROKEN;
    return comes_to_pass(is_gone, &load) ? WENT_BACK : STAYED;
}

static int default_heap(void)
{
    return load_and_be_silent(talus_heap_default());
}

static int own_heap(void)
{
    talus_heap_options options = { .name = "own", .decay_ms = 100 };
    talus_heap        *heap = talus_heap_create(&options);
    int                result = load_and_be_silent(heap);

    return talus_heap_destroy(heap) ? result : BROKEN;
}

static void *use_and_leave(void *unused)
{
    static void *blocks[2000];

    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        blocks[i] = talus_malloc(16 * (i % 64 + 1));
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        talus_free(blocks[i]);
    return unused;
}

static size_t allocated(void)
{
    talus_heap_stats_t stats;

    talus_heap_stats(talus_heap_default(), &stats);
    return stats.allocated;
}

static bool is_back_at(void *before)
{
    return allocated() <= *(size_t *)before;
}

/* What a thread leaves in its cache's lists when it ends counts as given out until it is flushed.
 * */
static int idle_cache(void)
{
    pthread_t thread;
    size_t    before = allocated();

    if (pthread_create(&thread, NULL, use_and_leave, NULL) != 0 ||
        pthread_join(thread, NULL) != 0 || is_back_at(&before))
        return BROKEN;
    return comes_to_pass(is_back_at, &before) ? WENT_BACK : STAYED;
}

static bool read_line(const char *path, const char *label, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    bool  found = false;

    while (file != NULL && !found && fgets(line, (int)size, file) != NULL)
        found = strncmp(line, label, strlen(label)) == 0;
    if (file != NULL)
        fclose(file);
    return found;
}

/* How often the purge thread went to sleep so far; -1: there is none. */
static long sleeps_of_thread(void)
{
    static const char label[] = "voluntary_ctxt_switches:";
    DIR              *tasks = opendir("/proc/self/task");
    struct dirent    *task;
    char              path[300], line[256];
    long              sleeps = -1;

    while (tasks != NULL && sleeps < 0 && (task = readdir(tasks)) != NULL) {
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        if (read_line(path, "Name:\t" THREAD "\n", line, sizeof line) &&
            read_line(path, label, line, sizeof line))
            sleeps = strtol(line + sizeof label - 1, NULL, 10);
    }
    if (tasks != NULL)
        closedir(tasks);
    return sleeps;
}

/* Nothing is left to do: the thread does not wake, however long the process idles. It has two more
 * rounds to see that, and on a busy machine those may come late. */
static int no_wakeups(void)
{
    if (default_heap() != WENT_BACK)
        return BROKEN;
    sleep_ms(1200);
    long after = sleeps_of_thread();
    for (int watch = 0; watch < 4; watch++) {
        long before = after;
        sleep_ms(1500);
        after = sleeps_of_thread();
        if (before > 0 && after == before)
            return WENT_BACK;
    }
    return STAYED;
}

/* The child has no such thread and can use every heap, also one that the thread was at work on. */
static int child_of_fork(void)
{
    talus_heap_options options = { .decay_ms = 1 };
    talus_heap        *heap = talus_heap_create(&options);
    int                status = 0;

    for (int i = 0; i < TEST_ROUNDS(10); i++) {
        if (!fill_and_free(heap) || sleeps_of_thread() < 0)
            return BROKEN;
        sleep_ms(i % 10);
        pid_t child = fork();
        if (child == 0) {
            alarm(60);
            _exit(sleeps_of_thread() < 0 && fill_and_free(heap) &&
                          fill_and_free(talus_heap_default()) && talus_heap_destroy(heap)
                      ? 0
                      : BROKEN);
        }
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
            return BROKEN;
    }
    return 0;
}

enum { SLEEPS_MIN = 20 };

static void *make_and_destroy(void *unused)
{
    uint64_t start = process_now_ms();

    for (uint64_t ms = 0; ms < 2000 || (ms < BACK_MS && sleeps_of_thread() <= SLEEPS_MIN);
         ms = process_now_ms() - start) {
        talus_heap_options options = { .decay_ms = 1 };
        talus_heap        *heap = talus_heap_create(&options);
        void              *blocks[32];

        for (size_t round = 0; round < 20; round++) {
            for (size_t i = 0; i < COUNT_OF(blocks); i++)
                blocks[i] = talus_heap_alloc(heap, 3000 * i + 1, 0, NULL);
            for (size_t i = 0; i < COUNT_OF(blocks); i++)
                talus_heap_free(heap, blocks[i]);
            sleep_ms(round % 3);
        }
        if (!talus_heap_destroy(heap))
            return self;
    }
    return unused;
}

/* Heaps come and go while the thread works on them, for so long that it did. */
static int heaps_end(void)
{
    pthread_t threads[3];
    void     *failed[COUNT_OF(threads)];
    bool      fine = true;

    for (size_t i = 0; i < COUNT_OF(threads); i++)
        if (pthread_create(&threads[i], NULL, make_and_destroy, NULL) != 0)
            return BROKEN;
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        fine = pthread_join(threads[i], &failed[i]) == 0 && failed[i] == NULL && fine;
    return fine && sleeps_of_thread() > SLEEPS_MIN ? 0 : BROKEN;
}

static void *outlive_main(void *unused)
{
    sleep_ms(1500);
    return unused;
}

/* A process without its first thread ends after its last own one, with code 0. */
static int main_leaves(void)
{
    pthread_t thread;

    prctl(PR_SET_PDEATHSIG, SIGKILL); /* where it does not end, it ends with the test's time */
    if (pthread_create(&thread, NULL, outlive_main, NULL) != 0)
        return BROKEN;
    pthread_exit(NULL);
}

static const struct scene {
    const char *name;
    int (*play)(void);
} scenes[] = {
    { "default_heap", default_heap }, { "own_heap", own_heap },  { "idle_cache", idle_cache },
    { "no_wakeups", no_wakeups },     { "fork", child_of_fork }, { "heaps_end", heaps_end },
    { "main_leaves", main_leaves },
};

/* What each is played with, and how it ends. */
enum play {
    DEFAULT_HEAP,
    OWN_HEAP,
    IDLE_CACHE,
    DEFAULT_HEAP_WITHOUT,
    IDLE_CACHE_WITHOUT,
    NO_WAKEUPS,
    FORK,
    HEAPS_END,
    MAIN_LEAVES,
    PLAYS
};
static const struct {
    const char *scene, *options;
    int         exit_code;
} plays[PLAYS] = {
    [DEFAULT_HEAP] = { "default_heap", "purge_thread=1", WENT_BACK },
    [OWN_HEAP] = { "own_heap", "purge_thread=1", WENT_BACK },
    [IDLE_CACHE] = { "idle_cache", "purge_thread=1", WENT_BACK },
    [DEFAULT_HEAP_WITHOUT] = { "default_heap", NULL, STAYED },
    [IDLE_CACHE_WITHOUT] = { "idle_cache", "purge_thread=0", STAYED },
    [NO_WAKEUPS] = { "no_wakeups", "purge_thread=1", WENT_BACK },
    [FORK] = { "fork", "purge_thread=1,decay_ms=1", 0 },
    [HEAPS_END] = { "heaps_end", "purge_thread=1", 0 },
    [MAIN_LEAVES] = { "main_leaves", "purge_thread=1", 0 },
};
static struct process running[PLAYS];

static int start_all(void **state)
{
    (void)state;
    for (enum play play = 0; play < PLAYS; play++) {
        if (play == MAIN_LEAVES && (TEST_SANITIZED || TEST_EMULATED))
            continue;
        char *argv[] = { self, (char *)(uintptr_t)plays[play].scene, NULL };
        running[play] = process_start_program(argv, plays[play].options);
    }
    return 0;
}

static void expect(enum play play)
{
    struct process_result result = process_await(running[play]);

    if (result.exit_code != plays[play].exit_code)
        print_error("%s with '%s': %s\n", plays[play].scene,
                    plays[play].options != NULL ? plays[play].options : "", result.output);
    assert_int_equal(result.signal, 0);
    assert_int_equal(result.exit_code, plays[play].exit_code);
}

static void silent_processes_give_back(void **state)
{
    (void)state;
    expect(DEFAULT_HEAP);
    expect(OWN_HEAP);
    expect(IDLE_CACHE);
}

/* What the option is for; and the proof that the test above can fail. */
static void without_the_thread_they_keep(void **state)
{
    (void)state;
    expect(DEFAULT_HEAP_WITHOUT);
    expect(IDLE_CACHE_WITHOUT);
}

static void an_idle_process_has_no_wakeups(void **state)
{
    (void)state;
    expect(NO_WAKEUPS);
}

static void a_forked_child_works_without(void **state)
{
    (void)state;
    expect(FORK);
}

static void heaps_end_under_the_thread(void **state)
{
    (void)state;
    expect(HEAPS_END);
}

static void the_process_ends_with_its_own_threads(void **state)
{
    (void)state;
    /* ThreadSanitizer and qemu-user have a thread of their own, which looks like the program's */
    if (TEST_SANITIZED || TEST_EMULATED)
        skip();
    expect(MAIN_LEAVES);
}

int main(int argc, char *argv[])
{
    const char             *options = getenv("TALUS_OPTIONS");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silent_processes_give_back),
        cmocka_unit_test(without_the_thread_they_keep),
        cmocka_unit_test(an_idle_process_has_no_wakeups),
        cmocka_unit_test(a_forked_child_works_without),
        cmocka_unit_test(heaps_end_under_the_thread),
        cmocka_unit_test(the_process_ends_with_its_own_threads),
    };

    self = argv[0];
    has_thread = options != NULL && strstr(options, "purge_thread=1") != NULL;
    for (size_t i = 0; argc == 2 && i < COUNT_OF(scenes); i++)
        if (strcmp(argv[1], scenes[i].name) == 0)
            return scenes[i].play();
    return cmocka_run_group_tests(tests, start_all, NULL);
}
