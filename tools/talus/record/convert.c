/* convert.c: makes a trace (tape.h) of a raw recording (raw.h).
 * 1 Purpose     Goes through the events in the order of their tickets, gives each block a slot, and
 *               appends to each thread's stream what it did.
 * 2 Slots       A thread takes the slot it freed last; beyond OWN_SLOTS_MAX it leaves its slots to
 *               all, from the second epoch after: then the free was before in every replay.
 * 3 Threads     The first thread's stream starts another one where that one's first event is, and
 *               waits for its end after its last event, if it was seen to end.
 * 4 Memory      32 bytes an event in the mapped raw file, 8 for the order. */
#define _GNU_SOURCE
#include "tools/talus/record/convert.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/talus/record/raw.h"
#include "tools/talus/record/tape.h"

#define NONE          UINT32_MAX
#define OWN_SLOTS_MAX 256u

/* A live block, in a table by its address (0: no block). */
struct block {
    uint64_t address;
    uint32_t slot, thread; /* the thread that allocated it */
};

struct slot {
    uint64_t generation;
    uint64_t freed_epoch; /* of a slot that is left to all */
    uint32_t next_free;
};

struct thread {
    uint8_t     *bytes;
    size_t       length, room;
    uint64_t     slot, epoch; /* what the next event's are relative to */
    uint64_t     first, last; /* tickets */
    uint32_t     free_slot;   /* the one freed last, or NONE */
    uint32_t     free_count;
    struct block moving; /* between the two halves of a realloc */
    bool         seen, ended, entered;
};

struct converter {
    const struct tl_raw_event *raw;
    size_t                     raw_count;
    uint64_t                  *order; /* by ticket: index in raw, 0 for none */
    uint64_t                   tickets;
    struct thread             *threads;
    uint32_t                   thread_count;
    struct block              *blocks;
    size_t                     block_mask, block_count;
    struct slot               *slots;
    uint32_t                   slot_count, slot_room;
    uint32_t                   oldest, newest; /* of the slots that are left to all, or NONE */
    uint64_t                   position;       /* events emitted */
    uint64_t                   allocations, frees;
    bool                       no_memory;
    struct tl_convert_result  *result;
};

/* --- streams ---------------------------------------------------------------------------------- */

static void put_varint(struct converter *all, struct thread *thread, uint64_t value)
{
    if (thread->room - thread->length < 10) {
        size_t   room = thread->room * 2 + 256;
        uint8_t *bytes = realloc(thread->bytes, room);
        if (bytes == NULL) {
            all->no_memory = true;
            return;
        }
        thread->bytes = bytes;
        thread->room = room;
    }
    for (; value >= 0x80; value >>= 7)
        thread->bytes[thread->length++] = (uint8_t)(value | 0x80);
    thread->bytes[thread->length++] = (uint8_t)value;
}

static void enter_epoch(struct converter *all, struct thread *thread)
{
    uint64_t epoch = all->position / TL_TAPE_EPOCH;
    if (thread->entered && thread->epoch == epoch)
        return;
    put_varint(all, thread, (epoch - thread->epoch) << 4 | TL_TAPE_EPOCH_NEXT);
    thread->epoch = epoch;
    thread->entered = true;
}

/* The first word of an event about a block. */
static void put_event(struct converter *all, struct thread *thread, enum tl_tape_op op,
                      uint32_t slot)
{
    int64_t  step = (int64_t)slot - (int64_t)thread->slot;
    uint64_t zigzag = (uint64_t)step << 1 ^ (uint64_t)(step >> 63);
    enter_epoch(all, thread);
    put_varint(all, thread, zigzag << 4 | (uint64_t)op);
    thread->slot = slot;
    all->position++;
}

/* --- live blocks ------------------------------------------------------------------------------ */

static size_t home_of(const struct converter *all, uint64_t address)
{
    return (address * UINT64_C(0x9e3779b97f4a7c15) >> 20) & all->block_mask;
}

