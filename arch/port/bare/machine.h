/* machine.h: what a bare machine with several CPUs gives to an image, and what it calls back.
 *
 * 1 Purpose     One contract; x86/ and mips/ implement it. Nothing else in an image knows a CPU or
 *               a device.
 * 2 CPUs        Numbered from 0. CPU 0 runs bare_main; the others wait inside the machine layer
 *               until machine_start_cpus sends them somewhere.
 * 3 Interrupts  One source: each CPU's own timer. They are off at first, and while a handler runs.
 * 4 Exceptions  All of them end the image, through bare_exception: nothing here is repaired.
 * 5 Registers   General ones only, in every image: a switch of threads saves no others.
 * 6 Contexts    "thread" is code with interrupts on or off outside a handler, "any" also a
 *               handler. */
#ifndef TL_BARE_MACHINE_H
#define TL_BARE_MACHINE_H

#include "arch/atomic.h"

/* CPUs that stacks and tables are made for. */
enum { MACHINE_CPUS_MAX = 8, MACHINE_BOOT_STACK_BYTES = 16384 };

/* ---- the machine ---- */

/* Its name and word size, for people. Context: any. */
const char *machine_name(void);

/* What the emulator was told to hand over, words parted by spaces; "" if nothing. Context: any. */
const char *machine_command_line(void);

/* Writes one letter on the serial line; waits until the line takes it. Context: any; several CPUs
 * at once may mix their letters. */
void machine_putc(char letter);

/* Ends the emulator; tools/qemu then exits with `status` (0 to 31). Context: any. */
TL_EXTERN_C TL_NORETURN void machine_exit(unsigned status);

/* ---- CPUs ---- */

/* The number of the CPU that runs this. Context: any; stale as soon as the thread may move, which
 * the threads of sched.h never do. */
unsigned machine_cpu(void);

/* Lets CPUs 1 to count - 1 call `entry`, each on its boot stack with interrupts off, and waits
 * until each is there. Returns how many there are then, CPU 0 included; fewer than `count` when
 * the machine has fewer. Context: thread, CPU 0, once. */
unsigned machine_start_cpus(unsigned count, void (*entry)(void));

/* Stops this CPU for good. Context: any. */
TL_EXTERN_C TL_NORETURN void machine_park(void);

/* ---- interrupts and time; all of them for this CPU ---- */

void machine_interrupts_on(void);
void machine_interrupts_off(void);

/* Sleeps until an interrupt was served; the caller turned them on before, and there will be one
 * more timer interrupt: it may come in front of the sleep, which then lasts to the next. */
void machine_wait(void);

/* One timer interrupt in `ns` nanoseconds, up to a second from now; replaces the one that was
 * asked for before. Served later when interrupts are off, or when the time was too short to be
 * armed. Context: any. */
void machine_timer_after(uint32_t ns);

/* No timer interrupt until the next machine_timer_after. Context: any. */
void machine_timer_stop(void);

/* A clock of this CPU's own, for differences below 2^32. Under tools/qemu --icount it counts
 * instructions, of all CPUs, in a fixed ratio. Context: any. */
uint32_t machine_ticks(void);

/* When the timer interrupt that is served was due, and how late the machine came to it: in ticks.
 * Context: its handler. */
struct machine_timer_interrupt {
    uint32_t due, late;
};
struct machine_timer_interrupt machine_timer_interrupt(void);

/* Executes two instructions for each of `turns`, 1 or more, and a few besides. Context: any. */
void machine_spin(uint32_t turns);

/* ---- threads ---- */

/* Lays a first frame on a stack that ends at `top` (a multiple of 16). A switch to what this
 * returns calls `entry`, which must not return, with interrupts as they are at the switch. */
uintptr_t machine_stack_prepare(void *top, void (*entry)(void));

/* Saves the caller in *from and goes on where `to` was saved. Interrupts are off. */
void machine_switch(uintptr_t *from, uintptr_t to);

/* ---- what tests of the machine need ---- */

/* One try to add 1 to *word, relaxed, in the fewest instructions that this CPU has for it. False:
 * the word is unchanged. An interrupt whose pc lies in [begin, end) fell between its load and its
 * conditional store. Context: any. */
bool              machine_attempt(tl_atomic_word *word);
extern const char machine_attempt_begin[], machine_attempt_end[];

/* Whether a failed attempt is certain after an interrupt fell into it, as eret breaks a link that
 * LL set up; a CPU that compares values cannot tell. */
bool machine_interrupt_breaks_attempt(void);

/* Whether a load from a misaligned address is an exception in this mode of this CPU. */
bool machine_traps_misaligned(void);

enum machine_fault {
    MACHINE_MISALIGNED_LOAD,
    MACHINE_MISALIGNED_STORE,
    MACHINE_BAD_ADDRESS,
    MACHINE_BAD_INSTRUCTION
};

/* Does what the name says; returns if this CPU lets it pass. */
void machine_provoke(enum machine_fault fault);

/* Code of sections that begin with .text.watched lies in [begin, end): an image counts the
 * interrupts that fall into it. */
extern const char bare_watched_begin[], bare_watched_end[];
#define BARE_WATCHED __attribute__((noinline, section(".text.watched")))

/* ---- what the machine calls back ---- */

struct machine_exception {
    const char *name;    /* in words */
    unsigned    cause;   /* the CPU's number for it */
    uintptr_t   pc;      /* the instruction that could not be executed */
    uintptr_t   address; /* what it wanted to access, where the CPU says so, else anything */
};

/* The image begins here, on CPU 0, with interrupts off. */
TL_NORETURN void bare_main(void);

/* A timer interrupt fell in front of the instruction at `pc`. Interrupts are off; the callee may
 * switch threads and come back much later. */
void bare_timer_interrupt(uintptr_t pc);

/* This CPU met an exception. */
TL_NORETURN void bare_exception(const struct machine_exception *exception);

#endif
