/* handover.h: litmus shapes over the headers of sync/, used as the core uses them. */
#ifndef TALUS_LITMUS_HANDOVER_H
#define TALUS_LITMUS_HANDOVER_H

#include "litmus/cell.h"

/* ---- the inbox: two push, one drains meanwhile; what is left is drained by the judge ---- */

static inline void inbox_push(struct litmus_cell *cell, uintptr_t *seen, unsigned which)
{
    struct litmus_piece *piece = &cell->piece[which];
    tl_put(&piece->contents, 5 + which);
    tl_put(&piece->link.next, (struct tl_block *)NULL);
    seen[0] = tl_inbox_push_mpsc(&cell->inbox, &piece->link);
}

static inline void inbox_push_0(struct litmus_cell *cell, uintptr_t *seen)
{
    inbox_push(cell, seen, 0);
}

static inline void inbox_push_1(struct litmus_cell *cell, uintptr_t *seen)
{
    inbox_push(cell, seen, 1);
}

/* Counts arrivals. Returns how many of the batches did not look as they were sent; a chain that
 * runs in a circle is as long as it may be. */
static inline uintptr_t inbox_count(struct litmus_cell *cell, struct tl_block *batch)
{
    uintptr_t wrong = 0;
    for (unsigned n = 0; batch != NULL && n < 3; n++) {
        struct litmus_piece *piece = (struct litmus_piece *)batch;
        uintptr_t            which = (uintptr_t)(piece - cell->piece);
        piece->arrivals++;
        wrong += tl_get(&piece->contents) != 5 + which || tl_get(&batch->next) != NULL;
        batch = tl_get(&batch->next_batch);
    }
    return wrong + (batch != NULL);
}

static inline void inbox_drain(struct litmus_cell *cell, uintptr_t *seen)
{
    struct tl_block *batch = tl_inbox_drain(&cell->inbox);
    seen[0] = batch != NULL;
    seen[1] = inbox_count(cell, batch);
    seen[2] = cell->piece[0].arrivals + 2 * cell->piece[1].arrivals;
}

static inline enum litmus_verdict inbox_judge(struct litmus_cell    *cell,
                                              struct litmus_outcome *outcome)
{
    struct tl_block *rest = tl_inbox_drain(&cell->inbox);
    uintptr_t        wrong = outcome->seen[2][1] + inbox_count(cell, rest);
    uintptr_t        lists = outcome->seen[2][0] + (rest != NULL);
    outcome->last = wrong;
    return litmus_forbid(wrong != 0 || cell->piece[0].arrivals != 1 ||
                         cell->piece[1].arrivals != 1 ||
                         outcome->seen[0][0] + outcome->seen[1][0] != lists);
}

/* Two threads alone, so that two CPUs are enough for what gets between two steps: the owner pushes,
 * too. */
static inline void inbox_push_and_drain(struct litmus_cell *cell, uintptr_t *seen)
{
    struct tl_block *batch;
    uintptr_t        was_empty;
    inbox_push(cell, seen, 1);
    was_empty = seen[0];
    batch = tl_inbox_drain(&cell->inbox);
    seen[1] = inbox_count(cell, batch);
    seen[2] = was_empty + 2 * (batch != NULL);
}

static inline enum litmus_verdict inbox_pair_judge(struct litmus_cell    *cell,
                                                   struct litmus_outcome *outcome)
{
    struct tl_block *rest = tl_inbox_drain(&cell->inbox);
    const uintptr_t *owner = outcome->seen[1];
    uintptr_t        lists = owner[2] / 2 + (rest != NULL);
    outcome->last = owner[1] + inbox_count(cell, rest);
    return litmus_forbid(outcome->last != 0 || cell->piece[0].arrivals != 1 ||
                         cell->piece[1].arrivals != 1 ||
                         outcome->seen[0][0] + owner[2] % 2 != lists);
}

/* A batch that its receiver sends on: it carries what its first sender wrote. */
static inline void inbox_pass_on(struct litmus_cell *cell, uintptr_t *seen)
{
    struct tl_block *batch = tl_inbox_drain(&cell->inbox);
    seen[0] = batch != NULL;
    if (batch != NULL)
        (void)tl_inbox_push_mpsc(&cell->next_inbox, batch);
}

static inline void inbox_drain_next(struct litmus_cell *cell, uintptr_t *seen)
{
    struct tl_block *batch = tl_inbox_drain(&cell->next_inbox);
    seen[0] = batch != NULL;
    seen[1] = inbox_count(cell, batch);
}