static void insert_block(struct converter *all, struct block block)
{
    if (all->block_count * 2 >= all->block_mask) {
        struct block *old = all->blocks;
        size_t        old_count = old != NULL ? all->block_mask + 1 : 0;
        size_t        count = old_count != 0 ? old_count * 2 : 4096;
        struct block *grown = calloc(count, sizeof *grown);
        if (grown == NULL) {
            all->no_memory = true;
            return;
        }
        all->blocks = grown;
        all->block_mask = count - 1;
        all->block_count = 0;
        for (size_t i = 0; i < old_count; i++) {
            if (old[i].address != 0)
                insert_block(all, old[i]);
        }
        free(old);
    }
    size_t at = home_of(all, block.address);
    while (all->blocks[at].address != 0)
        at = (at + 1) & all->block_mask;
    all->blocks[at] = block;
    all->block_count++;
}

/* Takes a block out of the table; its address is 0 if there is none. */
static struct block remove_block(struct converter *all, uint64_t address)
{
    struct block found = { .address = 0 };
    if (all->blocks == NULL)
        return found;
    size_t at = home_of(all, address);
    while (all->blocks[at].address != 0 && all->blocks[at].address != address)
        at = (at + 1) & all->block_mask;
    found = all->blocks[at];
    if (found.address == 0)
        return found;
    all->block_count--;
    for (size_t from = (at + 1) & all->block_mask; all->blocks[from].address != 0;
         from = (from + 1) & all->block_mask) {
        size_t home = home_of(all, all->blocks[from].address);
        if (((from - home) & all->block_mask) >= ((from - at) & all->block_mask)) {
            all->blocks[at] = all->blocks[from];
            at = from;
        }
    }
    all->blocks[at].address = 0;
    return found;
}

static uint32_t take_slot(struct converter *all, struct thread *thread)
{
    uint32_t slot = thread->free_slot;
    if (slot != NONE) {
        thread->free_slot = all->slots[slot].next_free;
        thread->free_count--;
        return slot;
    }
    slot = all->oldest;
    if (slot != NONE && all->slots[slot].freed_epoch + 2 <= all->position / TL_TAPE_EPOCH) {
        all->oldest = all->slots[slot].next_free;
        return slot;
    }
    if (all->slot_count == all->slot_room) {
        uint32_t     room = all->slot_room * 2 + 1024;
        struct slot *slots = realloc(all->slots, room * sizeof *slots);
        if (slots == NULL) {
            all->no_memory = true;
            return 0;
        }
        all->slots = slots;
        all->slot_room = room;
    }
    all->slots[all->slot_count].generation = 0;
    return all->slot_count++;
}

static void give_slot(struct converter *all, struct thread *thread, uint32_t slot)
{
    if (thread->free_count < OWN_SLOTS_MAX) {
        all->slots[slot].next_free = thread->free_slot;
        thread->free_slot = slot;
        thread->free_count++;
        return;
    }
    all->slots[slot].freed_epoch = thread->epoch;
    all->slots[slot].next_free = NONE;
    if (all->oldest == NONE)
        all->oldest = slot;
    else
        all->slots[all->newest].next_free = slot;
    all->newest = slot;
}

/* --- events ----------------------------------------------------------------------------------- */

static void free_block(struct converter *all, uint32_t number, struct block block)
{
    struct thread *thread = &all->threads[number];
    bool           others = block.thread != number;
    put_event(all, thread, others ? TL_TAPE_FREE_OTHERS : TL_TAPE_FREE, block.slot);
    if (others)
        put_varint(all, thread, all->slots[block.slot].generation);
    give_slot(all, thread, block.slot);
    all->frees++;
}

static void convert_free(struct converter *all, const struct tl_raw_event *event)
{
    struct block block = remove_block(all, event->address);
    if (block.address == 0)
        all->result->unknown++;
    else
        free_block(all, event->thread, block);
}

/* An address that is handed out again was freed where the recording could not see it. */
static void free_unseen(struct converter *all, const struct tl_raw_event *event)
{
    struct block before = remove_block(all, event->address);
    if (before.address == 0)
        return;
    free_block(all, event->thread, before);
    all->result->implicit++;
}

static void convert_allocation(struct converter *all, const struct tl_raw_event *event,
                               enum tl_tape_op op)
{
    struct thread *thread = &all->threads[event->thread];
    free_unseen(all, event);
    uint32_t slot = take_slot(all, thread);
    if (all->no_memory)
        return;
    put_event(all, thread, op, slot);
    if (op == TL_TAPE_ALIGNED)
        put_varint(all, thread, event->align_log2);
    put_varint(all, thread, event->size);
    all->slots[slot].generation++;
    insert_block(all, (struct block){ event->address, slot, event->thread });
    all->allocations++;
}

