/* port.h: what talus asks of a kernel that it becomes the heap of, and how that kernel starts it
 * (libtalus-kernel.a). docs/porting.md walks through it.
 *
 * 1 Purpose   The kernel's author defines the functions named talus_port_...; those with a
 *             "Default" may be left out. Besides, the kernel brings memcpy and memset, which
 *             compilers call in any freestanding program. Nothing else is asked for: no
 *             thread-local storage, no interrupt control, no other library.
 * 2 CPUs      Caches are per CPU. A thread that is in the heap is pinned for a bounded number of
 *             instructions, with interrupts on: the heap holds no instruction that masks them.
 *             Interrupt handlers take from a reserve, and call nothing else of the heap.
 * 3 Contexts  thread: may block. atomic: a thread that must not. pinned: between pin and unpin.
 *             locked: between lock_enter and lock_leave, so pinned too.
 *             Each function says where it is called from, what holds before ("Pre") and what must
 *             hold after ("Post"). No function may call the heap, any heap, unless it says so. None
 *             may sleep unless it says so.
 * 4 Sizes     In bytes, addresses as the CPU uses them. A page is TALUS_PAGE_SIZE of
 *             <talus/heap.h>, a power of two that need not be the hardware's.
 * 5 Small     libtalus-kernel-small.a is the same library for one CPU and a few KiB (R52). Who
 *             links it defines TALUS_SMALL, which changes the page, the alignment and the number of
 *             CPUs. */
#ifndef TALUS_PORT_H
#define TALUS_PORT_H

#include <talus/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the kernel defines these ---- */

/* Writes one line that says what is broken. Pre: nothing holds; the heap may be damaged, and any
 * CPU may be anywhere in it. Post: never returns. Default: none, the one function that every kernel
 * defines. Context: any. */
#ifdef __cplusplus
[[noreturn]] void talus_port_panic(const char *line);
#else
_Noreturn void talus_port_panic(const char *line);
#endif

/* Keeps the calling thread on its CPU and other threads off it, until the matching unpin; calls
 * nest. Interrupts stay as they are, and a timer that fires meanwhile puts the switch off until
 * unpin; or pin masks them, and the last unpin restores what was.
 * Pre: a thread, not a handler. Post: returns the CPU's number, from 0, below TALUS_CPUS_MAX; the
 * same at each pin until the last unpin. Where nothing ever preempts a thread: the CPU's number and
 * nothing else. Default: 0, for one CPU without preemption.
 * Context: thread, atomic, pinned, locked. */
unsigned talus_port_pin(void);

/* Ends a pin. Pre: pinned by this thread. Post: all registers and memory as before; the last unpin
 * is where a switch that was put off happens, unless the thread was atomic before it was pinned.
 * Default: nothing. Context: pinned, locked. */
void talus_port_unpin(void);

/* The number of the CPU that the caller runs on, as talus_port_pin returns it. It only spreads
 * callers: out of date at once, it is still right. Post: nothing changed; it takes no lock.
 * Default: 0. Context: any, handlers and NMIs included. */
unsigned talus_port_cpu(void);

/* Around each of the heap's locks, waiting for it included; calls nest as locks do, two deep at
 * most, and the last one in is the first one out. Pre: thread or atomic, pinned or not. Post, until
 * the matching leave: as pinned. A kernel whose code holds, when it calls the heap, a lock that
 * handlers take too, also keeps those handlers away here (saves and masks interrupts; leave
 * restores): docs/porting.md, "What may be held". Default: talus_port_pin and talus_port_unpin.
 * Context: thread, atomic, pinned, locked. */
void talus_port_lock_enter(void);
void talus_port_lock_leave(void);

/* `bytes`, a multiple of TALUS_PAGE_SIZE and not 0, of memory for the heap. Pre: one call for each
 * heap at a time, but several heaps may call at once. Post: returns a block that is readable and
 * writable, contiguous, aligned to TALUS_PAGE_SIZE, and nobody else's; its contents do not matter.
 * NULL: there is none; less may be asked for next. It may sleep, and call talus_heap_shrink, but
 * nothing else of the heap. Default: NULL, for a heap that
 * has what it was given and no more. Context: thread, where talus_port_may_block says true. R10. */
void *talus_port_map(size_t bytes);

