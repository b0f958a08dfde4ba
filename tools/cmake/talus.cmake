# Flags of the whole tree, and how its libraries are put together.
#
#   talus_internal            INTERFACE: the root of the tree as include path, for code that looks inside
#   talus_add_core(...)       OBJECT library of core, sync and the port; a seeded bug can be compiled in
#   talus_add_kernel_library(...)  libtalus-kernel.a
#   talus_add_library(...)    library around such objects
#   talus_mutant_names(var)   the seeded bugs that arch/mutants.h declares

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-Og -g")
set(CMAKE_CXX_FLAGS_DEBUG "-Og -g")
set(THREADS_PREFER_PTHREAD_FLAG ON)
if(NOT CMAKE_SYSTEM_NAME STREQUAL "Generic")
    find_package(Threads REQUIRED)
endif()

add_compile_options(-Wall -Wextra -Werror -Wshadow
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>)
if(TALUS_DEBUG)
    add_compile_definitions(TL_DEBUG=1)
endif()
if(TALUS_ARCH STREQUAL "c11")
    add_compile_definitions(TL_ARCH_C11=1)
elseif(TALUS_ARCH)
    message(FATAL_ERROR "TALUS_ARCH is '${TALUS_ARCH}'; it can be c11 or empty")
endif()
if(TALUS_SPURIOUS)
    add_compile_definitions(TL_SPURIOUS=1)
endif()
if(TALUS_SANITIZE STREQUAL "thread")
    set(talus_sanitize_flags -fsanitize=thread)
elseif(TALUS_SANITIZE STREQUAL "address")
    # Compiled in half the time, and what the optimizer leaves as it was written is checked as it was written.
    foreach(language C CXX)
        string(REPLACE "-O2" "-O1" CMAKE_${language}_FLAGS_RELEASE "${CMAKE_${language}_FLAGS_RELEASE}")
    endforeach()
    set(talus_sanitize_flags -fsanitize=address,undefined -fno-sanitize-recover=all
        -fno-omit-frame-pointer)
