/* any_mutant.h: a build that holds every seeded bug; the environment names the one that is on.
 *
 * 1 Purpose   One build instead of one for each bug. TL_MUTANT_ANY names the header that CMake
 *             generates of arch/mutants.h (talus_any_mutant): there each TL_MUTANT_x is a call of
 *             tl_mutant_is with a number of its own. TALUS_MUTANT=name, read when the process
 *             starts, switches one on.
 * 2 Coverage  TALUS_MUTANTS_REACHED=file: a byte for each bug, 1 when its place in the code was
 *             passed, whether it is on or not. A test that never gets there cannot find the bug, so
 *             it need not be tried. The file is mapped: it holds what children and processes that
 *             crash did, too.
 * 3 Ordering  Relaxed, so that no order is added that could hide a bug. The two pointers are
 *             written before the process has a second thread.
 * 4 Not here  Bugs in assembly (arch/mips): #if, and so a build each. */
#ifndef TL_ARCH_ANY_MUTANT_H
#define TL_ARCH_ANY_MUTANT_H

#include "arch/compiler.h"
#include <stdbool.h>

TL_EXTERN_C TL_HIDDEN int            tl_mutant_chosen; /* 0: none */
TL_EXTERN_C TL_HIDDEN unsigned char *tl_mutants_reached;

static TL_ALWAYS_INLINE bool tl_mutant_is(int number)
{
    /* a store only once: threads would fight for the line else */
    if (TL_UNLIKELY(__atomic_load_n(&tl_mutants_reached[number], __ATOMIC_RELAXED) == 0))
        __atomic_store_n(&tl_mutants_reached[number], 1, __ATOMIC_RELAXED);
    return TL_UNLIKELY(tl_mutant_chosen == number);
}

#endif
