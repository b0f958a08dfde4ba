/* report.c: see report.h. */
#include "explore/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEDULE_TEXT_MAX = 16384, PROGRESS_SECONDS = 5 };

struct progress {
    const char *name;
    double      next; /* seconds at which something is said */
};

static void tell_progress(void *context, const struct ex_found *found)
{
    struct progress *progress = context;
    if (found->seconds < progress->next)
        return;
    progress->next = found->seconds + PROGRESS_SECONDS;
    fprintf(stderr, "explore: %s: %.0f s, %llu schedules so far\n", progress->name, found->seconds,
            (unsigned long long)found->all_runs);
}

static double rate(const struct ex_found *found)
{
    return found->cpu_seconds > 0 ? (double)found->all_runs / found->cpu_seconds : 0;
}

static void print_json(const struct ex_scenario *scenario, const struct ex_options *options,
                       const struct ex_found *found, const char *schedule)
{
    printf("{\"scenario\": \"%s\", \"result\": \"%s\", \"search\": \"%s\", ", scenario->name,
           found->failed ? "failed" : "held",
           options->pct != 0                ? "pct"
           : options->bound == EX_UNBOUNDED ? "unbounded"
                                            : "bounded");
    if (options->pct != 0)
        printf("\"depth\": %u, \"seed\": %llu, \"probability\": %.3g, ", options->depth,
               (unsigned long long)options->seed,
               ex_pct_guarantee(ex_threads(), ex_pct_points(found), options->depth));
    else
        printf("\"bound\": %d, \"exhausted\": %s, ", found->bound,
               found->exhausted ? "true" : "false");
    printf("\"schedules\": %llu, \"all_schedules\": %llu, \"points_max\": %u, \"points\": %llu, "
           "\"seconds\": %.3f, \"cpu_seconds\": %.3f",
           (unsigned long long)found->runs, (unsigned long long)found->all_runs, found->longest,
           (unsigned long long)found->points, found->seconds, found->cpu_seconds);
    if (found->failed)
        printf(", \"failure\": \"%s\", \"preemptions\": %u, \"switches\": %u, \"replay\": \"%s\"",
               found->run.text, found->run.preemptions, found->run.switches, schedule);
    puts("}");
}

static void print_searched(const struct ex_scenario *scenario, const struct ex_options *options,
                           const struct ex_found *found)
{
    printf("%s: %s: ", scenario->name, found->failed ? "FAILED" : "held");
    if (options->pct != 0)
        printf("%llu schedules by chance; each finds a bug of depth %u with a probability of %.2g "
               "at least (%u threads, %u points)",
               (unsigned long long)found->runs, options->depth,
               ex_pct_guarantee(ex_threads(), ex_pct_points(found), options->depth), ex_threads(),
               ex_pct_points(found));
    else if (found->bound == EX_UNBOUNDED)
        printf("%llu schedules without a bound%s, %llu of them equal to others",
               (unsigned long long)found->runs, found->exhausted ? ", exhausted" : "",
               (unsigned long long)found->redundant);
    else
        printf("%llu schedules with at most %d preemptions%s; %u points at most",
               (unsigned long long)found->runs, found->bound,
               found->exhausted ? ", exhausted"
               : found->failed  ? ""
                                : ", NOT exhausted",
               found->longest);
    printf("; %llu in all, %.1f s of CPU, %.0f a second\n", (unsigned long long)found->all_runs,
           found->cpu_seconds, rate(found));
}

static void print_schedule(const struct ex_schedule *schedule)
{
    for (size_t i = 0; i < schedule->count; i++) {
        const struct ex_segment *segment = &schedule->segment[i];
        printf("  %3zu  %-16s %4u points", i + 1, ex_thread_name(segment->thread), segment->points);
        if (i + 1 == schedule->count)
            puts("");
        else if (segment->preempted)
            printf(", preempted before %s\n", segment->next.where);
        else if (segment->next.where == NULL)
            puts(", ends");
        else
            printf(", waits at %s\n", segment->next.where);
    }
}

static void print_run(const struct ex_scenario *scenario, const struct ex_options *options,
                      const struct ex_run *run, const struct ex_schedule *schedule,
                      const char *text)
{
    if (run->failed)
        printf("  %s\n", run->text);
    printf("  %u preemptions, %u switches:\n", run->preemptions, run->switches);
    print_schedule(schedule);
    printf("  replay: %s%s%s --scenario %s --replay %s\n", options->program,
           options->mutant != NULL ? " --mutant " : "",
           options->mutant != NULL ? options->mutant : "", scenario->name, text);
}

