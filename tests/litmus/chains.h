/* chains.h: litmus shapes of three threads, and of reads and writes that cross: what follows from
 * acquire and release when they are put together, and what does not. */
#ifndef TALUS_LITMUS_CHAINS_H
#define TALUS_LITMUS_CHAINS_H

#include "litmus/cell.h"

/* ---- chain: order that is passed on ---- */

/* Release sequence: whoever takes the value of a read-modify-write takes what the releases below it
 * published, though it is relaxed itself. So pushes lie on top of one another in an inbox, and a
 * waiter marks a word that another will release. */
static inline void chain_publish(struct litmus_cell *cell, uintptr_t *seen)
{
    uintptr_t expected = 0;
    (void)seen;
    litmus_put_payload(cell);
    if (litmus_broken == LITMUS_publish_relaxed)
        (void)tl_cas_relaxed(&cell->x, &expected, 1);
    else
        (void)tl_cas_release(&cell->x, &expected, 1);
}

static inline void chain_mark(struct litmus_cell *cell, uintptr_t *seen)
{
    uintptr_t expected = 1;
    if (litmus_broken == LITMUS_stored_over) {
        seen[0] = tl_load_relaxed(&cell->x);
        if (seen[0] == 1)
            tl_store_relaxed(&cell->x, 2);
    } else {
        seen[0] = tl_cas_relaxed(&cell->x, &expected, 2) ? 1 : 0;
    }
}

static inline void chain_take(struct litmus_cell *cell, uintptr_t *seen)
{
    if (litmus_broken == LITMUS_take_relaxed)
        seen[0] = tl_load_relaxed(&cell->x);
    else
        seen[0] = tl_load_acquire(&cell->x);
    litmus_get_payload(cell, seen);
}

/* Passing on: who takes and then publishes publishes what it took. So a batch that goes through a
 * third thread's hands arrives with its contents. */
static inline void chain_first(struct litmus_cell *cell, uintptr_t *seen)
{
    (void)seen;
    litmus_put_payload(cell);
    tl_store_release(&cell->x, 1);
}

static inline void chain_second(struct litmus_cell *cell, uintptr_t *seen)
{
    seen[0] = litmus_broken == LITMUS_take_relaxed ? tl_load_relaxed(&cell->x)
                                                   : tl_load_acquire(&cell->x);
    if (seen[0] == 0)
        return;
    if (litmus_broken == LITMUS_publish_relaxed)
        tl_store_relaxed(&cell->y, 1);
    else
        tl_store_release(&cell->y, 1);
}

static inline void chain_third(struct litmus_cell *cell, uintptr_t *seen)
{
    seen[0] = tl_load_acquire(&cell->y);
    litmus_get_payload(cell, seen);
}

static inline enum litmus_verdict chain_judge(struct litmus_cell    *cell,
                                              struct litmus_outcome *outcome)
{
    (void)cell;
    return litmus_forbid(litmus_is_payload_missing(outcome->seen[2]));
}

/* Coherence along a chain: who is told, by release and acquire, that another has read a value sees
 * that value or a later one, though both read relaxed. So a freer sees no older owner of a span
 * than the one that handed the block out. */
static inline void chain_write(struct litmus_cell *cell, uintptr_t *seen)
{
    (void)seen;
    tl_store_relaxed(&cell->data, 1);
}

static inline void chain_read_and_tell(struct litmus_cell *cell, uintptr_t *seen)
{
    seen[0] = tl_load_relaxed(&cell->data);
    if (litmus_broken == LITMUS_publish_relaxed)
        tl_store_relaxed(&cell->x, 1);
    else
        tl_store_release(&cell->x, 1);
}

static inline void chain_hear_and_read(struct litmus_cell *cell, uintptr_t *seen)
{
    if (litmus_broken == LITMUS_take_relaxed)
        seen[0] = tl_load_relaxed(&cell->x);
    else
        seen[0] = tl_load_acquire(&cell->x);
    seen[1] = tl_load_relaxed(&cell->data);
}

