/* part_seqcount.c: sync/seqcount.h under preemption: readers never keep a mixture of two writes,
 * though writers lose their CPU in between. */
#include "arch/port/bare/console.h"
#include "arch/port/bare/machine.h"
#include "sync/claim.h"
#include "sync/counter.h"
#include "sync/seqcount.h"
#include "tests/bare/parts.h"

enum { WORDS = 4 };

static struct tl_claim    writers;      /* their lock */
static struct tl_seqcount count;        /* the claim's holder writes */
static tl_atomic_word     words[WORDS]; /* atomic: word i is (i + 1) times the first */
static struct tl_counter  writes, again;

static BARE_WATCHED void write(uintptr_t number)
{
    tl_seqcount_write_begin(&count);
    for (unsigned i = 0; i < WORDS; i++) {
        tl_seqcount_put(&words[i], number * (i + 1));
        linger(2);
    }
    tl_seqcount_write_end(&count);
}

/* Returns how often it read again. */
static BARE_WATCHED unsigned read(uintptr_t kept[WORDS])
{
    unsigned turns = 0;
    uint32_t sequence;

    for (;;) {
        sequence = tl_seqcount_read_begin(&count);
        for (unsigned i = 0; i < WORDS; i++)
            kept[i] = tl_seqcount_get(&words[i]);
        if (!tl_seqcount_read_retry(&count, sequence) || run.bug == BUG_UNRETRIED)
            return turns;
        turns++;
    }
}

static void work(unsigned thread, struct st_rng *rng)
{
    uintptr_t kept[WORDS];

    for (uint32_t i = 0; i < run.iterations; i++) {
        if (st_rng_one_in(rng, 4) && tl_claim_try(&writers)) {
            write((uintptr_t)i * run.threads + thread);
            tl_claim_drop(&writers);
            tl_counter_add_shared(&writes, 1);
        }
        tl_counter_add_shared(&again, read(kept));
        for (unsigned j = 1; j < WORDS; j++)
            if (kept[j] != kept[0] * (j + 1))
                finding("seqcount: words of two writes");
    }
    count_operations(run.iterations);
}

static void judge(void)
{
    if (tl_counter_read(&writes) == 0)
        finding("seqcount: nobody wrote");
    bare_print("seqcount: %lu writes, %lu reads made again\n",
               (unsigned long)tl_counter_read(&writes), (unsigned long)tl_counter_read(&again));
}

const struct part part_seqcount = { "seqcount", NULL, work, NULL, judge };
