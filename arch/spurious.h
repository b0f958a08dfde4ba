/* spurious.h: attempts that fail although nothing stood in their way, on purpose and often.
 *
 * 1 Purpose    A store-conditional may fail at any time: an interrupt came, the line was lost. x86
 *              has none, and QEMU's fails only when the value changed, so code that cannot bear
 *              such a failure would pass every test there. With TL_SPURIOUS=1 (cmake
 *              -DTALUS_SPURIOUS=ON) every second weak compare-exchange fails, and on MIPS the SC in
 *              the loop of every strong operation fails 0 to 3 times in a row.
 * 2 Bounded    A strong operation never fails more than 3 times in a row: what the CPU promises,
 *              that a loop of LL and SC comes to an end, this does not take away.
 * 3 Random     A sequence for each thread (xorshift), from the address of its state. It is drawn
 *              before the attempt: between LL and SC nothing may touch memory.
 * 4 Contexts   Any. A handler that draws in the midst of a draw changes what comes, and no more. */
#ifndef TL_ARCH_SPURIOUS_H
#define TL_ARCH_SPURIOUS_H

#include "arch/compiler.h"

#ifndef TL_SPURIOUS
#define TL_SPURIOUS 0
#endif

#if TL_SPURIOUS

struct tl_spurious {
    uint32_t state;  /* 0: not begun */
    uint32_t struck; /* attempts that failed on purpose, in operations of this source file */
};

static _Thread_local struct tl_spurious tl_spurious;

static TL_ALWAYS_INLINE uint32_t tl_spurious_draw(void)
{
    uint32_t x = tl_spurious.state;

    if (x == 0)
        x = (uint32_t)(uintptr_t)&tl_spurious | 1;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    tl_spurious.state = x;
    return x;
}

/* How often the coming operation is to fail before it may succeed: 0 to `most`, a power of two less
 * one. */
static TL_ALWAYS_INLINE int tl_spurious_due(uint32_t most)
{
    return (int)((tl_spurious_draw() >> 16) & most);
}

/* Of `due` failures `left` had no turn (negative: the operation went on after the last one). */
static TL_ALWAYS_INLINE void tl_spurious_count(int due, int left)
{
    tl_spurious.struck += (uint32_t)(due - (left > 0 ? left : 0));
}

#else

static TL_ALWAYS_INLINE int tl_spurious_due(uint32_t most)
{
    (void)most;
    return 0;
}

static TL_ALWAYS_INLINE void tl_spurious_count(int due, int left)
{
    (void)due;
    (void)left;
}

#endif

/* Whether the coming attempt fails. */
static TL_ALWAYS_INLINE bool tl_spurious_strikes(void)
{
    int due = tl_spurious_due(1);

    tl_spurious_count(due, 0);
    return due != 0;
}

#endif