static inline enum litmus_verdict chain_told_judge(struct litmus_cell    *cell,
                                                   struct litmus_outcome *outcome)
{
    (void)cell;
    return litmus_forbid(outcome->seen[1][0] == 1 && outcome->seen[2][0] == 1 &&
                         outcome->seen[2][1] == 0);
}

/* Writes that follow one another by a hand-over stay in that order (S). So the later of two holders
 * of a cache decides who owns its spans. */
static inline void chain_write_2(struct litmus_cell *cell, uintptr_t *seen)
{
    (void)seen;
    tl_store_relaxed(&cell->data, 2);
    tl_put(&cell->plain, 2);
    if (litmus_broken == LITMUS_publish_relaxed)
        tl_store_relaxed(&cell->x, 1);
    else
        tl_store_release(&cell->x, 1);
}

/* Reads before a hand-over do not see what the next holder writes (load buffering with a release
 * and an acquire). So who lets go of a cache has read all that it wanted of it. */
static inline void chain_read_2(struct litmus_cell *cell, uintptr_t *seen)
{
    seen[0] = tl_load_relaxed(&cell->data);
    seen[1] = tl_get(&cell->plain);
    if (litmus_broken == LITMUS_publish_relaxed)
        tl_store_relaxed(&cell->x, 1);
    else
        tl_store_release(&cell->x, 1);
}

static inline void chain_overwrite(struct litmus_cell *cell, uintptr_t *seen)
{
    seen[0] = litmus_broken == LITMUS_take_relaxed ? tl_load_relaxed(&cell->x)
                                                   : tl_load_acquire(&cell->x);
    if (seen[0] == 0)
        return;
    tl_store_relaxed(&cell->data, 1);
    tl_put(&cell->plain, 1);
}

static inline enum litmus_verdict chain_writes_judge(struct litmus_cell    *cell,
                                                     struct litmus_outcome *outcome)
{
    outcome->last = tl_load_relaxed(&cell->data);
    return litmus_forbid(outcome->seen[1][0] == 1 &&
                         (outcome->last != 1 || tl_get(&cell->plain) != 1));
}

static inline enum litmus_verdict chain_reads_judge(struct litmus_cell    *cell,
                                                    struct litmus_outcome *outcome)
{
    (void)cell;
    return litmus_forbid(outcome->seen[0][0] != 0 || outcome->seen[0][1] != 0);
}

/* Two who each write and then look at what the other wrote, with one exchange of the same word in
 * between (Dekker by a read-modify-write): the later exchange acquires what the earlier released.
 * So a handler that empties a reserve finds that nobody has promised to look (2), or who has looks
 * after it. */
static inline uintptr_t chain_exchange(struct litmus_cell *cell, uint32_t mine)
{
    uint32_t before;
    if (litmus_broken != LITMUS_split)
        return tl_swap32_acq_rel(&cell->x32, mine);
    before = tl_load32_acquire(&cell->x32);
    tl_store32_release(&cell->x32, mine);
    return before;
}

static inline void chain_write_and_ask(struct litmus_cell *cell, uintptr_t *seen)
{
    tl_store_relaxed(&cell->data, 1);
    seen[0] = chain_exchange(cell, 1);
}

static inline void chain_answer_and_look(struct litmus_cell *cell, uintptr_t *seen)
{
    seen[0] = chain_exchange(cell, 2);
    seen[1] = tl_load_relaxed(&cell->data);
}

static inline enum litmus_verdict chain_asked_judge(struct litmus_cell    *cell,
                                                    struct litmus_outcome *outcome)
{
    (void)cell;
    return litmus_forbid(outcome->seen[0][0] != 2 && outcome->seen[1][1] == 0);
}

/* Two who raise one flag, each for a matter of his own, and one who takes the flag down and then
 * looks at both: the flag is raised by a read-modify-write, since one who takes down what was
 * stored has seen the last store's matter alone. */
static inline void chain_raise(struct litmus_cell *cell, tl_atomic_word *matter)
{
    tl_store_relaxed(matter, 1);
    if (litmus_broken == LITMUS_stored_over)
        tl_store32_release(&cell->x32, 1);
    else
        (void)tl_swap32_release(&cell->x32, 1);
}

