/* boot.S: the way of every CPU from reset, or from QEMU's loader, to C.
 *
 * 1 Enters at   boot_start, the first address of the image, in the unmapped cached segment: QEMU's
 *               boot code jumps there on CPU 0, the cluster power controller starts the others
 *               there.
 * 2 CPU 0       clears what C expects to be zero; its stack lies outside of that.
 * 3 Registers   of coprocessor 0 hold anything; what is relied on is set here. */
#include "arch/port/bare/mips/registers.h"

    .set noreorder
    .set noat
    .section .text.boot, "ax"
    .globl boot_start
boot_start:
    li    $8, STATUS | 0x00400000   /* exceptions still go to the boot code */
    mtc0  $8, CP0_STATUS
    ehb
    mtc0  $0, CP0_CAUSE
    mfc0  $8, CP0_CONFIG            /* K0: cached, coherent */
    ins   $8, $0, 0, 3
    ori   $8, $8, 5
    mtc0  $8, CP0_CONFIG
    ehb
    mfc0  $16, CP0_EBASE            /* bits 0 to 9: this CPU's number */
    andi  $16, $16, 0x3ff
    lui   $8, %hi(vectors)
    ADDS  $8, $8, %lo(vectors)
    mtc0  $8, CP0_EBASE
    ehb
    li    $8, STATUS | STATUS_TIMER /* from here on exceptions go to our vectors */
    mtc0  $8, CP0_STATUS
    ehb

    sltiu $8, $16, MACHINE_CPUS
    beqz  $8, 4f                    /* one more than there are stacks for */
    sll   $8, $16, 14
    lui   $29, %hi(boot_stacks + MACHINE_BOOT_STACK - ARGUMENTS)
    ADDS  $29, $29, %lo(boot_stacks + MACHINE_BOOT_STACK - ARGUMENTS)
    bnez  $16, 3f
    ADD   $29, $29, $8

    lui   $8, %hi(bss_begin)
    ADDS  $8, $8, %lo(bss_begin)
    lui   $9, %hi(bss_end)
    ADDS  $9, $9, %lo(bss_end)
1:  beq   $8, $9, 2f
    nop
    SAVE  $0, 0($8)
    b     1b
    ADDS  $8, $8, WORD
2:  jal   machine_first             /* $5: the loader's words */
    move  $4, $5
3:  jal   machine_other
    move  $4, $16
4:  wait
    b     4b
    nop

    .section .stacks, "aw", @nobits
    .balign 4096
boot_stacks:
    .skip MACHINE_BOOT_STACK * MACHINE_CPUS
