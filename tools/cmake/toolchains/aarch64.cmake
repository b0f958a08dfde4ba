# ARM, 64 bits.
set(talus_cpu aarch64)
set(talus_triplet aarch64-linux-gnu)
set(talus_qemu aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
