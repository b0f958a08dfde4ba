/* machine.c: QEMU's Malta board for an image: a 16550 on the ISA bus, the CPUs' own timers, the
 * coherence manager that starts the others, exit by semihosting
 * (contract: machine.h; -semihosting-config enable=on,target=native). */
#include "arch/port/bare/machine.h"

#include "arch/cpu.h"
#include "arch/port/bare/mips/registers.h"

TL_STATIC_ASSERT(MACHINE_CPUS == MACHINE_CPUS_MAX, "registers.h");
TL_STATIC_ASSERT(MACHINE_BOOT_STACK == MACHINE_BOOT_STACK_BYTES, "registers.h");

/* Physical addresses, seen through the unmapped uncached segment. */
#define UNCACHED(type, address) ((type *)((intptr_t)(int32_t)0xa0000000 + (intptr_t)(address)))

enum {
    COM1 = 0x180003f8,
    GCR = 0x1fbf8000, /* global configuration registers */
    CPC = 0x1bde0000  /* cluster power controller: where we put it */
};
enum {
    GCR_CPC_BASE = 0x0088,
    GCR_CORE_OTHER = 0x2018,  /* whom the "other" registers mean */
    GCR_OTHER_RESET = 0x4020, /* where it starts */
    CPC_CORE_RUN = 0x2028     /* QEMU: a bit for each CPU that shall run */
};
enum { CONFIG3_HAS_GCR = 1 << 29 };
enum { CAUSE_TIMER = 1 << 30, CAUSE_CODE_SHIFT = 2, CAUSE_CODES = 32 };
enum { COUNTS_PER_25_NS = 4 }; /* the timer of QEMU's Malta runs at 160 MHz */
enum { SEMIHOSTING_EXIT = 1 };
enum { EXIT_BASE = 64 }; /* QEMU exits with 64 + status, what it never does by itself */

extern const char boot_start[];                                               /* boot.S */
void              machine_semihosting(unsigned operation, unsigned argument); /* trap.S */
TL_NORETURN void  machine_first(const int32_t *words);
TL_NORETURN void  machine_other(unsigned number);
void              machine_trap(uint32_t cause, uintptr_t pc, uintptr_t address);

static const char *command_line;  /* CPU 0, before the others start */
static void (*other_entry)(void); /* the same */
static tl_atomic_u32 cpus_ready;  /* atomic: CPUs on their way to other_entry */

/* Of the last one; its CPU. */
static struct {
    TL_CACHE_LINE
    struct machine_timer_interrupt interrupt;
} served[MACHINE_CPUS_MAX];

static void write32(uint32_t address, uint32_t value)
{
    __asm__ volatile("sw %z1, %0" : "=m"(*UNCACHED(uint32_t, address)) : "Jr"(value) : "memory");
}

static void write8(uint32_t address, uint8_t value)
{
    __asm__ volatile("sb %z1, %0" : "=m"(*UNCACHED(uint8_t, address)) : "Jr"(value) : "memory");
}

static uint8_t read8(uint32_t address)
{
    uint32_t value;

    __asm__ volatile("lbu %0, %1" : "=r"(value) : "m"(*UNCACHED(uint8_t, address)) : "memory");
    return (uint8_t)value;
}

static uint32_t count_now(void)
{
    uint32_t count;

    __asm__ volatile("mfc0 %0, $9" : "=r"(count));
    return count;
}

static uint32_t compare_now(void)
{
    uint32_t count;

    __asm__ volatile("mfc0 %0, $11" : "=r"(count));
    return count;
}

/* Also takes a timer interrupt back that was not served yet. */
static void set_compare(uint32_t count)
{
    __asm__ volatile("mtc0 %0, $11\n\tehb" : : "r"(count) : "memory");
}

/* `words` are 32 bits each: the image's name, the command line. */
void machine_first(const int32_t *words)
{
    const char *line = words != NULL && words[0] != 0 ? (const char *)(intptr_t)words[1] : NULL;

    command_line = line != NULL ? line : "";
    machine_timer_stop();
    bare_main();
}

void machine_other(unsigned number)
{
    (void)number;
    machine_timer_stop();
    tl_add32_release(&cpus_ready, 1); /* pairs with machine_start_cpus */
    other_entry();
    machine_park();
}

const char *machine_name(void)
{
#if defined(__mips64)
    return "MIPS Malta, 64 bits, little endian";
#elif defined(__MIPSEB__)
    return "MIPS Malta, 32 bits, big endian";
#else
    return "MIPS Malta, 32 bits, little endian";
#endif
}

const char *machine_command_line(void)
{
    return command_line;
}

void machine_putc(char letter)
{
    while ((read8(COM1 + 5) & 0x20) == 0)
        tl_cpu_relax();
    write8(COM1, (uint8_t)letter);
}

void machine_exit(unsigned status)
{
    machine_semihosting(SEMIHOSTING_EXIT, EXIT_BASE + status);
    machine_park();
}

unsigned machine_cpu(void)
{
    uint32_t base;

    __asm__("mfc0 %0, $15, 1" : "=r"(base));
    return base & 0x3ff;
}

void machine_park(void)
{
    machine_interrupts_off();
    for (;;)
        __asm__ volatile("wait");
}

