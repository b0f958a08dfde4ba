# ARM, 64 bits: the library alone. Atomics in the code itself: the compiler's calls for them want libgcc.
set(talus_cpu aarch64)
set(talus_compiler aarch64-linux-gnu-gcc)
set(talus_cpu_flags "-mgeneral-regs-only -mno-outline-atomics -mstrict-align")
include(${CMAKE_CURRENT_LIST_DIR}/kernel.cmake)
