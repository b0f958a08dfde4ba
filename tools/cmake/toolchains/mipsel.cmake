# MIPS, 32 bits (o32), release 2, little endian.
set(talus_cpu mipsel)
set(talus_triplet mipsel-linux-gnu)
set(talus_qemu mipsel)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