unsigned machine_start_cpus(unsigned count, void (*entry)(void))
{
    uint32_t config3;
    uint32_t start = count_now();

    __asm__("mfc0 %0, $16, 3" : "=r"(config3));
    if (count == 1 || (config3 & CONFIG3_HAS_GCR) == 0)
        return 1;
    other_entry = entry;
    write32(GCR + GCR_CPC_BASE, CPC | 1);
    for (uint32_t cpu = 1; cpu < count; cpu++) {
        write32(GCR + GCR_CORE_OTHER, cpu << 16 | cpu); /* as core, and as one of a core's */
        write32(GCR + GCR_OTHER_RESET, (uint32_t)(uintptr_t)boot_start);
    }
    __asm__ volatile("sync" : : : "memory"); /* other_entry, before anybody starts */
    write32(CPC + CPC_CORE_RUN, (1u << count) - 2);
    /* a second at most; pairs with machine_other */
    while (tl_load32_acquire(&cpus_ready) < count - 1 && count_now() - start < 160000000)
        tl_cpu_relax();
    return tl_load32_relaxed(&cpus_ready) + 1;
}

void machine_interrupts_on(void)
{
    __asm__ volatile("ei\n\tehb" : : : "memory");
}

void machine_interrupts_off(void)
{
    __asm__ volatile("di\n\tehb" : : : "memory");
}

void machine_wait(void)
{
    __asm__ volatile("wait" : : : "memory");
}

void machine_timer_after(uint32_t ns)
{
    uint32_t counts = ns / 25 * COUNTS_PER_25_NS + COUNTS_PER_25_NS;
    uint32_t at;

    /* The interrupt comes when Count meets Compare: one that is behind already would come after
     * all of 2^32 counts. */
    do {
        at = count_now() + counts;
        set_compare(at);
        counts *= 2;
    } while ((int32_t)(count_now() - at) >= 0);
}

void machine_timer_stop(void)
{
    set_compare(count_now() - 1);
}

uint32_t machine_ticks(void)
{
    return count_now();
}

struct machine_timer_interrupt machine_timer_interrupt(void)
{
    return served[machine_cpu()].interrupt;
}

void machine_spin(uint32_t turns)
{
    __asm__ volatile(".set push\n\t.set noreorder\n"
                     "0: bnez %0, 0b\n\taddiu %0, %0, -1\n\t"
                     ".set pop"
                     : "=r"(turns)
                     : "0"(turns - 1));
}

void machine_trap(uint32_t cause, uintptr_t pc, uintptr_t address)
{
    static const char *const names[CAUSE_CODES] = {
        [0] = "interrupt of nobody",
        [1] = "store to a page that is read only",
        [2] = "load from an address without translation",
        [3] = "store to an address without translation",
        [4] = "load from a misaligned or forbidden address",
        [5] = "store to a misaligned or forbidden address",
        [6] = "bus error, instruction",
        [7] = "bus error, data",
        [8] = "system call",
        [9] = "breakpoint",
        [10] = "bad instruction",
        [11] = "no such coprocessor",
        [12] = "overflow",
        [13] = "trap instruction",
    };
    struct machine_exception exception = { .pc = pc, .address = address };

    exception.cause = cause >> CAUSE_CODE_SHIFT & (CAUSE_CODES - 1);
    if (exception.cause == 0 && (cause & CAUSE_TIMER) != 0) {
        struct machine_timer_interrupt *interrupt = &served[machine_cpu()].interrupt;

        interrupt->late = count_now() - compare_now(); /* first of all */
        interrupt->due = compare_now();
        machine_timer_stop();
        bare_timer_interrupt(pc);
        return;
    }
    exception.name = names[exception.cause] != NULL ? names[exception.cause] : "exception";
    bare_exception(&exception);
}

uintptr_t machine_stack_prepare(void *top, void (*entry)(void))
{
    uintptr_t *frame = (uintptr_t *)((uintptr_t)top - ARGUMENTS) - 12; /* machine_switch */

    for (int i = 0; i < 12; i++)
        frame[i] = 0;
    frame[10] = (uintptr_t)entry;
    return (uintptr_t)frame;
}

bool machine_interrupt_breaks_attempt(void)
{
    return true;
}

/* Release 6 lets the CPU do these in hardware, and QEMU's does. */
bool machine_traps_misaligned(void)
{
    return __mips_isa_rev < 6;
}

void machine_provoke(enum machine_fault fault)
{
    static uint32_t aligned[2];
    uintptr_t       odd = (uintptr_t)aligned + 1;

    switch (fault) {
    case MACHINE_MISALIGNED_LOAD:
        __asm__ volatile("lw $8, 0(%0)" : : "r"(odd) : "$8", "memory");
        break;
    case MACHINE_MISALIGNED_STORE:
        __asm__ volatile("sw $0, 0(%0)" : : "r"(odd) : "memory");
        break;
    case MACHINE_BAD_ADDRESS:
        __asm__ volatile("lw $8, 0x10($0)" : : : "$8", "memory");
        break;
    case MACHINE_BAD_INSTRUCTION:
        __asm__ volatile(".word 0x00000028");
        break;
    }
}
