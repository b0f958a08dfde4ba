# MIPS, 32 bits (o32), release 2, big endian; QEMU's Malta board with a P5600.
set(talus_cpu mips)
set(talus_compiler mips-linux-gnu-gcc)
set(talus_cpu_flags "-march=mips32r2 -mabi=32 -mno-abicalls -G0 -msoft-float")
# Addresses are left to the assembler: shorter. Never with -mabicalls, where a call would lose what gcc keeps in $25.
string(APPEND talus_cpu_flags " -mno-explicit-relocs")
set(talus_machine mips)
set(talus_image_base 0x80100000)
include(${CMAKE_CURRENT_LIST_DIR}/kernel.cmake)
