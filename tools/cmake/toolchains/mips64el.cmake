# MIPS, 64 bits (n64), release 2, little endian.
set(talus_cpu mips64el)
set(talus_triplet mips64el-linux-gnuabi64)
set(talus_qemu mips64el)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
