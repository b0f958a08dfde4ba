/* port.h: what talus asks of a kernel that it becomes the heap of, and how that kernel starts it
 * (libtalus-kernel.a).
 *
 * 1 Purpose   The kernel's author defines the functions named talus_port_...; those marked
 *             "default" may be left out. Besides, the kernel brings memcpy and memset, which
 *             compilers call in any freestanding program. Nothing else is asked for: no
 *             thread-local storage, no interrupt control, no other library.
 * 2 CPUs      Caches are per CPU. A thread that is in the heap is pinned for a bounded number of
 *             instructions, with interrupts on. Interrupt handlers take from a reserve and never
 *             come here.
 * 3 Contexts  thread: may block. atomic: a thread that must not. pinned: between pin and unpin.
 *             Which function is called where is said beside each; none is called with a lock of the
 *             heap's held but pin and unpin.
 * 4 Sizes     In bytes, addresses as the CPU uses them. A page is TALUS_PAGE_SIZE of
 *             <talus/heap.h>, a power of two that need not be the hardware's. */
#ifndef TALUS_PORT_H
#define TALUS_PORT_H

#include <talus/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the kernel defines these ---- */

/* Writes one line that says what is broken, and never returns. Context: any. */
#ifdef __cplusplus
[[noreturn]] void talus_port_panic(const char *line);
#else
_Noreturn void talus_port_panic(const char *line);
#endif

/* Keeps the calling thread on its CPU and other threads off it, until the matching unpin; calls
 * nest. Interrupts stay as they are; a timer that fires meanwhile puts the switch off until unpin.
 * Returns the CPU's number, from 0, below the number given to talus_kernel_start. Where nothing
 * ever preempts a thread: the CPU's number and nothing else. Default: 0, for one CPU without
 * preemption.
 * Context: thread, atomic, pinned. */
unsigned talus_port_pin(void);

/* The number of the CPU that the caller runs on, as talus_port_pin returns it; it may be out of
 * date at once. Default: 0. Context: any. */
unsigned talus_port_cpu(void);

/* Ends a pin. The last one is where a switch that was put off happens. Default: nothing. */
void talus_port_unpin(void);

/* `bytes`, a multiple of TALUS_PAGE_SIZE, of memory that is readable, writable, contiguous, and
 * aligned to TALUS_PAGE_SIZE; its contents do not matter. NULL: there is none. Default: NULL, for a
 * heap that has what it was given and no more. It must not call the heap, any heap: each may be
 * waiting for it. Context: thread, not pinned. R10. */
void *talus_port_map(size_t bytes);

/* Takes back what talus_port_map returned, whole. Default: the heap keeps what it has, and does not
 * call this. Context: thread, not pinned. R16. */
void talus_port_unmap(void *block, size_t bytes);

/* Whether the caller is in a context that may block, so that talus_port_map may be called for it.
 * Default: true. Context: thread, atomic. */
bool talus_port_may_block(void);

/* Lets another thread run, if there is one; called in a loop by a thread that waits for another's
 * talus_port_map to return. Default: the CPU's hint for a loop that waits. Context: thread, not
 * pinned. */
void talus_port_yield(void);

/* One turn of a loop that waits until another CPU lets go of a lock. Where CPUs may be stopped, as
 * in a virtual machine, it may tell so. Default: the CPU's hint for a loop that waits. Context:
 * pinned. */
void talus_port_relax(void);

/* Milliseconds that only grow, for decay. Default: always 0, and nothing decays. Context: any. */
uint64_t talus_port_now_ms(void);

/* Writes `length` characters to where the kernel's messages go: lines that tell of misuse, and of a
 * limit that was reached. Default: drops them. Context: any. */
void talus_port_write(const char *text, size_t length);

/* ---- starting ---- */

typedef struct talus_kernel_options {
    void    *block; /* the first block; its data lies inside and it is never given back. R11, R12 */
    size_t   bytes; /* of it */
    unsigned cpus;  /* CPU numbers are below this; 0: 1; at most TALUS_CPUS_MAX */
    /* bytes of the address range that holds this block and all later ones; it takes 4 bytes of the
     * first block for each page. 0: the block alone. Rounded up to a power of two; blocks may lie
     * anywhere, but two whose addresses are alike in all bits below the window's size cannot both
     * be used; and on 64 bits the heap's structures, which take pages of later blocks, must lie
     * within 16 GiB of the first block */
    size_t             window;
    talus_heap_options heap;          /* of the default heap; provider NULL: the port's functions */
    bool               misuse_panics; /* a double free and the like, else one line. R45 */
} talus_kernel_options;

/* The most CPUs that the library was built for. */
#ifndef TALUS_CPUS_MAX
#define TALUS_CPUS_MAX 32u
#endif

/* Makes `block` the default heap, whose calls (talus.h) work from then on. Once, before any other
 * call, by one CPU; CPU numbers and pinning need not work yet but for returning 0. False: the block
 * is too small for the heap's data (some 24 KiB and 10 KiB for each CPU on 64 bits, and the
 * window's table), or cpus is too large. Context: thread. Cost: writes the table and the heap's
 * data. R11, R12. */
bool talus_kernel_start(const talus_kernel_options *options);

/* CPU `cpu` is gone and runs nothing: other CPUs take over what its caches hold. It may come back.
 * Context: thread. Cost: a lock for each heap. R30. */
void talus_kernel_cpu_gone(unsigned cpu);

#ifdef __cplusplus
}
#endif

#endif
