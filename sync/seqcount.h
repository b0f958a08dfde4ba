/* seqcount.h: a few words that are read together far more often than they are written.
 *
 * 1 Use         Writer, under a lock of its own:  tl_seqcount_write_begin; tl_seqcount_put each
 *               word; tl_seqcount_write_end.
 *               Reader:  do { seq = tl_seqcount_read_begin; tl_seqcount_get each word; } while
 *                        (tl_seqcount_read_retry(seq)).
 * 2 State       A sequence: odd while a write is under way.
 * 3 Invariants  A reader whose retry says false has words of one and the same write.
 * 4 Ordering    Without stand-alone fences (ThreadSanitizer does not model them) the words carry
 *               the order: a reader that got a word of a write under way acquires, by that word,
 *               the odd sequence stored before it, and so retries.
 * 5 Locks       Readers none; they wait for a writer under way by spinning, so a writer must not
 *               sleep in between.
 * 6 Contexts    Reader: thread, or any context that cannot have interrupted the writer. Writer: as
 *               its lock. */
#ifndef TL_SYNC_SEQCOUNT_H
#define TL_SYNC_SEQCOUNT_H

#include "arch/atomic.h"
#include "arch/cpu.h"

/* Zero-filled memory is a valid seqcount. */
struct tl_seqcount {
    tl_atomic_u32 sequence; /* atomic: written by the writer alone; odd: a write is under way */
};

static inline void tl_seqcount_write_begin(struct tl_seqcount *count)
{
    uint32_t sequence = tl_load32_relaxed(
        &count->sequence); /* relaxed: our own, or handed over by the writers' lock */

    TL_ASSERT((sequence & 1) == 0);
    tl_store32_relaxed(&count->sequence,
                       sequence + 1); /* relaxed: published by each tl_seqcount_put that follows */
}

static inline void tl_seqcount_write_end(struct tl_seqcount *count)
{
    uint32_t sequence = tl_load32_relaxed(&count->sequence); /* relaxed: our own */

    TL_ASSERT((sequence & 1) == 1);
    if (TL_MUTANT_seqcount_end_relaxed)
        tl_store32_relaxed(&count->sequence, sequence + 1);
    else
        tl_store32_release(&count->sequence, sequence + 1); /* pairs with tl_seqcount_read_begin */
}

/* Writes one word between begin and end. */
static inline void tl_seqcount_put(tl_atomic_word *word, uintptr_t value)
{
    TL_PREEMPT_POINT(seqcount_put);
    if (TL_MUTANT_seqcount_put_relaxed)
        tl_store_relaxed(word, value);
    else
        tl_store_release(word, value); /* pairs with tl_seqcount_get: carries the odd sequence */
}

/* Reads one word between begin and retry. */
static inline uintptr_t tl_seqcount_get(const tl_atomic_word *word)
{
    TL_PREEMPT_POINT(seqcount_get);
    if (TL_MUTANT_seqcount_get_relaxed)
        return tl_load_relaxed(word);
    return tl_load_acquire(word); /* pairs with tl_seqcount_put */
}

static inline uint32_t tl_seqcount_read_begin(const struct tl_seqcount *count)
{
    uint32_t sequence;

    while ((sequence = tl_load32_acquire(&count->sequence)) &
           1) /* pairs with tl_seqcount_write_end */
        tl_cpu_relax();
    return sequence;
}

/* True: what was read since read_begin may be a mixture; read again. */
static inline bool tl_seqcount_read_retry(const struct tl_seqcount *count, uint32_t sequence)
{
    return tl_load32_relaxed(&count->sequence) !=
           sequence; /* relaxed: ordered behind the acquires of the words */
}

#endif
