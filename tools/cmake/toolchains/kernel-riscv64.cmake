# RISC-V, 64 bits: the library alone. Without the F and D extensions, whose registers an interrupt does not save; a kernel that is
# built for lp64d compiles the sources itself (docs/porting.md).
set(talus_cpu riscv64)
set(talus_compiler riscv64-linux-gnu-gcc)
set(talus_cpu_flags "-march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany")
include(${CMAKE_CURRENT_LIST_DIR}/kernel.cmake)