static inline void chain_raise_for_y(struct litmus_cell *cell, uintptr_t *seen)
{
    (void)seen;
    chain_raise(cell, &cell->y);
}

static inline void chain_raise_for_data(struct litmus_cell *cell, uintptr_t *seen)
{
    (void)seen;
    chain_raise(cell, &cell->data);
}

static inline void chain_take_down(struct litmus_cell *cell, uintptr_t *seen)
{
    seen[0] = tl_swap32_acquire(&cell->x32, 0);
    seen[1] = tl_load_relaxed(&cell->y);
    seen[2] = tl_load_relaxed(&cell->data);
}

/* A flag that is down now was taken down after both were raised. */
static inline enum litmus_verdict chain_raised_judge(struct litmus_cell    *cell,
                                                     struct litmus_outcome *outcome)
{
    const uintptr_t *looker = outcome->seen[2];
    outcome->last = tl_load32_relaxed(&cell->x32);
    return litmus_forbid(outcome->last == 0 && (looker[1] == 0 || looker[2] == 0));
}

/* ---- weak: what C11 allows and nothing in talus relies on; counted, not judged ----
 * Store buffering: both read before either sees the other's write. Release and acquire do not
 * forbid it; an algorithm in the manner of Dekker would need more. sync.purger is where the heap
 * comes near. */
static inline void weak_x_then_y(struct litmus_cell *cell, uintptr_t *seen)
{
    tl_store_release(&cell->x, 1);
    seen[0] = tl_load_acquire(&cell->y);
}

static inline void weak_y_then_x(struct litmus_cell *cell, uintptr_t *seen)
{
    tl_store_release(&cell->y, 1);
    seen[0] = tl_load_acquire(&cell->x);
}

static inline enum litmus_verdict weak_sb_judge(struct litmus_cell    *cell,
                                                struct litmus_outcome *outcome)
{
    (void)cell;
    return outcome->seen[0][0] == 0 && outcome->seen[1][0] == 0 ? LITMUS_WEAK : LITMUS_ALLOWED;
}

/* Load buffering, relaxed: both read what the other writes afterwards. */
static inline void weak_read_x_write_y(struct litmus_cell *cell, uintptr_t *seen)
{
    seen[0] = tl_load_relaxed(&cell->x);
    tl_store_relaxed(&cell->y, 1);
}

static inline void weak_read_y_write_x(struct litmus_cell *cell, uintptr_t *seen)
{
    seen[0] = tl_load_relaxed(&cell->y);
    tl_store_relaxed(&cell->x, 1);
}

static inline enum litmus_verdict weak_lb_judge(struct litmus_cell    *cell,
                                                struct litmus_outcome *outcome)
{
    (void)cell;
    return outcome->seen[0][0] == 1 && outcome->seen[1][0] == 1 ? LITMUS_WEAK : LITMUS_ALLOWED;
}

/* Independent reads of independent writes: two readers disagree which of two writes was first. */
static inline void weak_write_x(struct litmus_cell *cell, uintptr_t *seen)
{
    (void)seen;
    tl_store_release(&cell->x, 1);
}

static inline void weak_write_y(struct litmus_cell *cell, uintptr_t *seen)
{
    (void)seen;
    tl_store_release(&cell->y, 1);
}

static inline void weak_read_x_y(struct litmus_cell *cell, uintptr_t *seen)
{
    seen[0] = tl_load_acquire(&cell->x);
    seen[1] = tl_load_acquire(&cell->y);
}

static inline void weak_read_y_x(struct litmus_cell *cell, uintptr_t *seen)
{
    seen[0] = tl_load_acquire(&cell->y);
    seen[1] = tl_load_acquire(&cell->x);
}

static inline enum litmus_verdict weak_iriw_judge(struct litmus_cell    *cell,
                                                  struct litmus_outcome *outcome)
{
    const uintptr_t *one = outcome->seen[2], *two = outcome->seen[3];
    (void)cell;
    return one[0] == 1 && one[1] == 0 && two[0] == 1 && two[1] == 0 ? LITMUS_WEAK : LITMUS_ALLOWED;
}

#endif
