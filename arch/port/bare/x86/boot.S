/* boot.S: the way of every CPU into long mode.
 *
 * 1 CPU 0       QEMU loads the image as PVH asks: 32-bit protected mode, paging off, the address of
 *               the start info in EBX.
 * 2 Others      A SIPI starts them in real mode at BOOT_OTHERS, where other_start was copied to.
 *               Each takes the next number, and with it a boot stack.
 * 3 Memory      Addresses are physical ones, up to 4 GiB, but for the first page: NULL faults. */
#include "arch/port/bare/x86/boot.h"

    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 4, 18                  /* lengths of name and value; XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long boot_start

    .section .text.boot, "ax"
    .code32
    .globl boot_start
boot_start:
    cli
    cld
    movl $boot_stacks + MACHINE_BOOT_STACK, %esp
    pushl %ebx

    /* level 4 -> level 3 -> four tables of 512 * 2 MiB; present and writable: 3, large: 0x80 */
    movl $level3 + 3, level4
    movl $level3, %edi
    movl $level2 + 3, %eax
    movl $4, %ecx
1:  movl %eax, (%edi)
    addl $4096, %eax
    addl $8, %edi
    loop 1b
    movl $level2, %edi
    movl $0x83, %eax
    movl $2048, %ecx
2:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 2b
    /* the first 2 MiB in pages of 4 KiB, without the first one */
    movl $level1 + 3, level2
    movl $level1 + 8, %edi
    movl $0x1003, %eax
    movl $511, %ecx
3:  movl %eax, (%edi)
    addl $4096, %eax
    addl $8, %edi
    loop 3b

    call long_mode
    popl %edi                       /* the start info: first argument */
    ljmp $8, $first_64

/* Turns paging and long mode on; the code is 32 bits until a jump to the 64-bit segment. */
long_mode:
    movl $level4, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x20, %eax                 /* PAE */
    movl %eax, %cr4
    movl $0xC0000080, %ecx          /* EFER.LME */
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl %cr0, %eax
    orl $0x80010000, %eax           /* PG, WP */
    movl %eax, %cr0
    lgdt gdt_pointer
    ret

    .code64
first_64:
    movl %esp, %esp                 /* the upper halves may be anything */
    movl %edi, %edi
    call data_segments
    call machine_first
    ud2

data_segments:
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw %ax, %fs
    movw %ax, %gs
    xorl %ebp, %ebp
    ret

    .section .text.other, "ax"
    .code16
    .globl other_start, other_end
other_start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl BOOT_OTHERS + (other_gdt_pointer - other_start)
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $0x18, $(BOOT_OTHERS + (other_32 - other_start))
    .code32
other_32:
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $1, %edi
    lock xaddl %edi, cpus_seen      /* its number: first argument */
    cmpl $MACHINE_CPUS, %edi
    jb 1f
0:  hlt                             /* one more than there are stacks for */
    jmp 0b
1:  movl %edi, %eax
    incl %eax
    imull $MACHINE_BOOT_STACK, %eax
    leal boot_stacks(%eax), %esp
    movl $long_mode, %eax
    call *%eax                      /* a relative call would start from the copy */
    ljmp $8, $other_64
other_gdt_pointer:
    .word gdt_end - gdt - 1
    .long gdt
other_end:

    .section .text, "ax"
    .code64
other_64:
    movl %esp, %esp
    movl %edi, %edi
    call data_segments
    call machine_other
    ud2

    .section .data
    .balign 16
gdt:
    .quad 0
    .quad 0x00AF9A000000FFFF        /* 0x08: code, 64 bits */
    .quad 0x00CF92000000FFFF        /* 0x10: data */
    .quad 0x00CF9A000000FFFF        /* 0x18: code, 32 bits */
gdt_end:
gdt_pointer:
    .word gdt_end - gdt - 1
    .quad gdt
    .balign 4
    .globl cpus_seen
cpus_seen:
    .long 1

    .section .bss
    .balign 4096
level4: .skip 4096
level3: .skip 4096
level2: .skip 4 * 4096
level1: .skip 4096
boot_stacks: .skip MACHINE_BOOT_STACK * MACHINE_CPUS

    .section .note.GNU-stack, "", @progbits
