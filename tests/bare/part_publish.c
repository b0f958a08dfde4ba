/* part_publish.c: loads and stores in every order and both widths: who acquires a number that was
 * released sees what was written before it, and no value runs backwards. Where the emulating CPU
 * keeps stores in order by itself this shows the operations' logic alone. */
#include "arch/atomic.h"
#include "arch/port/bare/machine.h"
#include "tests/bare/parts.h"

/* Written by one thread, read by all. */
static struct {
    TL_CACHE_LINE
    tl_atomic_word data, flag;     /* atomic: data before flag */
    tl_atomic_u32  data32, flag32; /* the same, in the other width */
} letters[THREADS_MAX];

static BARE_WATCHED void publish(unsigned thread, uint32_t number)
{
    tl_store_relaxed(&letters[thread].data, number);
    tl_store_release(&letters[thread].flag, number); /* pairs with the acquire in read_letter */
    tl_store32_relaxed(&letters[thread].data32, number);
    tl_store32_release(&letters[thread].flag32, number); /* the same */
    if (!tl_equals_relaxed(&letters[thread].flag, number) ||
        tl_equals_relaxed(&letters[thread].flag, (uintptr_t)number + 1))
        finding("tl_equals: thread %u does not find its own number", thread);
}

static BARE_WATCHED void read_letter(unsigned writer, uint32_t *last, uint32_t *last32)
{
    uintptr_t flag = tl_load_acquire(&letters[writer].flag); /* pairs with publish */
    uintptr_t data = tl_load_relaxed(&letters[writer].data);
    uint32_t  flag32 = tl_load32_acquire(&letters[writer].flag32); /* pairs with publish */
    uint32_t  data32 = tl_load32_relaxed(&letters[writer].data32);

    if (data < flag || data32 < flag32)
        finding("letter of thread %u: flags %lu and %u, data %lu and %u", writer,
                (unsigned long)flag, flag32, (unsigned long)data, data32);
    if (flag < *last || flag32 < *last32)
        finding("letter of thread %u: numbers ran backwards", writer);
    *last = (uint32_t)flag;
    *last32 = flag32;
}

static void work(unsigned thread, struct st_rng *rng)
{
    for (uint32_t i = 1; i <= run.iterations; i++) {
        unsigned writer = st_rng_below(rng, run.threads);
        uint32_t last = 0, last32 = 0;

        publish(thread, i);
        for (int reads = 0; reads < 4; reads++)
            read_letter(writer, &last, &last32);
    }
    count_operations(run.iterations * (6 + 4 * 4));
}

static void judge(void)
{
    for (unsigned thread = 0; thread < run.threads; thread++) {
        expect_equal("last number", tl_load_acquire(&letters[thread].flag), run.iterations);
        expect_equal("last number, 32 bits", tl_load32_acquire(&letters[thread].flag32),
                     run.iterations);
    }
}

const struct part part_publish = { "publish", NULL, work, NULL, judge };