static void convert_realloc(struct converter *all, const struct tl_raw_event *event)
{
    struct thread *thread = &all->threads[event->thread];
    struct block   block = thread->moving;
    thread->moving.address = 0;
    if (block.address == 0) {
        all->result->unknown++;
        convert_allocation(all, event, TL_TAPE_MALLOC);
        return;
    }
    free_unseen(all, event);
    bool others = block.thread != event->thread;
    put_event(all, thread, others ? TL_TAPE_REALLOC_OTHERS : TL_TAPE_REALLOC, block.slot);
    if (others)
        put_varint(all, thread, all->slots[block.slot].generation);
    put_varint(all, thread, event->size);
    all->slots[block.slot].generation++;
    insert_block(all, (struct block){ event->address, block.slot, event->thread });
    all->allocations++;
}

static void put_start(struct converter *all, uint32_t thread)
{
    enter_epoch(all, &all->threads[0]);
    put_varint(all, &all->threads[0], (uint64_t)thread << 4 | TL_TAPE_START);
}

static void convert_event(struct converter *all, const struct tl_raw_event *event)
{
    struct thread *first = &all->threads[0], *thread = &all->threads[event->thread];
    if (thread != first && event->ticket == thread->first)
        put_start(all, event->thread);
    switch ((enum tl_raw_op)event->op) {
    case TL_RAW_MALLOC:
        convert_allocation(all, event, TL_TAPE_MALLOC);
        break;
    case TL_RAW_CALLOC:
        convert_allocation(all, event, TL_TAPE_CALLOC);
        break;
    case TL_RAW_ALIGNED:
        convert_allocation(all, event, TL_TAPE_ALIGNED);
        break;
    case TL_RAW_REALLOC_FROM:
        thread->moving = remove_block(all, event->address);
        break;
    case TL_RAW_REALLOC_TO:
        convert_realloc(all, event);
        break;
    case TL_RAW_FREE:
        convert_free(all, event);
        break;
    default:
        break;
    }
    if (thread != first && thread->ended && event->ticket == thread->last) {
        enter_epoch(all, first);
        put_varint(all, first, (uint64_t)event->thread << 4 | TL_TAPE_JOIN);
    }
}

/* --- the raw file ----------------------------------------------------------------------------- */

/* Calls `visit` for each event, in the order of the file. */
static void each_event(struct converter *all, void (*visit)(struct converter *, size_t))
{
    for (size_t window = 0; window + TL_RAW_EVENTS <= all->raw_count; window += TL_RAW_EVENTS) {
        const struct tl_raw_event *head = &all->raw[window];
        if (head->op != TL_RAW_HEAD || head->address != TL_RAW_MAGIC)
            continue; /* a thread was stopped before it had written anything */
        for (size_t i = window + 1; i < window + TL_RAW_EVENTS; i++) {
            if (all->raw[i].op <= TL_RAW_HEAD || all->raw[i].op >= TL_RAW_OPS)
                break;
            visit(all, i);
        }
    }
}

static void visit_range(struct converter *all, size_t index)
{
    const struct tl_raw_event *event = &all->raw[index];
    all->tickets = event->ticket >= all->tickets ? event->ticket + 1 : all->tickets;
    all->thread_count = event->thread >= all->thread_count ? event->thread + 1 : all->thread_count;
}

static void visit_order(struct converter *all, size_t index)
{
    const struct tl_raw_event *event = &all->raw[index];
    struct thread             *thread = &all->threads[event->thread];
    all->order[event->ticket] = index;
    if (!thread->seen || event->ticket < thread->first)
        thread->first = event->ticket;
    if (!thread->seen || event->ticket > thread->last)
        thread->last = event->ticket;
    thread->seen = true;
    thread->ended |= event->op == TL_RAW_THREAD_END;
}

