/* tape.c: reading a trace; see tape.h. Nothing in the file is believed before it was looked at. */
#define _GNU_SOURCE
#include "tools/talus/record/tape.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *complain(const char *format, ...)
{
    static char text[160];
    va_list     arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return text;
}

uint64_t tl_tape_check(const uint8_t *bytes, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t read_varint(struct tl_tape_stream *stream)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (stream->at == stream->end)
            break;
        uint8_t byte = *stream->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    stream->broken = true;
    return 0;
}

bool tl_tape_next(struct tl_tape_stream *stream, struct tl_tape_event *event)
{
    if (stream->at == stream->end)
        return false;
    uint64_t head = read_varint(stream), rest = head >> 4;
    event->op = (enum tl_tape_op)(head & 15);
    event->slot = rest;
    switch (event->op) {
    case TL_TAPE_START:
    case TL_TAPE_JOIN:
        return !stream->broken;
    case TL_TAPE_EPOCH_NEXT:
        stream->epoch += rest;
        event->slot = stream->epoch;
        return !stream->broken;
    default:
        break;
    }
    stream->slot += (rest >> 1) ^ (0 - (rest & 1)); /* zigzag */
    event->slot = stream->slot;
    if (event->op == TL_TAPE_ALIGNED)
        event->align_log2 = (uint32_t)read_varint(stream);
    if (event->op == TL_TAPE_REALLOC_OTHERS || event->op == TL_TAPE_FREE_OTHERS)
        event->generation = read_varint(stream);
    if (event->op != TL_TAPE_FREE && event->op != TL_TAPE_FREE_OTHERS)
        event->size = read_varint(stream);
    stream->broken |= event->op < TL_TAPE_MALLOC || event->op >= TL_TAPE_OPS;
    return !stream->broken;
}

/* What a replay relies on: slots, epochs and threads that are there, each thread started once. */
static bool check_stream(struct tl_tape *tape, uint64_t thread, uint8_t *started)
{
    struct tl_tape_stream stream = tape->streams[thread];
    struct tl_tape_event  event = { .op = TL_TAPE_MALLOC };
    bool                  entered = false;
    while (tl_tape_next(&stream, &event)) {
        switch (event.op) {
        case TL_TAPE_EPOCH_NEXT:
            entered = true;
            if (event.slot >= tape->epochs)
                return false;
            break;
        case TL_TAPE_START:
        case TL_TAPE_JOIN:
            if (thread != 0 || event.slot == 0 || event.slot >= tape->threads ||
                started[event.slot]++ != (event.op == TL_TAPE_JOIN))
                return false;
            break;
        default:
            if (event.slot >= tape->slots || event.align_log2 > 40 || event.size > PTRDIFF_MAX)
                return false;
        }
        if (!entered)
            return false;
        tape->counts[event.op]++;
    }
    return !stream.broken;
}

static const char *check_events(struct tl_tape *tape, uint64_t allocations, uint64_t frees)
{
    static uint8_t started[TL_TAPE_THREADS_MAX];
    memset(started, 0, sizeof started);
    for (uint64_t thread = 0; thread < tape->threads; thread++) {
        if (!check_stream(tape, thread, started))
            return complain("the events of thread %llu make no sense", (unsigned long long)thread);
    }
    for (uint64_t thread = 1; thread < tape->threads; thread++) {
        if (started[thread] == 0)
            return complain("thread %llu is never started", (unsigned long long)thread);
    }
    if (tl_tape_allocations(tape) != allocations || tl_tape_frees(tape) != frees)
        return "its head counts other events than it holds";
    return NULL;
}

