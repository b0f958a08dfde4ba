/* options.h: TALUS_OPTIONS=name=value,... read once, at the first call (docs/man). Context: thread,
 * during tl_init. */
#ifndef TL_CORE_OPTIONS_H
#define TL_CORE_OPTIONS_H

#include "core/report.h"

struct tl_options {
    size_t                limit;    /* bytes; 0: none */
    size_t                growth;   /* bytes; 0: rising with the heap */
    size_t                decay_ms; /* 0: the default */
    bool                  keep_pages;
    bool                  purge_thread;
    bool                  stats;
    enum tl_misuse_policy misuse;
    char                  stats_file[512]; /* "": none */
};

/* Reads `text` (NULL: nothing set). What cannot be understood is reported, with the nearest right
 * name, and left out. */
void tl_options_read(const char *text, struct tl_options *options);

#endif
