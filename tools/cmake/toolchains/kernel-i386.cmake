# x86, 32 bits: the library alone. Flags as for 64 bits; on 32 there is no red zone.
set(talus_cpu i386)
set(talus_compiler gcc)
set(talus_cpu_flags "-m32 -march=i686 -mgeneral-regs-only -fno-pie -fcf-protection=none")
include(${CMAKE_CURRENT_LIST_DIR}/kernel.cmake)
