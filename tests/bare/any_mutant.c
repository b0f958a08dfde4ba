/* any_mutant.c: an image that holds every seeded bug (cmake -DTALUS_MUTANT=any): mutant= of the
 * command line switches one on, and the run ends with the bugs whose place in the code was passed,
 * on or not. What arch/any_mutant.c is to a process. */
#include "arch/mutants.h"

#include "arch/port/bare/console.h"
#include "arch/port/bare/options.h"
#include "tests/bare/any_mutant.h"

#ifdef TL_MUTANT_ANY

static const char *const names[] = { "none", TL_MUTANT_NAMES };

enum { COUNT = sizeof names / sizeof names[0] };

static unsigned char reached[COUNT];

int            tl_mutant_chosen;
unsigned char *tl_mutants_reached = reached;

void any_mutant_choose(void)
{
    tl_mutant_chosen = (int)bare_option_choice("mutant", names, COUNT, 0);
}

void any_mutant_report(void)
{
    for (unsigned i = 1; i < COUNT; i++)
        if (reached[i] != 0)
            bare_print("reached: %s\n", names[i]);
}

#else

void any_mutant_choose(void)
{
}

void any_mutant_report(void)
{
}

#endif
