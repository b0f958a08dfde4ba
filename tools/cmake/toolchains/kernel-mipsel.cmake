# MIPS, 32 bits (o32), release 2, little endian; QEMU's Malta board with a P5600.
# The assembler would set a sync before each LL, for a CPU that this is not.
set(talus_cpu mipsel)
set(talus_compiler mipsel-linux-gnu-gcc)
set(talus_cpu_flags "-march=mips32r2 -mabi=32 -mno-abicalls -G0 -msoft-float -Wa,-mno-fix-loongson3-llsc")
# Addresses are left to the assembler: shorter. Never with -mabicalls, where a call would lose what gcc keeps in $25.
string(APPEND talus_cpu_flags " -mno-explicit-relocs")
set(talus_machine mips)
set(talus_image_base 0x80100000)
include(${CMAKE_CURRENT_LIST_DIR}/kernel.cmake)
