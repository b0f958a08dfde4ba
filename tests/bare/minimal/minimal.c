/* minimal.c: the smallest port there is: one CPU, nothing that preempts, no source of pages. One
 * static region becomes the heap. In your kernel, its own calls stand in place of machine_... */
#include <talus/port.h>
#include <talus/talus.h>

#include "arch/port/bare/machine.h"

/* ---- the port ---- */

static void say(const char *text)
{
    while (*text != '\0')
        machine_putc(*text++);
}

/* The one function that every kernel defines. */
void talus_port_panic(const char *line)
{
    say(line);
    say("\n");
    machine_exit(2);
}

/* Where lines about misuse go; without it nobody reads them. */
void talus_port_write(const char *text, size_t length)
{
    while (length-- > 0)
        machine_putc(*text++);
}

static char region[256 * 1024]; /* in .bss; it need not be aligned, nor cleared */

static void start_heap(void)
{
    if (!talus_kernel_start(&(talus_kernel_options){ .block = region, .bytes = sizeof region }))
        talus_port_panic("the region is too small for a heap");
}

/* ---- a kernel that uses it ---- */

struct node {
    struct node *next;
    unsigned     number;
};

void bare_main(void)
{
    struct node *list = NULL;
    unsigned     sum = 0;
    start_heap();
    for (unsigned i = 0; i < 1000; i++) {
        struct node *node = talus_malloc(sizeof *node);
        if (node == NULL)
            talus_port_panic("no memory");
        *node = (struct node){ .next = list, .number = i };
        list = node;
    }
    while (list != NULL) {
        struct node *next = list->next;
        sum += list->number;
        talus_free(list);
        list = next;
    }
    say(sum == 499500 ? "minimal: 1000 blocks came and went\n" : "minimal: a block was lost\n");
    machine_exit(sum == 499500 ? 0 : 1);
}

void bare_timer_interrupt(uintptr_t pc)
{
    (void)pc;
}

void bare_exception(const struct machine_exception *exception)
{
    talus_port_panic(exception->name);
}
