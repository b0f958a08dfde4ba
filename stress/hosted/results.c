/* results.c: what a suite has done, as a line for people and an object for programs. */
#include "stress/hosted/host.h"
#include "stress/hosted/preempt.h"
#include "stress/hosted/report.h"
#include "stress/lib/oracle.h"
#include "stress/lib/run.h"
#include "stress/lib/target.h"

#include <inttypes.h>
#include <stdio.h>

#define MEMORY_BYTES_EACH ((size_t)24 << 20)

static void print_json(const struct st_run *run, double took, struct st_counts *n)
{
    printf("{\"suite\":\"%s\",\"target\":\"%s\",\"result\":\"passed\",\"seed\":%" PRIu64
           ",\"threads\":%u,\"seconds\":%.2f,\"operations\":%" PRIu64 ",\"blocks\":%" PRIu64
           ",\"remote\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"threads_started\":%" PRIu64
           ",\"preemptions\":%" PRIu64 ",\"preemptions_inside\":%" PRIu64 ",\"yields\":%" PRIu64
           ",\"overlaps\":0}\n",
           run->suite, run->target->name, run->seed, run->threads, took,
           st_count_read(&n->operations), st_count_read(&n->blocks), st_count_read(&n->remote),
           st_count_read(&n->refused), st_count_read(&n->threads), st_count_read(&n->preemptions),
           st_count_read(&n->inside), st_count_read(&n->yields));
    fflush(stdout);
}

static void print_text(const struct st_run *run, double took, struct st_counts *n)
{
    uint64_t operations = st_count_read(&n->operations), cuts = st_count_read(&n->preemptions);

    st_say("%-9s passed: target %s, seed %" PRIu64 ", %u threads, %.1f s: %" PRIu64
           " operations (%.2f M/s), %" PRIu64 " blocks, %" PRIu64 " remote frees, %" PRIu64
           " refused, %" PRIu64 " threads started, %" PRIu64 " preemptions (%.0f/s, %" PRIu64
           " inside of the heap), %" PRIu64 " yields, overlaps 0, lost %s",
           run->suite, run->target->name, run->seed, run->threads, took, operations,
           (double)operations / took / 1e6, st_count_read(&n->blocks), st_count_read(&n->remote),
           st_count_read(&n->refused), st_count_read(&n->threads), cuts, (double)cuts / took,
           st_count_read(&n->inside), st_count_read(&n->yields),
           run->target->allocated != NULL ? "0" : "not known");
    if (st_oracle_untracked() != 0)
        st_say("%-9s note: %zu granules were outside of the oracle's shadow", run->suite,
               st_oracle_untracked());
}

void st_hosted_run(const struct st_suite *suite, struct st_run *run, double seconds, bool json)
{
    const char      *lacks = st_suite_lacks(suite, run->target);
    struct st_counts total;

    if (lacks != NULL) {
        st_say("%-9s skipped: target %s has no %s", suite->name, run->target->name, lacks);
        if (json)
            printf("{\"suite\":\"%s\",\"target\":\"%s\",\"result\":\"skipped\"}\n", suite->name,
                   run->target->name);
        return;
    }
    st_replay.suite = suite->name;
    run->timed = true;
    run->amount = seconds < 0.001 ? 1 : (uint32_t)(seconds * 1000);
    run->memory = run->threads * MEMORY_BYTES_EACH;
    run->handlers = st_preempt_handlers(run->target);
    st_preempt_begin();
    double begin = st_now();
    st_run_suite(suite, run, &total);
    double took = st_now() - begin;
    st_preempt_judge(run, &total, took);
    if (json)
        print_json(run, took, &total);
    print_text(run, took, &total);
}
