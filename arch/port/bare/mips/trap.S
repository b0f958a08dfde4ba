/* trap.S: interrupts and exceptions, the switch of threads, the watched attempt, and the exit.
 *
 * A trap saves what C may change, and the place and state to go back to, on the stack that it
 * finds. Then it leaves the CPU's exception level, with interrupts off: the rest is ordinary code,
 * which may switch to another thread and come back from any. */
#include "arch/port/bare/mips/registers.h"

    .set noreorder
    .set noat

/* The registers that C may change, and the order in which a frame holds them. */
    .macro each_saved instruction
    \instruction $1,  ARGUMENTS + 0 * WORD($29)
    \instruction $2,  ARGUMENTS + 1 * WORD($29)
    \instruction $3,  ARGUMENTS + 2 * WORD($29)
    \instruction $4,  ARGUMENTS + 3 * WORD($29)
    \instruction $5,  ARGUMENTS + 4 * WORD($29)
    \instruction $6,  ARGUMENTS + 5 * WORD($29)
    \instruction $7,  ARGUMENTS + 6 * WORD($29)
    \instruction $8,  ARGUMENTS + 7 * WORD($29)
    \instruction $9,  ARGUMENTS + 8 * WORD($29)
    \instruction $10, ARGUMENTS + 9 * WORD($29)
    \instruction $11, ARGUMENTS + 10 * WORD($29)
    \instruction $12, ARGUMENTS + 11 * WORD($29)
    \instruction $13, ARGUMENTS + 12 * WORD($29)
    \instruction $14, ARGUMENTS + 13 * WORD($29)
    \instruction $15, ARGUMENTS + 14 * WORD($29)
    \instruction $24, ARGUMENTS + 15 * WORD($29)
    \instruction $25, ARGUMENTS + 16 * WORD($29)
    \instruction $31, ARGUMENTS + 17 * WORD($29)
    .endm
#define FRAME_HI     (ARGUMENTS + 18 * WORD)
#define FRAME_LO     (ARGUMENTS + 19 * WORD)
#define FRAME_EPC    (ARGUMENTS + 20 * WORD)
#define FRAME_STATUS (ARGUMENTS + 21 * WORD)
#define FRAME        (ARGUMENTS + 24 * WORD) /* a multiple of 16 */

    .section .text.vectors, "ax"
    .balign 4096
    .globl vectors
vectors:
    b     trap                      /* an address without translation, 32 bits */
    nop
    .org 0x080
    b     trap                      /* the same, 64 bits */
    nop
    .org 0x100
    b     trap                      /* cache error */
    nop
    .org 0x180
    b     trap                      /* everything else */
    nop
    .org 0x200
trap:
    ADDS  $29, $29, -FRAME
    each_saved SAVE
#if __mips_isa_rev < 6
    mfhi  $8
    mflo  $9
    SAVE  $8, FRAME_HI($29)
    SAVE  $9, FRAME_LO($29)
#endif
    mfc0  $4, CP0_CAUSE             /* arguments: cause, place, address */
    GET_PC $5, CP0_EPC
    GET_PC $6, CP0_BADVADDR
    mfc0  $8, CP0_STATUS
    SAVE  $5, FRAME_EPC($29)
    SAVE  $8, FRAME_STATUS($29)
    ins   $8, $0, 0, 5              /* exception level, error level, mode, interrupts: off */
    mtc0  $8, CP0_STATUS
    jal   machine_trap
    ehb

    FETCH $8, FRAME_STATUS($29)     /* with the exception level on */
    mtc0  $8, CP0_STATUS
    ehb
    FETCH $8, FRAME_EPC($29)
    SET_PC $8, CP0_EPC
#if __mips_isa_rev < 6
    FETCH $8, FRAME_HI($29)
    FETCH $9, FRAME_LO($29)
    mthi  $8
    mtlo  $9
#endif
    each_saved FETCH
    ADDS  $29, $29, FRAME
    ehb
    eret                            /* also breaks the link of an LL that was interrupted */

    .text
/* void machine_switch(uintptr_t *from, uintptr_t to); machine.c lays the first frame. */
    .macro each_kept instruction
    \instruction $16, 0 * WORD($29)
    \instruction $17, 1 * WORD($29)
    \instruction $18, 2 * WORD($29)
    \instruction $19, 3 * WORD($29)
    \instruction $20, 4 * WORD($29)
    \instruction $21, 5 * WORD($29)
    \instruction $22, 6 * WORD($29)
    \instruction $23, 7 * WORD($29)
    \instruction $28, 8 * WORD($29)
    \instruction $30, 9 * WORD($29)
    \instruction $31, 10 * WORD($29)
    .endm
    .globl machine_switch
machine_switch:
    ADDS  $29, $29, -12 * WORD
    each_kept SAVE
    SAVE  $29, 0($4)
    move  $29, $5
    each_kept FETCH
    jr    $31
    ADDS  $29, $29, 12 * WORD

/* bool machine_attempt(tl_atomic_word *word) */
    .globl machine_attempt, machine_attempt_begin, machine_attempt_end
machine_attempt:
    LINKED $2, 0($4)
machine_attempt_begin:
    ADDS  $2, $2, 1
    STORED $2, 0($4)
machine_attempt_end:
    jr    $31
    nop

/* void machine_semihosting(unsigned operation, unsigned argument) */
    .globl machine_semihosting
machine_semihosting:
    move  $25, $4
    move  $4, $5
    sdbbp 1
    jr    $31
    nop
