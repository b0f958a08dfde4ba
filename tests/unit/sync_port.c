/* sync_port.c: arch/port.h on this system. R10: memory as promised, errno kept, threads and forks
 * noticed. */
#include "sync_stubs.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/port.h"

static size_t page;

static void *map(size_t bytes, size_t align)
{
    void *p = tl_port_map(bytes, align);
    assert_non_null(p);
    return p;
}

static bool filled_with(const unsigned char *p, size_t bytes, unsigned char value)
{
    return p[0] == value && memcmp(p, p + 1, bytes - 1) == 0;
}

static void mapping_is_aligned_zero_and_writable(void **state)
{
    (void)state;
    for (size_t align = 1; align <= 64 * MIB; align *= 4) {
        /* odd sizes in between move the next mapping off by luck aligned addresses */
        unsigned char *odd = map(3 * page, 1);
        unsigned char *p = map(5 * page + 1, align);

        assert_true(is_aligned(p, align > page ? align : page));
        assert_true(is_zero(p, 6 * page));
        memset(p, 0xa5, 6 * page);
        tl_port_unmap(p, 6 * page);
        tl_port_unmap(odd, 3 * page);
    }
}

/* Whether the kernel may read there: it refuses where the program would die. */
static bool is_mapped(const void *p)
{
    int  ends[2];
    bool mapped;

    assert_int_equal(pipe(ends), 0);
    mapped = write(ends[1], p, 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return mapped;
}

static void unmapped_memory_is_gone(void **state)
{
    unsigned char *p = map(64 * MIB, 32 * MIB);

    (void)state;
    assert_true(is_mapped(p));
    assert_true(is_mapped(p + 64 * MIB - 1));
    tl_port_unmap(p + 32 * MIB, 32 * MIB); /* a part of it */
    assert_true(is_mapped(p + 32 * MIB - 1));
    assert_false(is_mapped(p + 32 * MIB));
    tl_port_unmap(p, 32 * MIB);
    assert_false(is_mapped(p));
}

/* Over-mapping gives both ends back: the address space in use grows by what was asked for, and no
 * more. */
static size_t address_space_in_use(void)
{
    char  text[64] = "";
    FILE *file = fopen("/proc/self/statm", "r");

    assert_non_null(file);
    assert_non_null(fgets(text, sizeof(text), file));
    fclose(file);
    return strtoul(text, NULL, 10) * page;
}

static void aligned_mapping_takes_no_more_than_asked(void **state)
{
    enum { MAPPINGS = 8 };
    /* all of them, with what is mapped meanwhile, fit the address space */
    size_t         align = sizeof(void *) == 8 ? 256 * MIB : 32 * MIB;
    unsigned char *p[MAPPINGS];
    size_t         before = address_space_in_use();

    (void)state;
    if (TEST_EMULATED) /* the figure is the emulator's, which maps tables and code of its own */
        skip();
    for (int i = 0; i < MAPPINGS; i++)
        p[i] = map((size_t)(i + 1) * page, align);
    assert_in_range(address_space_in_use() - before, 36 * page, 36 * page + 4 * MIB);
    for (int i = 0; i < MAPPINGS; i++)
        tl_port_unmap(p[i], (size_t)(i + 1) * page);
}

static void too_much_is_refused(void **state)
{
    unsigned char *p = map(page, page);

    (void)state;
    errno = 77;
    assert_null(tl_port_map(opaque_size(SIZE_MAX), page));
    assert_null(tl_port_map(opaque_size(SIZE_MAX / 16 * 15), 1 * MIB));
    assert_null(tl_port_reserve(opaque_size(SIZE_MAX)));
    p[0] = 1; /* still there */
    tl_port_unmap(p, page);
    assert_int_equal(errno, 77);
}

static void reserve_reads_zero_and_commits_in_parts(void **state)
{
    size_t         bytes = (size_t)1 << (sizeof(void *) == 8 ? 36 : 24);
    unsigned char *p = tl_port_reserve(bytes);
    unsigned char *part;

    (void)state;
    assert_non_null(p);
    assert_int_equal(p[0], 0);
    assert_int_equal(p[bytes - 1], 0);
    part = p + bytes / 2 + 10;
    assert_true(tl_port_commit(part, page)); /* reaches into a second page */
    memset(part - 10, 1, 2 * page);
    assert_true(tl_port_commit(part, page)); /* again: keeps what was written */
    assert_true(filled_with(part - 10, 2 * page, 1));
    assert_int_equal(part[2 * page], 0);
    tl_port_unmap(p, bytes);
}

static void uncommitted_memory_cannot_be_written(void **state)
{
    unsigned char *p = tl_port_reserve(4 * page);
    int            ends[2];

    (void)state;
    assert_non_null(p);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "xy", 2), 2);
    assert_int_equal(read(ends[0], p, 1), -1); /* the kernel refuses where the program would die */
    assert_int_equal(errno, EFAULT);
    assert_true(tl_port_commit(p, 1));
    assert_int_equal(read(ends[0], p, 1), 1);
    assert_int_equal(p[0], 'x');
    close(ends[0]);
    close(ends[1]);
    tl_port_unmap(p, 4 * page);
}