/* Takes back what talus_port_map returned, whole. Pre: no block in it is in use. Post: the heap
 * does not touch it again. It may sleep. Default: nothing, for the default talus_port_map.
 * Context: thread. R16. */
void talus_port_unmap(void *block, size_t bytes);

/* A grace period, where the kernel has readers without locks (RCU) of memory that others free:
 * called before a block of pages goes back, to this port or to another provider. Post: whoever
 * read, before the call, what had been freed by then, is through. It may sleep. Default: nothing.
 * Context: thread. */
void talus_port_synchronize(void);

/* Whether the caller may sleep, and so call talus_port_map and its kind: false while it holds a
 * spinning lock, or may not be preempted. Post: nothing changed. Default: true.
 * Context: thread, atomic. */
bool talus_port_may_block(void);

/* Lets another thread run, if there is one; called in a loop by a thread that waits for another's
 * talus_port_map to return. It may sleep for a moment. Default: the CPU's hint for a loop that
 * waits; so where threads do not preempt each other, and talus_port_map switches threads, it must
 * be defined. Context: thread, where talus_port_may_block says true. */
void talus_port_yield(void);

/* One turn of a loop that waits until another CPU lets go of a lock. Where CPUs may be stopped, as
 * in a virtual machine, it may tell so. Default: the CPU's hint for a loop that waits.
 * Context: locked. */
void talus_port_relax(void);

/* Milliseconds that only grow, for decay; a resolution of 10 ms will do. Default: always 0, and
 * nothing decays. Context: any but handlers. */
uint64_t talus_port_now_ms(void);

/* Writes `length` characters to where the kernel's messages go: lines that tell of misuse, and of a
 * limit that was reached. Pre: `text` ends with a newline, not with '\0'. Default: drops them.
 * Context: any, a handler's misuse included, and under locks of the kernel's; but none of the
 * heap's. */
void talus_port_write(const char *text, size_t length);

/* ---- starting ---- */

typedef struct talus_kernel_options {
    void  *block; /* the first block; its data lies inside and it is never given back. R11, R12 */
    size_t bytes; /* of it */
    /* for so many CPUs the block has room for the heap's data; 0: 1; at most TALUS_CPUS_MAX. Those
     * with higher numbers take it out of the heap's pages when they first allocate, so it need not
     * be known yet how many there are */
    unsigned cpus;
    /* bytes of the address range that holds this block and all later ones; it takes 4 bytes of the
     * first block for each page. 0: the block alone. Rounded up to a power of two; blocks may lie
     * anywhere, but two whose addresses are alike in all bits below the window's size cannot both
     * be used; and on 64 bits the heap's structures, which take pages of later blocks of the
     * default heap, must lie within 16 GiB of the first block: memory further away is for other
     * heaps. The last page of the address space stays unused */
    size_t             window;
    talus_heap_options heap;          /* of the default heap; provider NULL: the port's functions */
    bool               misuse_panics; /* a double free and the like, else one line. R45 */
} talus_kernel_options;

/* The most CPUs that the library was built for. */
#ifndef TALUS_CPUS_MAX
#ifdef TALUS_SMALL
#define TALUS_CPUS_MAX 1u
#else
#define TALUS_CPUS_MAX 32u
#endif
#endif

/* Makes `block` the default heap, whose calls (talus.h) work from then on. Once, before any other
 * call, by one CPU; CPU numbers and pinning need not work yet but for returning 0, one cache then
 * serves: from the moment that pins return other numbers each has its own. Where the first CPU's
 * number turns out to be another than 0, and no CPU has that, talus_kernel_cpu_gone(0) leaves the
 * first cache to the others. False: the block
 * is too small for the heap's data (some 24 KiB and 10 KiB for each CPU on 64 bits, with
 * TALUS_SMALL half a KiB, and the window's table), or cpus is too large, or, with TALUS_SMALL, a
 * provider is given. Context: thread. Cost: writes the table and the heap's data. R11, R12. */
TALUS_API bool talus_kernel_start(const talus_kernel_options *options);

/* CPU `cpu` is gone and runs nothing: other CPUs take over what its caches hold. It may come back.
 * Context: thread. Cost: a lock for each heap. R30. */
TALUS_API void talus_kernel_cpu_gone(unsigned cpu);

#ifdef __cplusplus
}
#endif

#endif
