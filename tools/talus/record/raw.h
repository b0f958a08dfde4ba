/* raw.h: what libtalus-record.so leaves behind, for `talus record` to make a trace of.
 * 1 Purpose     The raw file is a row of windows of TL_RAW_WINDOW bytes. A thread has its own
 *               mapped and stores events into it: nothing needs to be flushed, so a program that is
 *               killed leaves what it did. The first event of a window is its head; an event with
 *               op 0 ends it.
 * 2 Order       Each event has a ticket of one counter of the process: taken before a block is
 *               given back, and after one was received. So the tickets of an address alternate, and
 *               sorting by ticket gives one order in which every block exists before it is freed.
 *               */
#ifndef TALUS_TOOLS_RAW_H
#define TALUS_TOOLS_RAW_H

#include <stdint.h>

#define TL_RAW_WINDOW 65536u
#define TL_RAW_EVENTS (TL_RAW_WINDOW / sizeof(struct tl_raw_event))
#define TL_RAW_MAGIC  UINT64_C(0x7761725375746c61) /* "altusraw", in a head's address */

/* Environment of the recorded program. */
#define TL_RECORD_FILE    "TALUS_RECORD_FILE"    /* path of the raw file */
#define TL_RECORD_PID     "TALUS_RECORD_PID"     /* the process to record; or, if set, */
#define TL_RECORD_PROGRAM "TALUS_RECORD_PROGRAM" /* the first one of this program's name */

enum tl_raw_op {
    TL_RAW_NONE = 0,
    TL_RAW_HEAD,
    TL_RAW_MALLOC,
    TL_RAW_CALLOC,       /* size: of all elements */
    TL_RAW_ALIGNED,      /* any of the aligned kinds */
    TL_RAW_REALLOC_FROM, /* address: the old block's; the next event of the thread is: */
    TL_RAW_REALLOC_TO,
    TL_RAW_FREE,
    TL_RAW_THREAD_END,
    TL_RAW_OPS,
};

struct tl_raw_event {
    uint64_t ticket;
    uint64_t address;
    uint64_t size;
    uint32_t thread; /* counted from 0 in the order of first calls */
    uint16_t align_log2;
    uint16_t op; /* stored last */
};
_Static_assert(sizeof(struct tl_raw_event) == 32, "a window holds a whole number of events");

#endif