static void purge_says_what_is_zero(void **state)
{
    unsigned char *p = map(8 * page, page);

    (void)state;
    memset(p, 7, 8 * page);
    assert_true(tl_port_purge(p + page, 2 * page));
    assert_true(filled_with(p, page, 7));
    assert_true(is_zero(p + page, 2 * page));
    assert_true(filled_with(p + 3 * page, 5 * page, 7));
    assert_false(
        tl_port_purge(p + 4 * page + 1, 2 * page)); /* one whole page; the edges keep theirs */
    assert_true(filled_with(p + 4 * page, page, 7));
    assert_true(is_zero(p + 5 * page, page));
    assert_true(filled_with(p + 6 * page, 2 * page, 7));
    assert_false(tl_port_purge(p + 7 * page + 8, 16)); /* no whole page */
    assert_true(filled_with(p + 7 * page, page, 7));
    tl_port_unmap(p, 8 * page);
}

static void address_space_limit_is_read(void **state)
{
    int   status = -1;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit limit = { 123 * MIB, RLIM_INFINITY };
        if (getrlimit(RLIMIT_AS, &limit) != 0)
            _exit(1);
        if (limit.rlim_cur == RLIM_INFINITY && tl_port_address_space() != SIZE_MAX)
            _exit(2);
        limit.rlim_cur = 123 * MIB;
        if (setrlimit(RLIMIT_AS, &limit) != 0 || getrlimit(RLIMIT_AS, &limit) != 0)
            _exit(3);
        if (limit.rlim_cur != 123 * MIB)
            _exit(77); /* an emulator that takes the call and forgets it */
        _exit(tl_port_address_space() == 123 * MIB ? 0 : 4);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void page_size_and_clock_are_plausible(void **state)
{
    uint64_t before = tl_port_now_ms();

    (void)state;
    assert_int_equal(page, (size_t)sysconf(_SC_PAGESIZE));
    usleep(30000);
    assert_in_range(tl_port_now_ms() - before, 15, 10000);
}

static int rounds_wanted; /* the ending thread alone */

static void ask_for_another_round(void)
{
    if (--rounds_wanted > 0)
        tl_port_at_thread_exit();
}

static void *register_twice(void *unused)
{
    tl_port_at_thread_exit();
    tl_port_at_thread_exit();
    return unused;
}

static void end_of_a_thread_is_told_once_per_request(void **state)
{
    pthread_t thread;

    (void)state;
    for (int rounds = 1; rounds <= 3; rounds++) {
        tl_store_relaxed(&sync_thread_exits, 0);
        rounds_wanted = rounds;
        sync_at_thread_exit = ask_for_another_round;
        assert_int_equal(pthread_create(&thread, NULL, register_twice, NULL), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(tl_load_relaxed(&sync_thread_exits), rounds);
    }
    sync_at_thread_exit = NULL;
}

static void fork_is_told_on_both_sides(void **state)
{
    int   status = -1;
    pid_t child;

    (void)state;
    tl_port_fork_handlers();
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(tl_load_relaxed(&sync_fork_prepares) == 1 &&
                      tl_load_relaxed(&sync_fork_children) == 1 &&
                      tl_load_relaxed(&sync_fork_parents) == 0
                  ? 0
                  : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(tl_load_relaxed(&sync_fork_prepares), 1);
    assert_int_equal(tl_load_relaxed(&sync_fork_parents), 1);
    assert_int_equal(tl_load_relaxed(&sync_fork_children), 0);
}

static void say_at_exit(void)
{
    tl_port_write_error("exit", 4);
}

static void error_text_and_exit_reach_the_outside(void **state)
{
    char  text[32] = "";
    int   ends[2];
    int   status = -1;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        tl_port_at_process_exit(say_at_exit);
        tl_port_write_error("first,", 6);
        exit(0);
    }
    close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], text, sizeof(text) - 1), 10);
    assert_string_equal(text, "first,exit");
    close(ends[0]);
}

