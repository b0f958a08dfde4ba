/* suites.c: what suites share. */
#include "stress/suites/suite.h"

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
