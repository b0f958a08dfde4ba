# talus_test.cmake: how the test folders declare their programs.
#
#   talus_add_tests(<label> [INTERNAL|STATIC] FILES a.c b.c)   each file is one cmocka program and one CTest test "<label>.<name>"
#   talus_add_must_fail(<label> <name> <target> <says> [args])  "<label>.<name>-can-fail": a program with a seeded bug, which it
#                                                               must find, and say so: something that the expression fits
#
# INTERNAL programs see core's private headers and link the static library; the others see only what is installed.
# STATIC ones do, too, and link the static library.

# How a heap that a seeded bug has damaged may end, before a test sees the damage: by a crash, a check of the core or of cmocka,
# or a report of a sanitizer.
set(talus_damage "Segmentation|SEGV|Bus error|Illegal|[Aa]bort|signal [0-9]+|talus: |Test failed with exception")
string(APPEND talus_damage "|Sanitizer: |runtime error: ")

include_guard(GLOBAL) # below: once; above: in every folder that includes this

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

# talus_add_mutants(<label> <file.c> [POINTS] [ROUNDS n] [SECONDS s] "<bug>=<what must fail>" ...):
# "<label>.<file>.mutant.<bug>": the test's program over the core with every seeded bug, one of which is switched on. POINTS: the
# file has a tl_preempt_point of its own. ROUNDS: it runs up to so often, where the bug shows only if the system lets a thread run
# in time; SECONDS: a round that has not ended by then shows nothing. All rounds end within the test's 120 seconds.
function(talus_add_mutants label file)
  cmake_parse_arguments(PARSE_ARGV 2 arg "POINTS" "ROUNDS;SECONDS" "")
  if(NOT TARGET talus_core_mutants OR TALUS_SANITIZE) # in builds that hold a bug already, or find others
    return()
  endif()
  get_filename_component(name ${file} NAME_WE)
  set(target test_${label}_${name}_mutants)
  add_executable(${target} ${file} $<TARGET_OBJECTS:talus_core_mutants>)
  if(NOT arg_POINTS)
    target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/lib/no_points.c)
  endif()
  target_link_libraries(${target} PRIVATE talus_test_lib talus_internal cmocka)
  foreach(entry IN LISTS arg_UNPARSED_ARGUMENTS)
    string(REGEX MATCH "^([a-z0-9_]+)=(.*)$" entry "${entry}")
    talus_require_mutant(${CMAKE_MATCH_1})
    set(test ${label}.${name}.mutant.${CMAKE_MATCH_1})
    # or a crash: a bug may go on to anything, and the core asserts; 255 is cmocka's status for a crash of another thread
    set(says "FAILED  . ${CMAKE_MATCH_2}|^255\n|^Subprocess aborted|^Segmentation fault|^Bus error")
    add_test(NAME ${test} COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:${target}>
      "-DSAYS=${says}" "-DROUNDS=${arg_ROUNDS}" "-DSECONDS=${arg_SECONDS}"
      -P ${PROJECT_SOURCE_DIR}/tests/lib/must_fail.cmake)
    set_tests_properties(${test} PROPERTIES LABELS "${label};mutant" TIMEOUT 120 ENVIRONMENT TALUS_MUTANT=${CMAKE_MATCH_1})
  endforeach()
endfunction()

function(talus_add_must_fail label name target says)
  list(JOIN CMAKE_CROSSCOMPILING_EMULATOR " " emulator)
  set(test ${label}.${name}-can-fail)
  add_test(NAME ${test} COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:${target}> -DARGUMENTS=${ARGN} "-DEMULATOR=${emulator}"
    "-DSAYS=${says}" -DROUNDS=4 -DSECONDS=25 -P ${PROJECT_SOURCE_DIR}/tests/lib/must_fail.cmake)
  set_tests_properties(${test} PROPERTIES LABELS ${label} TIMEOUT 120)
endfunction()