static const char *convert_all(struct converter *all)
{
    each_event(all, visit_range);
    if (all->tickets == 0)
        return "the program made no calls that could be recorded: is it linked statically, or "
               "setuid?";
    if (all->tickets > all->raw_count * 16 || all->thread_count > TL_TAPE_THREADS_MAX)
        return "the recording is damaged, or has more than 65536 threads";
    all->order = calloc(all->tickets, sizeof *all->order);
    all->threads = calloc(all->thread_count, sizeof *all->threads);
    if (all->order == NULL || all->threads == NULL)
        return "no memory";
    for (uint32_t i = 0; i < all->thread_count; i++)
        all->threads[i].free_slot = NONE;
    each_event(all, visit_order);
    for (uint64_t ticket = 0; ticket < all->tickets && !all->no_memory; ticket++) {
        if (all->order[ticket] != 0)
            convert_event(all, &all->raw[all->order[ticket]]);
    }
    for (uint32_t i = 1; i < all->thread_count; i++) {
        if (!all->threads[i].seen) /* stopped before its first event was written */
            put_start(all, i);
    }
    return all->no_memory ? "no memory" : NULL;
}

/* --- the trace -------------------------------------------------------------------------------- */

static void write_out(struct converter *all, const char *command, struct thread *head, FILE *to)
{
    size_t length = strnlen(command, TL_TAPE_COMMAND_MAX - 1);
    put_varint(all, head, TL_TAPE_VERSION);
    put_varint(all, head, all->thread_count);
    put_varint(all, head, all->slot_count);
    put_varint(all, head, all->position / TL_TAPE_EPOCH + 1);
    put_varint(all, head, all->allocations);
    put_varint(all, head, all->frees);
    put_varint(all, head, length);
    fwrite(TL_TAPE_MAGIC, 1, TL_TAPE_MAGIC_BYTES, to);
    fwrite(head->bytes, 1, head->length, to);
    fwrite(command, 1, length, to);
    for (uint32_t i = 0; i < all->thread_count; i++) {
        head->length = 0;
        put_varint(all, head, all->threads[i].length);
        fwrite(head->bytes, 1, head->length, to);
        if (all->threads[i].length != 0)
            fwrite(all->threads[i].bytes, 1, all->threads[i].length, to);
    }
}

/* `to` is open for reading too: the check sum is of what the file holds. */
static const char *write_tape(struct converter *all, const char *command, FILE *to)
{
    struct thread head = { .bytes = NULL };
    uint64_t      check = 0;
    write_out(all, command, &head, to);
    free(head.bytes);
    long length = ftell(to);
    if (length <= 0 || fflush(to) != 0 || all->no_memory)
        return "the trace cannot be written";
    void *bytes = mmap(NULL, (size_t)length, PROT_READ, MAP_SHARED, fileno(to), 0);
    if (bytes == MAP_FAILED)
        return "the trace cannot be read back";
    check = tl_tape_check(bytes, (size_t)length);
    munmap(bytes, (size_t)length);
    for (unsigned i = 0; i < TL_TAPE_CHECK_BYTES; i++)
        fputc((int)(check >> (8 * i) & 0xff), to);
    all->result->events = all->position;
    all->result->threads = all->thread_count;
    all->result->bytes = (uint64_t)length + TL_TAPE_CHECK_BYTES;
    return fflush(to) == 0 && ferror(to) == 0 ? NULL : "the trace cannot be written";
}

const char *tl_convert(const char *raw, FILE *to, const char *command,
                       struct tl_convert_result *result)
{
    struct converter all = { .result = result, .oldest = NONE };
    struct stat      about;
    const char      *problem = "the raw recording cannot be read";
    int              file = open(raw, O_RDONLY | O_CLOEXEC);
    memset(result, 0, sizeof *result);
    if (file >= 0 && fstat(file, &about) == 0) {
        size_t size = (size_t)about.st_size;
        void  *bytes = size != 0 ? mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0) : NULL;
        if (bytes != MAP_FAILED) {
            all.raw = bytes;
            all.raw_count = size / sizeof *all.raw;
            problem = convert_all(&all);
            problem = problem == NULL ? write_tape(&all, command, to) : problem;
            if (bytes != NULL)
                munmap(bytes, size);
        }
    }
    if (file >= 0)
        close(file);
    for (uint32_t i = 0; all.threads != NULL && i < all.thread_count; i++)
        free(all.threads[i].bytes);
    free(all.threads);
    free(all.order);
    free(all.blocks);
    free(all.slots);
    return problem;
}
