; region-x86.nasm: 256 KiB of .bss for the heap, and the symbols of its start and end.
; nasm -f elf64 region-x86.nasm (32 bits: -f elf32). In C: extern char heap_region_start[], heap_region_end[];

        section .bss align=8192         ; TALUS_PAGE_SIZE: what lies in front of the first page is lost
        global  heap_region_start
        global  heap_region_end
heap_region_start:
        resb    256 * 1024
heap_region_end:

        section .note.GNU-stack noalloc noexec nowrite progbits
