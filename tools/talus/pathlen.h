/* pathlen.h: instructions per call of several allocators, as `talus pathlen` counts them. */
#ifndef TALUS_TOOLS_PATHLEN_H
#define TALUS_TOOLS_PATHLEN_H

#include "tools/talus/tool.h"

#define TL_PATHLEN_ROWS_MAX 64u

/* What is known of one kind of call on one allocator; calls == 0: nothing. */
struct tl_pathlen_figures {
    size_t calls;
    double median, mean, p999, max;
    double locked, system_calls; /* per call */
};

struct tl_pathlen_row {
    char                      scenario[32], name[40];
    struct tl_pathlen_figures of[TL_PEERS_MAX];
};

struct tl_pathlen {
    struct tl_peer_list   peers; /* these are asked to put off what they do by the clock */
    unsigned              calls; /* of each kind; fewer where they are long */
    const char           *only;  /* scenarios that contain this text; NULL: all */
    struct tl_pathlen_row rows[TL_PATHLEN_ROWS_MAX];
    size_t                row_count;
    bool                  failed; /* some call could not be counted: it was named */
};

/* Counts the calls on all of the peers, into rows. False after a message when there is no such
 * scenario, or no load program. x86-64 only: elsewhere each call fails. */
bool tl_pathlen_count(struct tl_pathlen *all);

#endif
