/* any_mutant.h: the seeded bug that an image with all of them has switched on; nothing elsewhere.
 * */
#ifndef TALUS_TESTS_BARE_ANY_MUTANT_H
#define TALUS_TESTS_BARE_ANY_MUTANT_H

#ifdef TL_MUTANT_ANY
#define ANY_MUTANT 1
#else
#define ANY_MUTANT 0 /* mutant= is no option then */
#endif

/* CPU 0, when the command line was checked. */
void any_mutant_choose(void);

/* CPU 0, at the end. */
void any_mutant_report(void);

#endif
