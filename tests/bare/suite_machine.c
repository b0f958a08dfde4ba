/* suite_machine.c: the suite `machine`: the ground that everything else in an image stands on: the
 * atomic operations, pinning, and the headers of sync/ that wait for nobody. */
#include "tests/bare/parts.h"

static const struct part *const parts[] = { &part_attempt, &part_add,      &part_swap,
                                            &part_publish, &part_pinned,   &part_inbox,
                                            &part_claim,   &part_seqcount, NULL };

const struct suite machine_suite = { "machine", parts };
