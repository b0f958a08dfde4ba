/* boot.h: numbers that boot.S and machine.c share. */
#ifndef TL_BARE_X86_BOOT_H
#define TL_BARE_X86_BOOT_H

#define BOOT_OTHERS        0x8000 /* where other_start is copied to: below 1 MiB, a page */
#define MACHINE_CPUS       8      /* MACHINE_CPUS_MAX */
#define MACHINE_BOOT_STACK 16384  /* MACHINE_BOOT_STACK_BYTES */

#endif
