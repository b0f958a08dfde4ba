/* heap_shared.c: a heap over memory that two processes share (R19): one of them allocates and
 * frees, the other one, which has no heap there, uses the blocks; wherever the memory lies in it.
 * */
#include <talus/heap.h>

#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/pattern.h"
#include "lib/test.h"

enum { BYTES = 8 << 20, MESSAGES = 300 };

/* A block: offsets from the start of the memory, since addresses may differ. */
struct message {
    size_t next; /* 0: none */
    size_t bytes;
    char   text[];
};

/* The first block: what the two tell each other. */
struct board {
    atomic_size_t first; /* messages for the other process */
    atomic_bool   answered;
    atomic_bool   wrong;
};

static unsigned char *map_shared(int file)
{
    unsigned char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

    assert_true((void *)memory != MAP_FAILED);
    return memory;
}

/* In the other process: reads each message, and answers in its place. */
static void answer(unsigned char *memory, size_t board_at)
{
    struct board *board = (struct board *)(memory + board_at);
    size_t        at;

    alarm(20); /* should the parent fail */
    while ((at = atomic_load(&board->first)) == 0)
        usleep(1000);
    while (at != 0) {
        struct message *message = (struct message *)(memory + at);

        if (!pattern_holds(message->text, message->bytes, at))
            atomic_store(&board->wrong, true);
        pattern_fill(message->text, message->bytes, at + 1);
        at = message->next;
    }
    atomic_store(&board->answered, true);
}

/* `elsewhere`: the other process maps the memory anew, at another address. */
static void talk(bool elsewhere)
{
    FILE              *file = tmpfile();
    unsigned char     *memory;
    talus_fixed_region region = { .bytes = BYTES };
    talus_provider     provider;
    talus_heap        *heap;
    talus_heap_stats_t stats;
    struct board      *board;
    struct message    *messages[MESSAGES];
    size_t             first = 0;
    int                status;
    pid_t              child;

    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), BYTES), 0);
    memory = map_shared(fileno(file));
    region.start = memory;
    provider = talus_provider_fixed(&region);
    heap = talus_heap_create(&(talus_heap_options){ .name = "shared", .provider = &provider });
    assert_non_null(heap);
    board = talus_heap_zalloc(heap, sizeof *board, 0, NULL);
    assert_non_null(board);
    child = fork();
    if (child == 0) {
        if (elsewhere) { /* both mappings stay, so the second lies elsewhere */
            unsigned char *twin = map_shared(fileno(file));

            answer(twin, (size_t)((unsigned char *)board - memory));
            _exit(twin == memory);
        }
        answer(memory, (size_t)((unsigned char *)board - memory));
        _exit(0);
    }
    assert_true(child > 0);
    for (size_t i = 0; i < MESSAGES; i++) { /* after the fork: the child knows of none of them */
        size_t bytes = 1 + i * 37 % 2000;

        messages[i] = talus_heap_alloc(heap, sizeof *messages[i] + bytes, 0, NULL);
        assert_non_null(messages[i]);
        messages[i]->next = first;
        messages[i]->bytes = bytes;
        first = (size_t)((unsigned char *)messages[i] - memory);
        assert_true(first < BYTES);
        pattern_fill(messages[i]->text, bytes, first);
    }
    atomic_store(&board->first, first);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(atomic_load(&board->answered));
    assert_false(atomic_load(&board->wrong));
    for (size_t i = 0; i < MESSAGES; i++) {
        size_t at = (size_t)((unsigned char *)messages[i] - memory);

        assert_true(pattern_holds(messages[i]->text, messages[i]->bytes, at + 1));
        talus_heap_free(heap, messages[i]);
    }
    talus_heap_free(heap, board);
    talus_heap_trim(heap);
    talus_heap_stats(heap, &stats);
    assert_int_equal(stats.allocated, 0);
    assert_int_equal(stats.free_pages, stats.mapped);
    assert_true(talus_heap_destroy(heap));
    munmap(memory, BYTES);
    fclose(file);
}

/* R19: at the same address, as after a fork. */
static void a_child_uses_the_blocks(void **state)
{
    (void)state;
    talk(false);
}

/* R19: at another address, by offsets: the heap's own data lies outside, and is not needed. */
static void a_process_that_mapped_it_elsewhere_uses_the_blocks(void **state)
{
    (void)state;
    talk(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_uses_the_blocks),
        cmocka_unit_test(a_process_that_mapped_it_elsewhere_uses_the_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
