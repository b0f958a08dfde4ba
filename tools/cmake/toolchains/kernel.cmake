# What the toolchain files of the kernel presets share. They set talus_cpu, talus_compiler, talus_cpu_flags and
# talus_machine, the folder of arch/port/bare that the images are built from; talus_image_base where its linker script asks.
#
# No operating system and no C library: programs are images for a bare machine, and tools/qemu runs them.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR ${talus_cpu})
set(CMAKE_C_COMPILER ${talus_compiler})
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_FLAGS_INIT "${talus_cpu_flags} -ffreestanding -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables")
set(CMAKE_ASM_FLAGS_INIT "${talus_cpu_flags} -fno-pic")
set(CMAKE_EXE_LINKER_FLAGS_INIT
    "${talus_cpu_flags} -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack")
if(talus_image_base)
    string(APPEND CMAKE_EXE_LINKER_FLAGS_INIT " -Wl,--defsym=image_base=${talus_image_base}")
endif()
set(TALUS_MACHINE ${talus_machine})