static inline enum litmus_verdict inbox_passed_judge(struct litmus_cell    *cell,
                                                     struct litmus_outcome *outcome)
{
    uintptr_t wrong = outcome->seen[2][1] + inbox_count(cell, tl_inbox_drain(&cell->inbox)) +
                      inbox_count(cell, tl_inbox_drain(&cell->next_inbox));
    outcome->last = wrong;
    return litmus_forbid(wrong != 0 || cell->piece[0].arrivals != 1);
}

/* ---- change of owner: an owner that leaves, and a claimer that adopts and drops, twice each ----
 * The holder counts uses in a plain field, and writes its own number, relaxed, where the owner of a
 * span would stand: it must find the number of whoever held the claim before. */

static inline uintptr_t claim_use(struct litmus_cell *cell, uintptr_t me)
{
    uintptr_t uses = tl_get(&cell->plain);
    uintptr_t before = tl_load_relaxed(&cell->data);
    tl_put(&cell->plain, uses + 1);
    tl_store_relaxed(&cell->data, uses + 1);
    return before == uses ? me : me + 4; /* 4 or more: an owner of old was seen */
}

static inline void claim_take_and_leave(struct litmus_cell *cell, uintptr_t *seen)
{
    for (unsigned turn = 0; turn < 2; turn++) {
        if (!tl_claim_try(&cell->claim))
            continue;
        tl_claim_enter(&cell->claim);
        seen[turn] = claim_use(cell, 1);
        tl_claim_leave(&cell->claim);
    }
}

static inline void claim_take_and_drop(struct litmus_cell *cell, uintptr_t *seen)
{
    for (unsigned turn = 0; turn < 2; turn++) {
        if (!tl_claim_try(&cell->claim))
            continue;
        seen[turn] = claim_use(cell, 2);
        tl_claim_drop(&cell->claim);
    }
}

static inline enum litmus_verdict claim_judge(struct litmus_cell    *cell,
                                              struct litmus_outcome *outcome)
{
    uintptr_t uses = 0, stale = 0;
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned turn = 0; turn < 2; turn++) {
            uses += outcome->seen[i][turn] != 0;
            stale += outcome->seen[i][turn] >= 4;
        }
    }
    outcome->last = tl_get(&cell->plain);
    return litmus_forbid(stale != 0 || outcome->last != uses);
}

/* ---- the lock ---- */

static inline void lock_enter(struct litmus_cell *cell)
{
    if (litmus_broken != LITMUS_unlocked)
        tl_lock_acquire(&cell->lock);
}

static inline void lock_exit(struct litmus_cell *cell)
{
    if (litmus_broken != LITMUS_unlocked)
        tl_lock_release(&cell->lock);
}

static inline void lock_count(struct litmus_cell *cell, uintptr_t *seen)
{
    lock_enter(cell);
    seen[0] = tl_get(&cell->plain);
    seen[1] = tl_load_relaxed(&cell->data);
    tl_put(&cell->plain, seen[0] + 1);
    tl_store_relaxed(&cell->data, seen[1] + 1);
    lock_exit(cell);
}

static inline enum litmus_verdict lock_judge(struct litmus_cell    *cell,
                                             struct litmus_outcome *outcome)
{
    const uintptr_t *one = outcome->seen[0], *two = outcome->seen[1];
    outcome->last = tl_load_relaxed(&cell->data);
    return litmus_forbid(outcome->last != 2 || tl_get(&cell->plain) != 2 || one[0] + two[0] != 1 ||
                         one[1] + two[1] != 1);
}

/* core/purger.h: the one place where a thread stores to one variable and then reads another, and a
 * second one does the reverse. The thread that goes to sleep says so, relaxed, and then looks for
 * dirt under the lock; who leaves dirt looks under the same lock whether it sleeps. The lock orders
 * the two; without it this is store buffering, and dirt stays behind a sleeper. */
static inline void purger_sleep(struct litmus_cell *cell, uintptr_t *seen)
{
    tl_store32_relaxed(&cell->x32, 1);
    lock_enter(cell);
    seen[0] = tl_load_relaxed(&cell->y);
    lock_exit(cell);
}

static inline void purger_leave_dirt(struct litmus_cell *cell, uintptr_t *seen)
{
    lock_enter(cell);
    tl_store_relaxed(&cell->y, 1);
    seen[0] = tl_load32_relaxed(&cell->x32);
    lock_exit(cell);
}

static inline enum litmus_verdict purger_judge(struct litmus_cell    *cell,
                                               struct litmus_outcome *outcome)
{
    (void)cell;
    return litmus_forbid(outcome->seen[0][0] == 0 && outcome->seen[1][0] == 0);
}

