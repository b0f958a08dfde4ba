# The unit tests of arch/ and sync/: each is linked with those two alone, once as the build chose the atomics and once on C11's.
file(GLOB sync_sources CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/sync/*.c ${PROJECT_SOURCE_DIR}/arch/port/linux/*.c)

function(talus_add_sync_tests suffix)
    add_library(test_unit_sync${suffix} STATIC ${sync_sources} sync_stubs.c)
    target_link_libraries(test_unit_sync${suffix} PUBLIC talus_internal)
    target_include_directories(test_unit_sync${suffix} PUBLIC ${PROJECT_SOURCE_DIR}/tests)
    target_compile_definitions(test_unit_sync${suffix} PUBLIC ${ARGN})
    foreach(name atomic lock inbox claim once event seqcount counter port)
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