static bool begin(const struct ex_scenario *scenario)
{
    bool begun = ex_engine_begin(&scenario->program, ex_heap_look);
    if (!begun)
        fprintf(stderr, "explore: %s cannot be prepared: %s\n", scenario->name, ex_why());
    return begun;
}

static bool fails_again(const struct ex_found *found, const char *text)
{
    struct ex_schedule read = { 0 };
    struct ex_run      run = { 0 };
    if (ex_schedule_read(text, &read))
        ex_replay(&read, &run, NULL);
    free(read.segment);
    return run.failed && strcmp(run.text, found->run.text) == 0;
}

enum ex_status ex_explore(const struct ex_scenario *scenario, const struct ex_options *options)
{
    struct progress  progress = { scenario->name, PROGRESS_SECONDS };
    struct ex_limits limits = { options->seconds, options->pct, tell_progress, &progress };
    struct ex_found  found;
    char             text[SCHEDULE_TEXT_MAX] = "";
    enum ex_status   status;
    if (!begin(scenario))
        return EX_NOT_RUN;
    if (options->pct != 0)
        ex_search_pct(options->depth, options->seed, &limits, &found);
    else if (options->bound == EX_UNBOUNDED)
        ex_search_unbounded(true, &limits, &found);
    else
        ex_search_bounded(options->bound, &limits, &found);
    if (found.failed) {
        ex_shrink(&found.schedule, &found.run);
        ex_schedule_write(&found.schedule, text, sizeof text);
    }
    if (options->json)
        print_json(scenario, options, &found, text);
    else
        print_searched(scenario, options, &found);
    if (found.failed && !options->json)
        print_run(scenario, options, &found.run, &found.schedule, text);
    status = found.failed ? EX_FAILED : found.exhausted ? EX_HELD : EX_NOT_RUN;
    if (options->expect_caught) {
        bool again = found.failed && fails_again(&found, text);
        printf("%s: %s\n", scenario->name,
               again          ? "caught, and its replay fails again"
               : found.failed ? "caught, but its replay does NOT fail again"
                              : "NOT caught");
        status = again ? EX_HELD : EX_FAILED;
    }
    free(found.schedule.segment);
    ex_engine_end();
    return status;
}

/* Whether the threads are the scenario's. */
static bool has_threads(const struct ex_scenario *scenario, const struct ex_schedule *told)
{
    for (size_t i = 0; i < told->count; i++) {
        if (told->segment[i].thread < ex_threads())
            continue;
        fprintf(stderr, "explore: --replay: %s has the threads 0 to %u, and none for %u.%u\n",
                scenario->name, ex_threads() - 1, told->segment[i].thread, told->segment[i].points);
        return false;
    }
    return true;
}

/* The run does what it can of a schedule that was of another scenario, or of another core. What is
 * told of the last part is only how far it goes at least. */
static void say_if_done_otherwise(const struct ex_schedule *told, const struct ex_schedule *done)
{
    for (size_t i = 0; i < told->count; i++) {
        const struct ex_segment *wanted = &told->segment[i], *was = &done->segment[i];
        bool                     last = i + 1 == told->count;
        if (i < done->count && was->thread == wanted->thread &&
            (was->points == wanted->points || (last && was->points > wanted->points)))
            continue;
        fprintf(stderr,
                "explore: --replay: the schedule does not fit from %u.%u, its part %zu, on; here "
                "is what was done\n",
                wanted->thread, wanted->points, i + 1);
        return;
    }
}

enum ex_status ex_explore_replay(const struct ex_scenario *scenario, const char *schedule,
                                 const struct ex_options *options)
{
    struct ex_schedule told = { 0 }, done = { 0 };
    struct ex_run      run;
    char               text[SCHEDULE_TEXT_MAX];
    if (!ex_schedule_read(schedule, &told)) {
        fprintf(stderr,
                "explore: --replay: '%s' is no schedule as behind 'replay:', "
                "THREAD.POINTS-THREAD.POINTS...\n",
                schedule);
        return EX_NOT_RUN;
    }
    if (!begin(scenario) || !has_threads(scenario, &told))
        return EX_NOT_RUN;
    ex_replay(&told, &run, &done);
    say_if_done_otherwise(&told, &done);
    ex_schedule_write(&done, text, sizeof text);
    printf("%s: %s\n", scenario->name, run.failed ? "FAILED" : "held");
    print_run(scenario, options, &run, &done, text);
    free(told.segment);
    free(done.segment);
    ex_engine_end();
    return run.failed ? EX_FAILED : EX_HELD;
}
