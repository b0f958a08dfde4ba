# MIPS, 64 bits (n64), release 6, little endian; QEMU's Malta board with an I6400.
# Branches have no delay slot, and so no code is moved to fill one: shorter.
# The assembler would set a sync before each LL, for a CPU that this is not.
set(talus_cpu mips64el)
set(talus_compiler mips64el-linux-gnuabi64-gcc)
set(talus_cpu_flags "-march=mips64r6 -mabi=64 -msym32 -mno-abicalls -G0 -msoft-float -Wa,-mno-fix-loongson3-llsc")
string(APPEND talus_cpu_flags " -mcompact-branches=always -fno-schedule-insns")
set(talus_machine mips)
set(talus_image_base 0xffffffff80100000)
include(${CMAKE_CURRENT_LIST_DIR}/kernel.cmake)
