/* mailbox.c: the end of a mailbox. */
#include "stress/lib/mailbox.h"

#include "stress/lib/block.h"
#include "stress/lib/team.h"

void st_mailbox_empty(const struct st_run *run, struct st_mailbox *box)
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