elseif(TALUS_SANITIZE STREQUAL "fuzzer") # what address has, and counters for libFuzzer
    set(talus_sanitize_flags -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_compile_options(-fsanitize=fuzzer-no-link)
elseif(TALUS_SANITIZE)
    message(FATAL_ERROR "TALUS_SANITIZE is '${TALUS_SANITIZE}'; it can be thread, address, fuzzer or empty")
endif()
add_compile_options(${talus_sanitize_flags})
add_link_options(${talus_sanitize_flags})

add_library(talus_internal INTERFACE)
target_include_directories(talus_internal INTERFACE ${PROJECT_SOURCE_DIR}
    ${PROJECT_SOURCE_DIR}/core/include)
target_link_libraries(talus_internal INTERFACE $<TARGET_NAME_IF_EXISTS:Threads::Threads>)

function(talus_mutant_names result)
    set(header ${PROJECT_SOURCE_DIR}/arch/mutants.h)
    set(names "")
    if(EXISTS ${header})
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
        file(STRINGS ${header} lines REGEX "^#define TL_MUTANT_[a-z0-9_]+ 0")
        foreach(line IN LISTS lines)
            string(REGEX REPLACE "^#define TL_MUTANT_([a-z0-9_]+) 0.*" "\\1" name "${line}")
            list(APPEND names ${name})
        endforeach()
    endif()
    set(${result} ${names} PARENT_SCOPE)
endfunction()

# What a build with every seeded bug is compiled with (arch/any_mutant.h).
set(talus_any_mutant ${PROJECT_BINARY_DIR}/any_mutant_names.h)
talus_mutant_names(names)
set(text "#include \"arch/any_mutant.h\"\n")
set(number 0)
foreach(name IN LISTS names)
    math(EXPR number "${number} + 1")
    string(APPEND text "#ifndef TL_MUTANT_${name}\n#define TL_MUTANT_${name} tl_mutant_is(${number})\n#endif\n")
endforeach()
list(JOIN names "\", \"" text_names)
file(CONFIGURE OUTPUT ${talus_any_mutant} CONTENT "${text}#define TL_MUTANT_NAMES \"${text_names}\"\n" @ONLY)
set(talus_any_mutant_definition "TL_MUTANT_ANY=\"${talus_any_mutant}\"")

function(talus_require_mutant name)
    talus_mutant_names(names)
    if(NOT name IN_LIST names)
        list(JOIN names ", " names)
        message(FATAL_ERROR "no seeded bug is called '${name}'; there are: ${names}")
    endif()
endfunction()
if(TALUS_MUTANT STREQUAL "any")
    add_compile_definitions(${talus_any_mutant_definition})
endif()
if(TALUS_MUTANT STREQUAL "any" AND NOT CMAKE_SYSTEM_NAME STREQUAL "Generic") # images: tests/bare/any_mutant.c
    add_library(talus_any_mutant STATIC ${PROJECT_SOURCE_DIR}/arch/any_mutant.c)
    target_include_directories(talus_any_mutant PRIVATE ${PROJECT_SOURCE_DIR})
    set_target_properties(talus_any_mutant PROPERTIES POSITION_INDEPENDENT_CODE ON)
    link_libraries(talus_any_mutant)
elseif(TALUS_MUTANT AND NOT TALUS_MUTANT STREQUAL "any")
    talus_require_mutant(${TALUS_MUTANT})
    add_compile_definitions(TL_MUTANT_${TALUS_MUTANT}=1)
endif()

# What goes into the libraries. Initial-exec: one load from the thread pointer, and no call, on the fast path.
set(talus_library_flags -fvisibility=hidden -fno-plt -fno-semantic-interposition
    -ftls-model=initial-exec -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free)

# A kernel's text is scarce: no padding, no copies of functions but of the shortest and no halves of others, and a
# section for each, so that a linker can leave out what nobody calls. Prologues for whole functions, registers given out
# for whole functions, and no second rounds of common subexpressions, which keep values in registers that prologues
# then save (together 1 % of the text).
set(talus_kernel_flags -ffunction-sections -falign-functions=1 -falign-jumps=1 -falign-loops=1
    -fno-inline-small-functions -fno-partial-inlining -freorder-blocks-algorithm=simple -fno-reorder-blocks-and-partition
    --param=max-inline-insns-single=8 -fno-tree-ch -fno-move-loop-invariants -fno-tree-loop-im -fno-tree-tail-merge
    -fno-shrink-wrap -fira-region=one -fno-expensive-optimizations)
# By CPU. x86 has few registers that survive a call: no value is saved around calls by its user either; and tables lie
# where the ABI asks, not at multiples of 32. On MIPS no trap behind a division (nothing in here divides by 0), and
# structures copied by memcpy; of 32 bits the costs of the plainest core (1 %), conditional moves rather than branches, no
# guesses which way a branch goes that nobody said anything of, and values loaded again rather than kept over a call that
# leaves them alone. What a release or an ABI must allow stands in the toolchain files.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    list(APPEND talus_kernel_flags -fno-caller-saves -malign-data=abi)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^mips(el)?$")
    list(APPEND talus_kernel_flags -mno-check-zero-division -mmemcpy -mtune=24kc -mbranch-cost=10
        -fno-guess-branch-probability -fno-ipa-modref)
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "mips64el")
    list(APPEND talus_kernel_flags -mno-check-zero-division -mmemcpy)
endif()

