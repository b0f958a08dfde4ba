# The test framework for another CPU: Debian has it for few, so it is built from Debian's source package, which
# `tools/setup --cross` unpacks into build/cmocka.
set(cmocka_folder ${PROJECT_SOURCE_DIR}/build/cmocka)
if(NOT EXISTS ${cmocka_folder}/src/cmocka.c)
    message(FATAL_ERROR "cmocka's source is missing: run tools/setup --cross")
endif()
add_library(cmocka STATIC EXCLUDE_FROM_ALL ${cmocka_folder}/src/cmocka.c)
target_include_directories(cmocka SYSTEM PUBLIC ${cmocka_folder}/include)
target_compile_definitions(cmocka PRIVATE HAVE_MALLOC_H=1 HAVE_INTTYPES_H=1 HAVE_SIGNAL_H=1 HAVE_STRINGS_H=1
    HAVE_GCC_THREAD_LOCAL_STORAGE=1 HAVE_SIGLONGJMP=1 HAVE_STRSIGNAL=1)
target_compile_options(cmocka PRIVATE -w)
