# The unit tests of arch/ and sync/, each linked with those two alone: once as the build chose the atomics, once on C11's,
# and once where exchanges fail at random (arch/spurious.h).
file(GLOB sync_sources CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/sync/*.c ${PROJECT_SOURCE_DIR}/arch/port/*.c ${PROJECT_SOURCE_DIR}/arch/port/linux/*.c)

function(talus_add_sync_tests suffix)
    add_library(test_unit_sync${suffix} STATIC ${sync_sources} sync_stubs.c)
    target_link_libraries(test_unit_sync${suffix} PUBLIC talus_internal)
    target_include_directories(test_unit_sync${suffix} PUBLIC ${PROJECT_SOURCE_DIR}/tests)
    target_compile_definitions(test_unit_sync${suffix} PUBLIC ${ARGN})
    foreach(name atomic lock inbox claim once event seqcount slots counter port)
        set(program test_unit_sync_${name}${suffix})
        add_executable(${program} sync_${name}.c)
        target_link_libraries(${program} PRIVATE test_unit_sync${suffix} cmocka)
        add_test(NAME unit.sync_${name}${suffix} COMMAND ${program})
        set_tests_properties(unit.sync_${name}${suffix} PROPERTIES LABELS unit TIMEOUT 120)
    endforeach()
endfunction()

talus_add_sync_tests("")
if(NOT TALUS_SANITIZE STREQUAL "thread" AND NOT TALUS_ARCH STREQUAL "c11")
    talus_add_sync_tests("_c11" TL_ARCH_C11=1)
endif()

# talus_add_sync_mutant(name suite suffix test): a seeded bug in the headers, seen by a test of those of this suffix.
function(talus_add_sync_mutant name suite suffix test)
    set(program test_unit_sync_${suite}${suffix}_mutant_${name})
    add_executable(${program} sync_${suite}.c $<TARGET_OBJECTS:test_unit_sync${suffix}>)
    target_link_libraries(${program} PRIVATE talus_internal cmocka)
    target_include_directories(${program} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_compile_definitions(${program} PRIVATE
        $<TARGET_PROPERTY:test_unit_sync${suffix},INTERFACE_COMPILE_DEFINITIONS> TL_MUTANT_${name}=1)
    set(test_name unit.sync_${suite}${suffix}.mutant.${name})
    add_test(NAME ${test_name} COMMAND ${program})
    set_tests_properties(${test_name} PROPERTIES LABELS "unit;mutant" TIMEOUT 120
        PASS_REGULAR_EXPRESSION "FAILED  .*${test}")
endfunction()
if(NOT TALUS_SANITIZE AND NOT CMAKE_CROSSCOMPILING) # it waits ten seconds for a wake that does not come
    talus_add_sync_mutant(lock_no_wake lock "" a_release_wakes_who_sleeps)
endif()

if(TALUS_SPURIOUS) # then the first ones are those where exchanges fail
    return()
endif()
talus_add_sync_tests("_spurious" TL_SPURIOUS=1)
talus_add_sync_mutant(lock_try_weak lock _spurious free_lock_is_had_at_once)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^mips" AND NOT TALUS_ARCH STREQUAL "c11")
    talus_add_sync_mutant(mips_no_retry atomic _spurious no_update_is_lost)
endif()
