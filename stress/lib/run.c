/* run.c: open the target, run, account for every block, close. */
#include "stress/lib/run.h"

#include "stress/lib/handlers.h"
#include "stress/lib/oracle.h"
#include "stress/lib/report.h"
#include "stress/lib/target.h"

void st_check_lost(const struct st_target *target, size_t before)
{
    size_t now = target->allocated != NULL ? target->allocated(target->context) : before;
    if (now > before)
        st_fail("lost",
                "  everything was freed and trimmed, but %zu bytes count as allocated, %zu more "
                "than before: blocks are lost",
                now, now - before);
}

const char *st_suite_lacks(const struct st_suite *suite, const struct st_target *target)
{
    return suite->needs_instances && !target->instances ? "heap instances" : NULL;
}

void st_run_suite(const struct st_suite *suite, struct st_run *run, struct st_counts *total)
{
    struct st_target              *target = run->target;
    const struct st_handler_calls *handlers = run->handlers;

    run->suite = suite->name;
    run->swaps = suite->handlers != NULL;
    if (run->swaps)
        run->handlers = suite->handlers;
    st_block_seed = run->seed;
    st_counts_clear();
    if (target->open != NULL)
        target->open(target);
    size_t before = target->allocated != NULL ? target->allocated(target->context) : 0;
    if (run->handlers != NULL)
        run->handlers->start(run);
    suite->main(run);
    if (run->handlers != NULL)
        run->handlers->end();
    st_check_lost(target, before);
    if (target->close != NULL)
        target->close(target);
    st_counts_total(total);
    run->handlers = handlers;
}
