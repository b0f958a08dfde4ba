# region-mips.s: 256 KiB of .bss for the heap, and the symbols of its start and end.
# mipsel-linux-gnu-as region-mips.s. In C: extern char heap_region_start[], heap_region_end[];

        .section .bss
        .balign 8192                    # TALUS_PAGE_SIZE: what lies in front of the first page is lost
        .globl  heap_region_start
        .globl  heap_region_end
heap_region_start:
        .space  256 * 1024
heap_region_end:

        .section .note.GNU-stack, "", @progbits
