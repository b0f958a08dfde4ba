# What the toolchain files of this folder share. They set talus_cpu, talus_triplet (Debian's name for the cross compiler's
# files) and talus_qemu (the emulator's CPU; empty: this machine runs the programs itself).
#
# CTest runs the programs under qemu-user, with the libraries of the cross compiler.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${talus_cpu})
set(CMAKE_C_COMPILER ${talus_triplet}-gcc)
set(CMAKE_CXX_COMPILER ${talus_triplet}-g++)
set(CMAKE_FIND_ROOT_PATH /usr/${talus_triplet})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${talus_qemu} -L /usr/${talus_triplet})
