/* mutants.h: the seeded bugs that the explorer claims. arch/mutants.h declares them all, and says
 * what each breaks. CMakeLists.txt reads the table: the program talus-explore-mutants has all of
 * them in it, each behind a switch, and for each entry there is a test that passes only if the
 * scenario finds the bug and its replay fails again.
 *
 * EX_MUTANT(NAME, SCENARIO, "how it shows")
 *
 * Not here: what is only a weaker order, since an exploration is sequentially consistent. */
#ifndef STRESS_EXPLORE_MUTANTS_H
#define STRESS_EXPLORE_MUTANTS_H

#include <stdbool.h>

#define EX_MUTANTS                                                                        \
    EX_MUTANT(inbox_push_lost, "remote-free", "a batch is linked twice: lost at the end") \
    EX_MUTANT(inbox_drain_split, "remote-free", "a push between load and store is lost")  \
    EX_MUTANT(remote_as_own, "remote-free", "two CPUs on one list: lost, or handed out twice")

/* Switches on the seeded bug in this process. False: there is none of that name in the program. */
bool ex_mutant_switch_on(const char *name);

#endif
