/* run.c: open the target, run, account for every block, close, report. */
#include "stress/lib/run.h"

#include "stress/lib/oracle.h"
#include "stress/lib/report.h"
#include "stress/lib/target.h"

#include <inttypes.h>
#include <stdio.h>

void st_check_lost(const struct st_target *target, size_t before)
{
    size_t now = target->allocated != NULL ? target->allocated(target->context) : before;
    if (now > before)
        st_fail("lost",
                "  everything was freed and trimmed, but %zu bytes count as allocated, %zu more "
                "than before: blocks are lost",
                now, now - before);
}

static void print_json(const struct st_run *run, double took, struct st_counts *n)
{
    printf("{\"suite\":\"%s\",\"target\":\"%s\",\"result\":\"passed\",\"seed\":%" PRIu64
           ",\"threads\":%u,\"seconds\":%.2f,\"operations\":%" PRIu64 ",\"blocks\":%" PRIu64
           ",\"remote\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"threads_started\":%" PRIu64
           ",\"preemptions\":%" PRIu64 ",\"preemptions_inside\":%" PRIu64 ",\"overruns\":%" PRIu64
           ",\"yields\":%" PRIu64 ",\"overlaps\":0}\n",
           run->suite, run->target->name, run->seed, run->threads, took,
           st_count_read(&n->operations), st_count_read(&n->blocks), st_count_read(&n->remote),
           st_count_read(&n->refused), st_count_read(&n->threads), st_count_read(&n->preemptions),
           st_count_read(&n->inside), st_count_read(&n->overruns), st_count_read(&n->yields));
    fflush(stdout);
}

static void print_text(const struct st_run *run, double took, struct st_counts *n)
{
    uint64_t operations = st_count_read(&n->operations), cuts = st_count_read(&n->preemptions);

    st_say("%-9s passed: target %s, seed %" PRIu64 ", %u threads, %.1f s: %" PRIu64
           " operations (%.2f M/s), %" PRIu64 " blocks, %" PRIu64 " remote frees, %" PRIu64
           " refused, %" PRIu64 " threads started, %" PRIu64 " preemptions (%.0f/s, %" PRIu64
           " inside of the heap, %" PRIu64 " overruns), %" PRIu64 " yields, overlaps 0, lost %s",
           run->suite, run->target->name, run->seed, run->threads, took, operations,
           (double)operations / took / 1e6, st_count_read(&n->blocks), st_count_read(&n->remote),
           st_count_read(&n->refused), st_count_read(&n->threads), cuts, (double)cuts / took,
           st_count_read(&n->inside), st_count_read(&n->overruns), st_count_read(&n->yields),
           run->target->allocated != NULL ? "0" : "not known");
    if (cuts == 0 && st_replay.preempt_us != 0)
        st_say("%-9s note: not one preemption was delivered: this run says little", run->suite);
    if (st_oracle_untracked() != 0)
        st_say("%-9s note: %zu granules were outside of the oracle's shadow", run->suite,
               st_oracle_untracked());
}

void st_run_suite(const struct st_suite *suite, struct st_run *run, bool json)
{
    struct st_target *target = run->target;
    struct st_counts  total;

    if (suite->needs_instances && !target->instances) {
        st_say("%-9s skipped: target %s has no heap instances", suite->name, target->name);
        if (json)
            printf("{\"suite\":\"%s\",\"target\":\"%s\",\"result\":\"skipped\"}\n", suite->name,
                   target->name);
        return;
    }
    run->suite = suite->name;
    st_replay.suite = suite->name;
    st_counts_clear();
    if (target->open != NULL)
        target->open(target);
    size_t before = target->allocated != NULL ? target->allocated(target->context) : 0;
    double begin = st_now();
    suite->main(run);
    double took = st_now() - begin;
    st_check_lost(target, before);
    if (target->close != NULL)
        target->close(target);
    st_counts_total(&total);
    if (json)
        print_json(run, took, &total);
    print_text(run, took, &total);
}
