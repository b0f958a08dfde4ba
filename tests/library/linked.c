/* linked.c: a kernel that calls what most kernels do: malloc and its family, a reserve for its
 * handlers. What of the library comes along, when each function that nobody calls is left out, is
 * measured; nothing runs. */
#include <talus/port.h>
#include <talus/reserve.h>

static char block[1 << 20];

void talus_port_panic(const char *line)
{
    (void)line;
    for (;;)
        continue;
}

/* By handlers. */
void interrupt(talus_reserve *reserve, void *freed);

__attribute__((used)) void interrupt(talus_reserve *reserve, void *freed)
{
    void *taken = talus_reserve_take(reserve);
    if (taken != NULL)
        talus_reserve_put(reserve, taken);
    talus_free_from_interrupt(freed);
}

void _start(void);

void _start(void)
{
    talus_kernel_options options = { .block = block, .bytes = sizeof block };
    if (!talus_kernel_start(&options))
        talus_port_panic("no heap");
    talus_reserve *reserve =
        talus_reserve_create(talus_heap_default(), sizeof options, 0, 16, 4, NULL, NULL);
    void *aligned = talus_aligned_alloc(64, 256);
    void *zeroed = talus_calloc(3, 4);
    interrupt(reserve, talus_realloc(talus_malloc(100), 200));
    talus_reserve_refill(reserve);
    talus_free(zeroed);
    talus_free(aligned);
}
