/* parts.h: the parts of the suite `machine`, each in a file of its name, and one of faults. */
#ifndef TALUS_TESTS_BARE_PARTS_H
#define TALUS_TESTS_BARE_PARTS_H

#include "tests/bare/suite.h"

extern const struct part part_attempt;
extern const struct part part_add;
extern const struct part part_swap;
extern const struct part part_publish;
extern const struct part part_pinned;
extern const struct part part_inbox;
extern const struct part part_claim;
extern const struct part part_seqcount;

/* Before the suite, if the command line asks for a fault. */
extern const struct part part_fault;
bool                     fault_is_asked(void);

#endif
