# Runs PROGRAM with ARGUMENTS, through EMULATOR where there is one: it must end, fail, and say, or end in, what SAYS fits. ROUNDS:
# so often it may be tried, where it finds nothing or comes to no end in SECONDS: when and what a bug breaks the scheduler
# decides.
if(NOT SECONDS)
    set(SECONDS 60)
endif()
if(NOT ROUNDS)
    set(ROUNDS 1)
endif()
if(NOT EXISTS "${PROGRAM}" OR "" MATCHES "${SAYS}") # neither shows anything
    message(FATAL_ERROR "not a program: '${PROGRAM}'; or fits whatever it says: '${SAYS}'")
endif()
separate_arguments(EMULATOR UNIX_COMMAND "${EMULATOR}")
foreach(round RANGE 1 ${ROUNDS})
    execute_process(COMMAND ${EMULATOR} ${PROGRAM} ${ARGUMENTS} RESULT_VARIABLE result
        OUTPUT_VARIABLE output ERROR_VARIABLE output
        TIMEOUT ${SECONDS})
    set(rounds ${round})
    if(NOT result STREQUAL "0" AND NOT result MATCHES "timeout")
        break()
    endif()
endforeach()
if(result STREQUAL "0" OR NOT "${result}\n${output}" MATCHES "${SAYS}")
    message(FATAL_ERROR "nothing found that fits '${SAYS}' in ${rounds} rounds; ended with '${result}':\n${output}")
endif()
message("ended with, in round ${rounds}: ${result}\n${output}")