static uintptr_t places[SYNC_THREADS];

static void note_place(int index, void *shared)
{
    tl_atomic_word *arrived = shared;

    places[index] = tl_port_place();
    tl_add_acq_rel(arrived, 1); /* all stacks exist at once */
    while (tl_load_acquire(arrived) < SYNC_THREADS)
        ;
}

/* A hint only: but one that is the same for all, or another at each call, would be none. */
static void place_is_the_stack(void **state)
{
    tl_atomic_word arrived = TL_ATOMIC_INIT(0);

    (void)state;
    assert_int_equal(tl_port_place(), tl_port_place());
    sync_run_threads(SYNC_THREADS, note_place, &arrived);
    for (int i = 1; i < SYNC_THREADS; i++)
        assert_int_not_equal(places[i], places[0]);
}

static void options_come_from_the_environment(void **state)
{
    char buffer[64];

    (void)state;
    unsetenv("TALUS_OPTIONS");
    assert_null(tl_port_option_text(buffer, sizeof buffer));
    setenv("TALUS_OPTIONS", "limit=1", 1);
    assert_string_equal(tl_port_option_text(buffer, sizeof buffer), "limit=1");
    unsetenv("TALUS_OPTIONS");
}

static void wait_returns_at_once_when_the_word_differs(void **state)
{
    tl_atomic_u32 word = TL_ATOMIC_INIT(5);

    (void)state;
    errno = 77;
    tl_port_wait(&word, 4);
    tl_port_wake(&word, UINT32_MAX);
    assert_int_equal(errno, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mapping_is_aligned_zero_and_writable),
        cmocka_unit_test(unmapped_memory_is_gone),
        cmocka_unit_test(aligned_mapping_takes_no_more_than_asked),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(reserve_reads_zero_and_commits_in_parts),
        cmocka_unit_test(uncommitted_memory_cannot_be_written),
        cmocka_unit_test(purge_says_what_is_zero),
        cmocka_unit_test(address_space_limit_is_read),
        cmocka_unit_test(page_size_and_clock_are_plausible),
        cmocka_unit_test(end_of_a_thread_is_told_once_per_request),
        cmocka_unit_test(fork_is_told_on_both_sides),
        cmocka_unit_test(error_text_and_exit_reach_the_outside),
        cmocka_unit_test(place_is_the_stack),
        cmocka_unit_test(options_come_from_the_environment),
        cmocka_unit_test(wait_returns_at_once_when_the_word_differs),
    };

    page = tl_port_page_size();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
