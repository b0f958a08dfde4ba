/* machine.c: QEMU's PCs (microvm, q35, pc) for an image: COM1, the local APIC and its timer,
 * INIT-SIPI, the exit device (contract: machine.h; -device isa-debug-exit,iobase=0xf4,iosize=4). */
#include "arch/port/bare/machine.h"

#include "arch/cpu.h"
#include "arch/port/bare/x86/boot.h"

TL_STATIC_ASSERT(MACHINE_CPUS == MACHINE_CPUS_MAX, "boot.h");
TL_STATIC_ASSERT(MACHINE_BOOT_STACK == MACHINE_BOOT_STACK_BYTES, "boot.h");

enum { PORT_COM1 = 0x3f8, PORT_PIC1_MASK = 0x21, PORT_PIC2_MASK = 0xa1, PORT_EXIT = 0xf4 };
enum { EXIT_BASE = 32 }; /* QEMU exits with 2 * (32 + status) + 1, what it never does by itself */
enum { VECTOR_TIMER = 0x40, VECTOR_SPURIOUS = 0xff, EXCEPTIONS = 32, EXCEPTION_ENTRY_BYTES = 16 };
enum { START_INFO_MAGIC = 0x336ec578, START_INFO_COMMAND_LINE = 24 };

/* Registers of the local APIC, by their offset. */
enum {
    APIC_EOI = 0x0b0,
    APIC_SPURIOUS = 0x0f0,
    APIC_COMMAND = 0x300,
    APIC_TIMER = 0x320,
    APIC_TIMER_COUNT = 0x380,
    APIC_TIMER_NOW = 0x390,
    APIC_TIMER_DIVIDE = 0x3e0
};
enum {
    APIC_ENABLED = 0x100,
    APIC_DIVIDE_BY_1 = 0xb,
    APIC_MASKED = 0x10000,
    COMMAND_INIT = 0xC4500, /* to all but this CPU */
    COMMAND_SIPI = 0xC4600, /* the same; the page where they start in the low bits */
};

/* Each CPU's number, which its GS segment begins with. */
struct cpu_block {
    TL_CACHE_LINE
    uint32_t                       number;
    uint32_t                       due; /* machine_ticks at which its timer fires */
    struct machine_timer_interrupt served;
};

struct gate {
    uint16_t offset_low, segment;
    uint8_t  stack, kind;
    uint16_t offset_middle;
    uint32_t offset_high, zero;
};

extern const char    other_start[], other_end[]; /* boot.S */
extern tl_atomic_u32 cpus_seen;
extern const char    trap_table[]; /* trap.S */
extern void          trap_timer(void);
extern void          trap_spurious(void);
TL_NORETURN void     machine_first(uintptr_t start_info);
TL_NORETURN void     machine_other(unsigned number);
void                 machine_timer(uintptr_t pc);
TL_NORETURN void     machine_exception(unsigned vector, uint64_t code, uintptr_t pc, uintptr_t cr2);

static struct cpu_block blocks[MACHINE_CPUS_MAX]; /* their CPU */
static struct gate      gates[256];               /* CPU 0, before the others start */
static const char      *command_line;             /* the same */
static void (*other_entry)(void);                 /* the same */
static uint32_t      cpus_wanted;                 /* the same */
static tl_atomic_u32 cpus_ready;                  /* atomic: CPUs on their way to other_entry */

static void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void apic_write(unsigned offset, uint32_t value)
{
    __asm__ volatile("movl %1, %0"
                     : "=m"(*(uint32_t *)(uintptr_t)(0xfee00000u + offset))
                     : "r"(value)
                     : "memory");
}

static uint32_t apic_read(unsigned offset)
{
    uint32_t value;

    __asm__ volatile("movl %1, %0"
                     : "=r"(value)
                     : "m"(*(uint32_t *)(uintptr_t)(0xfee00000u + offset))
                     : "memory");
    return value;
}

