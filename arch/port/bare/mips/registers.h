/* registers.h: what the assembler of this folder writes the same for o32 and n64. */
#ifndef TL_BARE_MIPS_REGISTERS_H
#define TL_BARE_MIPS_REGISTERS_H

#define MACHINE_CPUS       8     /* MACHINE_CPUS_MAX */
#define MACHINE_BOOT_STACK 16384 /* MACHINE_BOOT_STACK_BYTES */

#ifdef __mips64
#define WORD   8
#define SAVE   sd
#define FETCH  ld
#define ADDS   daddiu
#define ADD    daddu
#define LINKED lld
#define STORED scd
#define GET_PC dmfc0
#define SET_PC dmtc0
#define STATUS 0x100000e0 /* coprocessor 0; 64-bit addresses in each mode */
#else
#define WORD   4
#define SAVE   sw
#define FETCH  lw
#define ADDS   addiu
#define ADD    addu
#define LINKED ll
#define STORED sc
#define GET_PC mfc0
#define SET_PC mtc0
#define STATUS 0x10000000
#endif

#define STATUS_TIMER 0x8000 /* interrupt line 7 may interrupt */
#define ARGUMENTS    32     /* bytes above a frame where a callee may save its arguments; o32: 16 */

/* Registers of coprocessor 0. */
#define CP0_BADVADDR $8
#define CP0_STATUS   $12
#define CP0_CAUSE    $13
#define CP0_EPC      $14
#define CP0_EBASE    $15, 1
#define CP0_CONFIG   $16

#endif
