# MIPS, 32 bits (o32), release 6, little endian: other encodings of LL and SC.
set(talus_cpu mipsisa32r6el)
set(talus_triplet mipsisa32r6el-linux-gnu)
set(talus_qemu mipsel)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
