/* list.c: the list of suites; a file of its own, since it draws all of them in. */
#include "stress/suites/suite.h"

static const struct st_suite *const suites[] = { &st_suite_fastpath, &st_suite_remote,
                                                 &st_suite_churn,    &st_suite_mixed,
                                                 &st_suite_flow,     &st_suite_oom,
                                                 &st_suite_reserve };

const struct st_suite *st_suite_list(size_t i)
{
    return i < sizeof(suites) / sizeof(suites[0]) ? suites[i] : NULL;
}
