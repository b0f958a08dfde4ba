# talus_test.cmake: how the test folders declare their programs.
#
#   talus_add_tests(<label> [INTERNAL|STATIC] FILES a.c b.c)   each file is one cmocka program and one CTest test "<label>.<name>"
#   talus_add_must_fail(<label> <name> <target> <says> [args])  "<label>.<name>-can-fail": a program with a seeded bug, which it
#                                                               must find, and say so: something that the expression fits
#
# INTERNAL programs see core's private headers and link the static library; the others see only what is installed.
# STATIC ones do, too, and link the static library.

include_guard(GLOBAL)

if(NOT TARGET talus_test_lib)
  add_library(talus_test_lib STATIC
    ${PROJECT_SOURCE_DIR}/tests/lib/object_load.c
    ${PROJECT_SOURCE_DIR}/tests/lib/pattern.c
    ${PROJECT_SOURCE_DIR}/tests/lib/process.c
    ${PROJECT_SOURCE_DIR}/tests/lib/reference.c
    ${PROJECT_SOURCE_DIR}/tests/fail/faulty_provider.c)
  target_include_directories(talus_test_lib PUBLIC
    ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/core/include)
  find_package(Threads REQUIRED)
  target_link_libraries(talus_test_lib PUBLIC Threads::Threads)
endif()

function(talus_add_tests label)
  cmake_parse_arguments(PARSE_ARGV 1 arg "INTERNAL;STATIC" "" "FILES")
  foreach(file IN LISTS arg_FILES)
    get_filename_component(name ${file} NAME_WE)
    set(target test_${label}_${name})
    add_executable(${target} ${file})
    target_link_libraries(${target} PRIVATE talus_test_lib cmocka)
    if(arg_INTERNAL)
      target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
      target_link_libraries(${target} PRIVATE talus_static)
    elseif(arg_STATIC)
      target_link_libraries(${target} PRIVATE talus_static)
    else()
      target_link_libraries(${target} PRIVATE talus)
    endif()
    add_test(NAME ${label}.${name} COMMAND ${target})
    set_tests_properties(${label}.${name} PROPERTIES LABELS ${label} TIMEOUT 120)
  endforeach()
endfunction()

function(talus_add_must_fail label name target says)
  list(JOIN CMAKE_CROSSCOMPILING_EMULATOR " " emulator)
  set(test ${label}.${name}-can-fail)
  add_test(NAME ${test} COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:${target}> -DARGUMENTS=${ARGN} "-DEMULATOR=${emulator}"
    "-DSAYS=${says}" -P ${PROJECT_SOURCE_DIR}/tests/lib/must_fail.cmake)
  set_tests_properties(${test} PROPERTIES LABELS ${label} TIMEOUT 120)
endfunction()
