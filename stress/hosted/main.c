/* main.c: the talus-stress program. */
#include "stress/hosted/judge.h"
#include "stress/hosted/options.h"
#include "stress/hosted/report.h"
#include "stress/hosted/shadow.h"
#include "stress/hosted/supervise.h"
#include "stress/lib/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* What --expect-caught repeats: it is in a child already. */
static int run_chosen_here(uint64_t seed)
{
    for (size_t i = 0; st_suite_list(i) != NULL; i++)
        if (st_options_has_suite(i) && st_options_lack(st_suite_list(i)) == NULL)
            st_run_here(st_suite_list(i), st_options.target, seed, st_options.seconds);
    return ST_PASSED;
}

int main(int argc, char **argv)
{
    st_options_read(argc, argv);
    if (!st_shadow_start(UINT32_MAX)) {
        fprintf(stderr, "talus-stress: not enough address space for the oracle's shadow\n");
        return ST_USAGE;
    }
    st_report_setup();
    st_preempt_setup(&st_options.preempt);
    if (st_options.self_test)
        return st_self_test(st_options.seed);
    st_say("talus-stress: target %s, seed %" PRIu64 ", %u threads, %ld CPUs, %g s for each suite, "
           "preempt %s",
           st_options.target_name, st_options.seed, st_options.threads,
           sysconf(_SC_NPROCESSORS_ONLN), st_options.seconds,
           st_preempt_name(st_options.preempt.modes));
    if (st_options.caught_within > 0)
        return st_expect_caught(st_options.caught_within, st_options.seed, run_chosen_here);
    return st_supervise();
}
