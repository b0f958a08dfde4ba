# x86-64, QEMU's PC. General registers only: an interrupt saves no others; no red zone: it writes below the stack pointer.
# Without SSE registers nothing needs 16 bytes of stack alignment, which cost 1 % of the text (docs/porting.md).
set(talus_cpu x86_64)
set(talus_compiler gcc)
set(talus_cpu_flags "-mno-red-zone -mgeneral-regs-only -mpreferred-stack-boundary=3 -fno-pie -fcf-protection=none")
set(talus_machine x86)
include(${CMAKE_CURRENT_LIST_DIR}/kernel.cmake)
