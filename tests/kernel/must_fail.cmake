# Runs PROGRAM with ARGUMENTS, which must fail, by whatever way, and must end.
execute_process(COMMAND ${PROGRAM} ${ARGUMENTS} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output
    TIMEOUT 60)
if(NOT result MATCHES "^[1-9][0-9]*$|Segmentation|abort|Bus error|Illegal")
    message(FATAL_ERROR "found nothing; ended with '${result}':\n${output}")
endif()
message("ended with: ${result}\n${output}")