static void load_tables(unsigned number)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } pointer = { sizeof gates - 1, (uintptr_t)gates };
    uint64_t block = (uintptr_t)&blocks[number];

    blocks[number].number = number;
    __asm__ volatile("lidt %0" : : "m"(pointer));
    __asm__ volatile("wrmsr"
                     :
                     : "c"(0xC0000101), "a"((uint32_t)block), "d"((uint32_t)(block >> 32))
                     : "memory"); /* GS base */
    apic_write(APIC_SPURIOUS, APIC_ENABLED | VECTOR_SPURIOUS);
    apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
    apic_write(APIC_TIMER, VECTOR_TIMER); /* one shot */
}

static void set_gate(unsigned vector, uintptr_t code)
{
    gates[vector] = (struct gate){ .offset_low = (uint16_t)code,
                                   .segment = 8,
                                   .kind = 0x8e, /* interrupt gate: they are off inside */
                                   .offset_middle = (uint16_t)(code >> 16),
                                   .offset_high = (uint32_t)(code >> 32) };
}

void machine_first(uintptr_t start_info)
{
    uint64_t line;

    out8(PORT_COM1 + 1, 0);    /* no interrupts */
    out8(PORT_COM1 + 3, 0x83); /* 8 bits; divisor follows */
    out8(PORT_COM1, 1);
    out8(PORT_COM1 + 1, 0);
    out8(PORT_COM1 + 3, 3);
    out8(PORT_COM1 + 2, 7); /* queues on, empty */
    out8(PORT_PIC1_MASK, 0xff);
    out8(PORT_PIC2_MASK, 0xff);
    for (unsigned i = 0; i < EXCEPTIONS; i++)
        set_gate(i, (uintptr_t)trap_table + (uintptr_t)i * EXCEPTION_ENTRY_BYTES);
    set_gate(VECTOR_TIMER, (uintptr_t)trap_timer);
    set_gate(VECTOR_SPURIOUS, (uintptr_t)trap_spurious);
    load_tables(0);
    line = *(const uint64_t *)(start_info + START_INFO_COMMAND_LINE);
    if (*(const uint32_t *)start_info != START_INFO_MAGIC || line == 0)
        command_line = "";
    else
        command_line = (const char *)(uintptr_t)line;
    bare_main();
}

void machine_other(unsigned number)
{
    load_tables(number);
    if (number >= cpus_wanted)
        machine_park();
    tl_add32_release(&cpus_ready, 1); /* pairs with machine_start_cpus */
    other_entry();
    machine_park();
}

const char *machine_name(void)
{
    return "x86-64 PC";
}

const char *machine_command_line(void)
{
    return command_line;
}

void machine_putc(char letter)
{
    while ((in8(PORT_COM1 + 5) & 0x20) == 0)
        tl_cpu_relax();
    out8(PORT_COM1, (uint8_t)letter);
}

void machine_exit(unsigned status)
{
    __asm__ volatile("outl %0, %1" : : "a"(EXIT_BASE + status), "Nd"((uint16_t)PORT_EXIT));
    machine_park();
}

unsigned machine_cpu(void)
{
    uint32_t number;

    __asm__("movl %%gs:0, %0" : "=r"(number));
    return number;
}

void machine_park(void)
{
    for (;;)
        __asm__ volatile("cli\n\thlt");
}

/* By this CPU's timer, before anybody asked it for interrupts. */
static void delay_us(unsigned us)
{
    apic_write(APIC_TIMER, APIC_MASKED | VECTOR_TIMER);
    machine_timer_after(us * 1000);
    while (apic_read(APIC_TIMER_NOW) != 0)
        tl_cpu_relax();
    apic_write(APIC_TIMER, VECTOR_TIMER);
}

unsigned machine_start_cpus(unsigned count, void (*entry)(void))
{
    char *to = (char *)(uintptr_t)BOOT_OTHERS;

    for (const char *from = other_start; from < other_end; from++)
        *to++ = *from;
    other_entry = entry;
    cpus_wanted = count;
    __asm__ volatile("" : "+m"(*(char(*)[4096])(uintptr_t)BOOT_OTHERS) : : "memory");
    apic_write(APIC_COMMAND, COMMAND_INIT);
    delay_us(100); /* a CPU of today, and QEMU's, needs no 10 ms */
    for (int i = 0; i < 2; i++) {
        apic_write(APIC_COMMAND, COMMAND_SIPI | BOOT_OTHERS >> 12);
        delay_us(20);
    }
    /* a second at most; pairs with machine_other */
    for (int i = 0; i < 10000 && tl_load32_acquire(&cpus_ready) < count - 1; i++)
        delay_us(100);
    return tl_load32_relaxed(&cpus_ready) + 1;
}