# talus_add_core(target [KERNEL [SMALL]] [MUTANT name|any] [DEFINITIONS ...]): core/, sync/ and a port as objects: for a process
# (position-independent, the Linux port), or for a kernel (the port of talus/port.h), SMALL for one CPU and a few KiB.
function(talus_add_core target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "KERNEL;SMALL" "MUTANT" "DEFINITIONS")
    if(arg_KERNEL)
        set(front core/kernel)
        set(port arch/port/kernel)
    else()
        set(front core/hosted)
        set(port arch/port/linux)
    endif()
    set(sources "")
    foreach(folder core ${front} sync arch/port ${port})
        file(GLOB more CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.c)
        list(APPEND sources ${more})
    endforeach()
    if(arg_KERNEL AND NOT TALUS_DEBUG) # nothing in it asserts
        list(REMOVE_ITEM sources ${PROJECT_SOURCE_DIR}/arch/port/assert.c)
    endif()
    add_library(${target} OBJECT ${sources})
    target_link_libraries(${target} PUBLIC talus_internal)
    if(arg_KERNEL)
        target_compile_definitions(${target} PUBLIC TL_KERNEL=1)
        target_compile_options(${target} PRIVATE -ffreestanding -fno-asynchronous-unwind-tables
            "$<$<C_COMPILER_ID:GNU>:${talus_kernel_flags}>")
    else()
        target_compile_options(${target} PRIVATE ${talus_library_flags})
        set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    endif()
    if(arg_SMALL)
        target_compile_definitions(${target} PUBLIC TALUS_SMALL=1)
        target_compile_options(${target} PRIVATE -Os)
    endif()
    if(arg_MUTANT STREQUAL "any")
        target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/arch/any_mutant.c)
        target_compile_definitions(${target} PUBLIC ${talus_any_mutant_definition})
    elseif(arg_MUTANT)
        talus_require_mutant(${arg_MUTANT})
        target_compile_definitions(${target} PUBLIC TL_MUTANT_${arg_MUTANT}=1)
    endif()
    if(arg_DEFINITIONS)
        target_compile_definitions(${target} PUBLIC ${arg_DEFINITIONS})
    endif()
endfunction()

# talus_add_kernel_library(target [SMALL]): the heap as a kernel links it: libtalus-kernel.a, libtalus-kernel-small.a. With the
# compiler's headers and ours: what wants a C library does not compile.
function(talus_add_kernel_library target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "SMALL" "" "")
    set(name talus-kernel)
    set(small "")
    if(arg_SMALL)
        set(name talus-kernel-small)
        set(small SMALL)
    endif()
    execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=include OUTPUT_VARIABLE compiler_headers
        OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    talus_add_core(${target}_core KERNEL ${small})
    # Compiled as a whole: what only the heap itself calls is inlined, or called as suits, and known to nobody else.
    set_target_properties(${target}_core PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
    target_compile_options(${target}_core PRIVATE "$<$<C_COMPILER_ID:GNU>:-fwhole-program>")
    target_compile_options(${target}_core PRIVATE -nostdinc -isystem ${compiler_headers})
    add_library(${target} STATIC $<TARGET_OBJECTS:${target}_core>)
    target_compile_definitions(${target} INTERFACE TL_KERNEL=1 $<$<BOOL:${small}>:TALUS_SMALL=1>)
    target_include_directories(${target} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/core/include>)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} LINKER_LANGUAGE C)
endfunction()

# talus_add_library(target core SHARED|STATIC [sources...]): the objects of `core` and the sources given, as one library.
function(talus_add_library target core kind)
    add_library(${target} ${kind} $<TARGET_OBJECTS:${core}> ${ARGN})
    target_link_libraries(${target} PRIVATE talus_internal)
    target_compile_definitions(${target} PRIVATE $<TARGET_PROPERTY:${core},INTERFACE_COMPILE_DEFINITIONS>)
    target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/core/include)
    target_compile_options(${target} PRIVATE ${talus_library_flags})
    target_link_libraries(${target} INTERFACE Threads::Threads)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON LINKER_LANGUAGE C)
    if(kind STREQUAL "SHARED")
        set_target_properties(${target} PROPERTIES VERSION ${PROJECT_VERSION}
            SOVERSION ${PROJECT_VERSION_MAJOR})
        # Bound at start: no call resolves a symbol later. Never unloaded by dlclose: threads that used it
        # call into it when they end. It calls its own functions, also in a program that holds an archive of
        # the same names and shows them to libraries, as every program on MIPS does. Sanitizers leave symbols
        # to the program.
        target_link_options(${target} PRIVATE -Wl,-z,now -Wl,-z,relro -Wl,-z,nodelete
            -Wl,-Bsymbolic-functions)
        if(NOT TALUS_SANITIZE)
            target_link_options(${target} PRIVATE -Wl,-z,defs)
        endif()
    endif()
endfunction()
