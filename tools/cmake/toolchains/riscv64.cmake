# RISC-V, 64 bits.
set(talus_cpu riscv64)
set(talus_triplet riscv64-linux-gnu)
set(talus_qemu riscv64)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