static const char *check_head(struct tl_tape *tape)
{
    uint64_t kept = 0;
    if (tape->length < TL_TAPE_MAGIC_BYTES + 1 ||
        memcmp(tape->bytes, TL_TAPE_MAGIC, TL_TAPE_MAGIC_BYTES) != 0)
        return "no trace of talus record";
    struct tl_tape_stream head = { .at = tape->bytes + TL_TAPE_MAGIC_BYTES,
                                   .end = tape->bytes + tape->length };
    uint64_t              version = read_varint(&head);
    if (version != TL_TAPE_VERSION)
        return complain("version %llu of the format; this program reads version %u",
                        (unsigned long long)version, TL_TAPE_VERSION);
    if (tape->length < TL_TAPE_MAGIC_BYTES + 1 + TL_TAPE_CHECK_BYTES)
        return "truncated";
    head.end -= TL_TAPE_CHECK_BYTES;
    for (unsigned i = 0; i < TL_TAPE_CHECK_BYTES; i++)
        kept |= (uint64_t)head.end[i] << (8 * i);
    if (tl_tape_check(tape->bytes, (size_t)(head.end - tape->bytes)) != kept)
        return "truncated or damaged: its check sum is wrong";
    tape->threads = read_varint(&head);
    tape->slots = read_varint(&head);
    tape->epochs = read_varint(&head);
    uint64_t allocations = read_varint(&head), frees = read_varint(&head);
    uint64_t length = read_varint(&head);
    if (head.broken || length > (uint64_t)(head.end - head.at) || tape->threads == 0 ||
        tape->threads > TL_TAPE_THREADS_MAX || tape->slots > allocations + 1 ||
        tape->epochs > (allocations + frees) / TL_TAPE_EPOCH + 2)
        return "its head makes no sense";
    snprintf(tape->command, sizeof tape->command, "%.*s", (int)length, (const char *)head.at);
    head.at += length;
    tape->streams = mmap(NULL, tape->threads * sizeof *tape->streams, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (tape->streams == MAP_FAILED) {
        tape->streams = NULL;
        return "no memory for it";
    }
    for (uint64_t thread = 0; thread < tape->threads; thread++) {
        length = read_varint(&head);
        if (head.broken || length > (uint64_t)(head.end - head.at))
            return "its streams make no sense";
        tape->streams[thread] = (struct tl_tape_stream){ .at = head.at, .end = head.at + length };
        head.at += length;
    }
    return head.at != head.end ? "more in it than its head says"
                               : check_events(tape, allocations, frees);
}

static const char *read_file(struct tl_tape *tape, int file)
{
    struct stat about;
    if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode))
        return "no file";
    if (about.st_size == 0)
        return "empty";
    tape->bytes = mmap(NULL, (size_t)about.st_size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (tape->bytes == MAP_FAILED) {
        tape->bytes = NULL;
        return "no memory for it";
    }
    size_t size = (size_t)about.st_size;
    tape->length = size;
    for (size_t have = 0; have < size;) {
        ssize_t got = read(file, tape->bytes + have, size - have);
        if (got <= 0)
            return got < 0 ? strerror(errno) : "truncated while it was read";
        have += (size_t)got;
    }
    return check_head(tape);
}

const char *tl_tape_open(struct tl_tape *tape, const char *path)
{
    memset(tape, 0, sizeof *tape);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return strerror(errno);
    const char *problem = read_file(tape, file);
    close(file);
    if (problem != NULL)
        tl_tape_close(tape);
    return problem;
}

void tl_tape_close(struct tl_tape *tape)
{
    if (tape->streams != NULL)
        munmap(tape->streams, tape->threads * sizeof *tape->streams);
    if (tape->bytes != NULL)
        munmap(tape->bytes, tape->length);
    tape->streams = NULL;
    tape->bytes = NULL;
}

uint64_t tl_tape_allocations(const struct tl_tape *tape)
{
    return tape->counts[TL_TAPE_MALLOC] + tape->counts[TL_TAPE_CALLOC] +
           tape->counts[TL_TAPE_ALIGNED] + tape->counts[TL_TAPE_REALLOC] +
           tape->counts[TL_TAPE_REALLOC_OTHERS];
}

uint64_t tl_tape_frees(const struct tl_tape *tape)
{
    return tape->counts[TL_TAPE_FREE] + tape->counts[TL_TAPE_FREE_OTHERS];
}
