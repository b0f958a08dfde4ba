/* mutants.c: the switch of talus-explore-mutants: the core's seeded bugs compare their number in
 * the table with it. */
#include "explore/mutants.h"

#include "arch/atomic.h"

#include <string.h>

int tl_explore_mutant; /* 0: none */

bool ex_mutant_switch_on(const char *name)
{
#define EX_MUTANT(name, scenario, how) #name,
    static const char *const names[] = { EX_MUTANTS };
#undef EX_MUTANT
    for (size_t i = 0; EX_WITH_MUTANTS && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            tl_explore_mutant = (int)i + 1;
    return tl_explore_mutant != 0;
}
