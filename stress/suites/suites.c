/* suites.c: the list of suites, and what they share. */
#include "stress/suites/suite.h"

static const struct st_suite *const suites[] = { &st_suite_fastpath, &st_suite_remote,
                                                 &st_suite_churn,    &st_suite_mixed,
                                                 &st_suite_flow,     &st_suite_oom,
                                                 &st_suite_reserve };

const struct st_suite *st_suite_list(size_t i)
{
    return i < sizeof(suites) / sizeof(suites[0]) ? suites[i] : NULL;
}

void st_suite_empty_mailbox(const struct st_run *run, struct st_mailbox *box)
{
    struct st_worker *worker = st_worker_enter(ST_WORKER_MAIN, run->target, run->seed);

    for (unsigned slot = 0; slot < box->slots; slot++) {
        void *p = st_mailbox_take(box, slot);
        if (p != NULL) {
            struct st_block block = st_block_received(p);
            st_block_free(worker, &block);
        }
    }
    st_worker_leave(worker);
}
