# MIPS, 32 bits (o32), release 2, big endian.
set(talus_cpu mips)
set(talus_triplet mips-linux-gnu)
set(talus_qemu mips)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