void machine_interrupts_on(void)
{
    __asm__ volatile("sti" : : : "memory");
}

void machine_interrupts_off(void)
{
    __asm__ volatile("cli" : : : "memory");
}

void machine_wait(void)
{
    __asm__ volatile("hlt" : : : "memory");
}

void machine_timer_after(uint32_t ns)
{
    uint32_t counts = ns > 0 ? ns : 1; /* QEMU's counts at 1 GHz */

    blocks[machine_cpu()].due = machine_ticks() + counts; /* as does the clock under --icount */
    apic_write(APIC_TIMER_COUNT, counts);
}

void machine_timer_stop(void)
{
    apic_write(APIC_TIMER_COUNT, 0);
}

uint32_t machine_ticks(void)
{
    return (uint32_t)tl_cpu_cycles();
}

struct machine_timer_interrupt machine_timer_interrupt(void)
{
    return blocks[machine_cpu()].served;
}

void machine_spin(uint32_t turns)
{
    __asm__ volatile("0: subl $1, %0\n\tjnz 0b" : "+r"(turns) : : "cc");
}

void machine_timer(uintptr_t pc)
{
    struct cpu_block *block = &blocks[machine_cpu()];

    block->served.late = machine_ticks() - block->due; /* first of all */
    block->served.due = block->due;
    apic_write(APIC_EOI, 0); /* first: the callee may switch to another thread */
    bare_timer_interrupt(pc);
}

void machine_exception(unsigned vector, uint64_t code, uintptr_t pc, uintptr_t cr2)
{
    static const char *const names[EXCEPTIONS] = {
        [0] = "division",
        [1] = "debug",
        [2] = "NMI",
        [3] = "breakpoint",
        [4] = "overflow",
        [5] = "bound",
        [6] = "bad instruction",
        [7] = "no floating point",
        [8] = "double fault",
        [13] = "general protection",
        [14] = "page fault",
        [17] = "misaligned access",
    };
    struct machine_exception exception = { .cause = vector, .pc = pc };

    exception.name = names[vector] != NULL ? names[vector] : "exception";
    if (vector == 14) {
        exception.address = cr2;
        exception.name = (code & 2) != 0 ? "page fault, store" : "page fault, load";
    } else {
        exception.address = code;
    }
    bare_exception(&exception);
}

uintptr_t machine_stack_prepare(void *top, void (*entry)(void))
{
    uintptr_t *frame = (uintptr_t *)top - 8; /* six registers, entry, and where it never returns */

    for (int i = 0; i < 8; i++)
        frame[i] = 0;
    frame[6] = (uintptr_t)entry;
    return (uintptr_t)frame;
}

bool machine_interrupt_breaks_attempt(void)
{
    return false;
}

/* Only in ring 3, whatever CR0.AM and EFLAGS.AC say, and images run in ring 0. */
bool machine_traps_misaligned(void)
{
    return false;
}

void machine_provoke(enum machine_fault fault)
{
    static uint32_t aligned[2];
    uintptr_t       odd = (uintptr_t)aligned + 1;

    switch (fault) {
    case MACHINE_MISALIGNED_LOAD:
        __asm__ volatile("movl (%0), %%eax" : : "r"(odd) : "eax", "memory");
        break;
    case MACHINE_MISALIGNED_STORE:
        __asm__ volatile("movl $0, (%0)" : : "r"(odd) : "memory");
        break;
    case MACHINE_BAD_ADDRESS:
        __asm__ volatile("movl (%0), %%eax" : : "r"(UINT64_C(0x123456789000)) : "eax", "memory");
        break;
    case MACHINE_BAD_INSTRUCTION:
        __asm__ volatile("ud2");
        break;
    }
}