/* ---- once: two want it initialised, one only looks ---- */

static inline void once_begin(struct litmus_cell *cell, uintptr_t *seen)
{
    if (tl_once_begin(&cell->once)) {
        litmus_put_payload(cell);
        tl_once_done(&cell->once);
        return;
    }
    seen[0] = 1;
    litmus_get_payload(cell, seen);
}

static inline void once_look(struct litmus_cell *cell, uintptr_t *seen)
{
    seen[0] = tl_once_is_done(&cell->once);
    litmus_get_payload(cell, seen);
}

static inline enum litmus_verdict once_judge(struct litmus_cell    *cell,
                                             struct litmus_outcome *outcome)
{
    bool missing = false;
    (void)cell;
    for (unsigned i = 0; i < 3; i++)
        missing = missing || litmus_is_payload_missing(outcome->seen[i]);
    return litmus_forbid(missing || outcome->seen[0][0] + outcome->seen[1][0] != 1);
}

/* ---- event: who waited for a signal sees what was made true before it ---- */

static inline void event_signal(struct litmus_cell *cell, uintptr_t *seen)
{
    (void)seen;
    litmus_put_payload(cell);
    tl_event_signal_all(&cell->event);
}

static inline void event_look(struct litmus_cell *cell, uintptr_t *seen)
{
    seen[0] = tl_event_prepare(&cell->event) != 0;
    litmus_get_payload(cell, seen);
}

static inline void event_wait(struct litmus_cell *cell, uintptr_t *seen)
{
    uint32_t ticket = tl_event_prepare(&cell->event);
    while (ticket == 0) {
        tl_event_wait(&cell->event, ticket);
        ticket = tl_event_prepare(&cell->event);
    }
    seen[0] = 1;
    litmus_get_payload(cell, seen);
}

static inline enum litmus_verdict event_judge(struct litmus_cell    *cell,
                                              struct litmus_outcome *outcome)
{
    (void)cell;
    return litmus_forbid(litmus_is_payload_missing(outcome->seen[1]) ||
                         litmus_is_payload_missing(outcome->seen[2]));
}

/* ---- slots: one puts a block and takes one back, another takes one ---- */

static inline struct tl_slots slots_of(struct litmus_cell *cell)
{
    struct tl_slots slots = { &cell->x, 1 };
    return slots;
}

static inline void slots_take(struct litmus_cell *cell, uintptr_t *seen)
{
    struct tl_slots slots = slots_of(cell);
    seen[0] = tl_slots_take(&slots, 0) != NULL;
    litmus_get_payload(cell, seen);
}

static inline void slots_put_and_take(struct litmus_cell *cell, uintptr_t *seen)
{
    struct tl_slots slots = slots_of(cell);
    litmus_put_payload(cell);
    (void)tl_slots_put(&slots, 0, cell); /* into an empty slot */
    slots_take(cell, seen);
}

static inline enum litmus_verdict slots_judge(struct litmus_cell    *cell,
                                              struct litmus_outcome *outcome)
{
    struct tl_slots  slots = slots_of(cell);
    const uintptr_t *one = outcome->seen[0], *two = outcome->seen[1];
    outcome->last = tl_slots_full(&slots);
    return litmus_forbid(one[0] + two[0] + outcome->last != 1 || litmus_is_payload_missing(one) ||
                         litmus_is_payload_missing(two));
}

/* ---- seqcount: a reader gets both words of one write ---- */

static inline void seqcount_write(struct litmus_cell *cell, uintptr_t *seen)
{
    (void)seen;
    for (uintptr_t value = 1; value <= 2; value++) {
        tl_seqcount_write_begin(&cell->seqcount);
        tl_seqcount_put(&cell->x, value);
        tl_seqcount_put(&cell->y, value);
        tl_seqcount_write_end(&cell->seqcount);
    }
}

static inline void seqcount_read(struct litmus_cell *cell, uintptr_t *seen)
{
    uint32_t sequence;
    do {
        sequence = tl_seqcount_read_begin(&cell->seqcount);
        seen[0] = tl_seqcount_get(&cell->x);
        seen[1] = tl_seqcount_get(&cell->y);
    } while (litmus_broken != LITMUS_no_second_look &&
             tl_seqcount_read_retry(&cell->seqcount, sequence));
    seen[2] = sequence / 2;
}

static inline enum litmus_verdict seqcount_judge(struct litmus_cell    *cell,
                                                 struct litmus_outcome *outcome)
{
    const uintptr_t *reader = outcome->seen[1];
    (void)cell;
    return litmus_forbid(reader[0] != reader[1] || reader[0] != reader[2]);
}

#endif
