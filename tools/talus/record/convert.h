/* convert.h: from the raw file of a recording to a trace. */
#ifndef TALUS_TOOLS_CONVERT_H
#define TALUS_TOOLS_CONVERT_H

#include <stdint.h>
#include <stdio.h>

struct tl_convert_result {
    uint64_t events, threads, bytes;
    uint64_t unknown;  /* calls on blocks from before the recording; left out */
    uint64_t implicit; /* frees that were not seen, known by the address' next use; put in */
};

/* Writes the trace of `raw` (a path) to `to`; `command` is kept in it for people. Returns NULL, or
 * what went wrong. */
const char *tl_convert(const char *raw, FILE *to, const char *command,
                       struct tl_convert_result *result);

#endif
