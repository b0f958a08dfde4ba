/* tape.h: a trace in memory, as `talus record` writes it and talus-replay-load plays it. The format
 * stands in tools/talus/README.md.
 * 1 Purpose     Takes its memory from mmap, so that a replay's malloc sees the replay alone.
 * 2 Slots       A block is named by its slot. A slot is used again only by the thread that freed
 *               its last block, or two epochs later, so the two are in order without waiting; a
 *               thread that frees or resizes another's block waits for the slot's generation, which
 *               the event names.
 * 3 Epochs      Each TL_TAPE_EPOCH events of the recording are an epoch. A thread enters an epoch
 *               when all have left the one before the last: no thread runs far ahead of the rest.
 *               Every wait is for something earlier in the recording, so no replay hangs. */
#ifndef TALUS_TOOLS_TAPE_H
#define TALUS_TOOLS_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TL_TAPE_MAGIC       "taltrace"
#define TL_TAPE_MAGIC_BYTES 8u
#define TL_TAPE_VERSION     1u
#define TL_TAPE_CHECK_BYTES 8u
#define TL_TAPE_EPOCH       16384u
#define TL_TAPE_THREADS_MAX 65536u
#define TL_TAPE_COMMAND_MAX 256u

enum tl_tape_op {
    TL_TAPE_MALLOC = 1,
    TL_TAPE_CALLOC,
    TL_TAPE_ALIGNED,
    TL_TAPE_REALLOC,
    TL_TAPE_FREE,
    TL_TAPE_REALLOC_OTHERS, /* of a block that another thread has allocated */
    TL_TAPE_FREE_OTHERS,
    TL_TAPE_START, /* these two: in the first thread's stream alone */
    TL_TAPE_JOIN,
    TL_TAPE_EPOCH_NEXT,
    TL_TAPE_OPS,
};

struct tl_tape_event {
    enum tl_tape_op op;
    uint64_t        slot; /* or the thread of START and JOIN, or the epoch */
    uint64_t        size;
    uint64_t        generation; /* of the block that a thread other than its own frees or resizes */
    uint32_t        align_log2;
};

/* One thread's events. */
struct tl_tape_stream {
    const uint8_t *at, *end;
    uint64_t       slot, epoch;
    bool           broken; /* an event could not be read */
};

struct tl_tape {
    uint8_t               *bytes; /* the file */
    size_t                 length;
    struct tl_tape_stream *streams; /* each at its beginning */
    uint64_t               threads, slots, epochs;
    uint64_t               counts[TL_TAPE_OPS];
    char                   command[TL_TAPE_COMMAND_MAX];
};

/* Reads a trace, and all of its events once. Returns NULL, or what is wrong with it, as text that
 * lives until the next call. */
const char *tl_tape_open(struct tl_tape *tape, const char *path);
void        tl_tape_close(struct tl_tape *tape);

/* The next event; false at the end, or when the stream is broken. */
bool tl_tape_next(struct tl_tape_stream *stream, struct tl_tape_event *event);

uint64_t tl_tape_check(const uint8_t *bytes, size_t length); /* FNV-1a, 64 bits */
uint64_t tl_tape_allocations(const struct tl_tape *tape);    /* malloc to realloc */
uint64_t tl_tape_frees(const struct tl_tape *tape);

#endif
