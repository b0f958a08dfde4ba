/* supervise.c: processes that run a suite each, one that watches.
 * 1 Why         A malloc that is broken may take its process with it, in any way: the parent, which
 *               drives no heap, tells it as a failure of that suite with the line that repeats it,
 *               and goes on to the next one. Each suite begins with a fresh heap and a fresh
 *               shadow.
 *               So many as --jobs says run at the same time; none knows of the others, but that
 *               their lines begin with their names. Results are told in the order of the suites.
 * 2 Record      What the child counts and says lies in shared memory (record.h), so it is there
 *               after a crash, too.
 * 3 Standstill  The child looks after its threads itself (host.c). One that cannot, because it is
 *               stopped as a whole or hangs where no team runs, is killed by the parent: when it
 *               was stopped and nobody continued it, and when its suite is far beyond its time
 *               (late_seconds). A user's Ctrl-Z stops both of them, and counts for neither.
 * 4 Interrupts  SIGINT, SIGTERM and SIGHUP reach the parent alone. It asks the child to come to an
 *               end, which takes a moment, and tells what there is until then; a second one, or
 *               too long a moment, kills the child. A run that is cut short finds less, but what
 *               it finds is true, except for complaints about the pressure that it did not have and
 *               the memory that it did not have the time to give back. */
#include "stress/hosted/supervise.h"

#include "stress/hosted/host.h"
#include "stress/hosted/options.h"
#include "stress/hosted/patience.h"
#include "stress/hosted/report.h"
#include "stress/lib/run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MEMORY_BYTES_EACH ((size_t)24 << 20)
#define LOOK_NS           10000000L /* how often the parent looks */
#define END_SECONDS       30.0      /* for a child that was asked to come to its end */
#define STOPPED_SECONDS   2.0       /* in which a user may go on with what he stopped */

static volatile sig_atomic_t interrupts; /* so many came */
static volatile sig_atomic_t interrupt;  /* the first of them */

static struct st_results results;
static double            first_began; /* when its process did */

static void on_interrupt(int number)
{
    if (interrupts == 0)
        interrupt = number;
    interrupts = interrupts + 1;
}

static void handle_interrupts(void (*handler)(int))
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaction(numbers[i], &action, NULL);
}

void st_run_here(const struct st_suite *suite, struct st_target *target, uint64_t seed,
                 double seconds)
{
    struct st_run    run = { .target = target, .seed = seed, .threads = st_options.threads };
    struct st_counts total;

    run.timed = true;
    run.amount = seconds < 0.001 ? 1 : (uint32_t)(seconds * 1000);
    run.memory = run.threads * MEMORY_BYTES_EACH;
    st_options_replay(st_record->replay, sizeof(st_record->replay), suite->name, seed);
    run.handlers = st_preempt_handlers(target);
    st_preempt_begin();
    st_record_begin();
    double begin = st_now();
    st_run_suite(suite, &run, &total);
    st_preempt_judge(&run, &total, st_now() - begin);
    st_record_end(&total);
}

static _Noreturn void be_child(const struct st_suite *suite)
{
    const struct rlimit no_core = { 0, 0 };

    handle_interrupts(SIG_IGN);
    setrlimit(RLIMIT_CORE, &no_core); /* a crash is a result, told by the parent */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    st_report_name(st_options.jobs > 1 ? suite->name : NULL);
    st_run_here(suite, st_options.target, st_options.seed, st_options.seconds);
    exit(ST_PASSED); /* not _exit: sanitizers speak here */
}

/* A suite takes at most four times its seconds (flow), and a moment before and after: as long as
 * the child itself waits, twice, so that it speaks first if it can. */
static double late_seconds(void)
{
    return 4 * st_options.seconds + 2 * st_options.patience;
}

/* What the parent knows of a child that runs. */
struct child {
    struct st_result  *result; /* NULL: there is none */
    struct st_record  *record; /* the result's */
    pid_t              pid;
    double             begin;
    bool               asked;   /* to come to its end */
    struct st_patience running; /* since it began, or was asked */
    int                stopped; /* by this signal; 0: it is not */
    struct st_patience still;   /* since it was stopped */
};

static struct child children[ST_JOBS_MAX];

/* Whether the child is to be killed; result->kind says why, unless the user wants it so. */
static bool out_of_patience(struct child *child)
{
    struct st_result *result = child->result;
    bool late = st_patience_look(&child->running) > (child->asked ? END_SECONDS : late_seconds());

    if (child->stopped != 0 && st_patience_look(&child->still) > STOPPED_SECONDS)
        snprintf(result->kind, sizeof(result->kind), "stopped by signal %d (%s)", child->stopped,
                 sigabbrev_np(child->stopped));
    else if (late && !child->asked)
        snprintf(result->kind, sizeof(result->kind), "stuck: no end");
    return late || interrupts > 1 || result->kind[0] != '\0';
}

/* Whether the child has ended, with the status as waitpid has it; ends it if that is overdue. */
static bool has_ended(struct child *child, int *status)
{
    if (waitpid(child->pid, status, WNOHANG | WUNTRACED | WCONTINUED) == child->pid) {
        if (WIFEXITED(*status) || WIFSIGNALED(*status))
            return true;
        child->stopped = WIFSTOPPED(*status) ? WSTOPSIG(*status) : 0;
        st_patience_begin(&child->still);
    }
    if (interrupts > 0 && !child->asked) {
        child->asked = true;
        st_patience_begin(&child->running);
        atomic_store_explicit(&child->record->stop, true, memory_order_relaxed);
    }
    if (!out_of_patience(child))
        return false;
    kill(child->pid, SIGKILL);
    while (waitpid(child->pid, status, 0) < 0)
        continue; /* an interrupt */
    return true;
}

/* result->kind: why the parent ended it; "": it did not. */
static void set_kind(struct st_result *result, int status)
{
    const char *failure = result->record->failure;
    const char *kind = strstr(failure, "FAILED: ");

    if (kind != NULL)
        snprintf(result->kind, sizeof(result->kind), "%.*s",
                 (int)strcspn(kind + strlen("FAILED: "), "\n"), kind + strlen("FAILED: "));
    else if (result->kind[0] == '\0' && WIFSIGNALED(status))
        snprintf(result->kind, sizeof(result->kind), "killed by signal %d (%s)", WTERMSIG(status),
                 sigabbrev_np(WTERMSIG(status)));
    else if (result->kind[0] == '\0')
        snprintf(result->kind, sizeof(result->kind), "ended by itself with status %d",
                 WEXITSTATUS(status));
    if (kind == NULL) /* it had no time to say it */
        st_say("talus-stress: FAILED: %s\n  again: %s", result->kind, result->record->replay);
}

static void judge(struct st_result *result, int status)
{
    bool ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0 && result->record->passed;

    result->outcome = interrupts > 0 ? ST_OUTCOME_INTERRUPTED : ST_OUTCOME_PASSED;
    if (ended_well) {
        result->kind[0] = '\0'; /* in time, all the same */
        return;
    }
    if (interrupts > 0 && result->kind[0] == '\0' && WIFSIGNALED(status) &&
        WTERMSIG(status) == SIGKILL)
        return; /* by us, for the user */
    set_kind(result, status);
    if (interrupts > 0 && st_for_want_of_time(result->kind))
        result->kind[0] = '\0';
    else if (strcmp(result->kind, "setup") == 0)
        result->outcome = ST_OUTCOME_ERROR;
    else
        result->outcome = ST_OUTCOME_FAILED;
}

/* Starts the suite; false: it does not run, for want of what it needs. */
static bool start(struct child *child, const struct st_suite *suite, struct st_result *result)
{
    *result = (struct st_result){ .suite = suite };
    result->lacks = st_options_lack(suite);
    if (result->lacks != NULL) {
        result->outcome = ST_OUTCOME_SKIPPED;
        result->over = true;
        return false;
    }
    struct st_record *record = st_record_new();
    if (record == NULL)
        st_fail("setup", "  mmap: %s", strerror(errno));
    result->record = record;
    st_options_replay(record->replay, sizeof(record->replay), suite->name, st_options.seed);
    *child = (struct child){ .result = result, .record = record, .begin = st_now() };
    if (first_began == 0)
        first_began = child->begin;
    result->began = child->begin - first_began;
    st_patience_begin(&child->running);
    fflush(NULL);
    child->pid = fork();
    if (child->pid < 0)
        st_fail("setup", "  fork: %s", strerror(errno));
    if (child->pid == 0)
        be_child(suite);
    return true;
}

/* Whether the child has come to its end, and so its suite to a result. */
static bool finish(struct child *child)
{
    struct st_result *result = child->result;
    int               status = 0;

    if (!has_ended(child, &status))
        return false;
    result->took = child->record->passed ? child->record->took : st_now() - child->begin;
    st_report_name(st_options.jobs > 1 ? result->suite->name : NULL);
    judge(result, status);
    st_report_name(NULL);
    result->over = true;
    child->result = NULL;
    return true;
}

/* The first suite from *n on that is to run, n behind it; NULL: there is none, or the user has had
 * enough. */
static const struct st_suite *next_suite(size_t *n)
{
    while (interrupts == 0 && st_suite_list(*n) != NULL)
        if (st_options_has_suite((*n)++))
            return st_suite_list(*n - 1);
    return NULL;
}

/* Fills the places of those that have ended. Returns how many suites run. */
static unsigned start_more(unsigned running, size_t *next)
{
    struct child          *place = children;
    const struct st_suite *suite;

    while (running < st_options.jobs && (suite = next_suite(next)) != NULL) {
        while (place->result != NULL)
            place++;
        running += start(place, suite, &results.suites[results.count++]);
    }
    return running;
}

/* Says what is known of those that nobody was told of, in the order of the suites. */
static size_t tell(size_t told)
{
    for (; told < results.count && results.suites[told].over; told++) {
        st_result_say(&results.suites[told]);
        if (st_options.json)
            st_result_json(&results.suites[told]);
    }
    return told;
}

static void run_all(void)
{
    const struct timespec look = { 0, LOOK_NS };
    size_t                next = 0, told = 0;
    unsigned              running = start_more(0, &next);

    for (; running > 0; running = start_more(running, &next)) {
        told = tell(told);
        nanosleep(&look, NULL);
        for (unsigned place = 0; place < st_options.jobs; place++)
            if (children[place].result != NULL && finish(&children[place]))
                running--;
    }
    tell(told);
}

/* How long it will take, for those who wait. */
static void say_estimate(void)
{
    unsigned suites = 0;

    for (size_t n = 0; st_suite_list(n) != NULL; n++)
        suites += st_options_has_suite(n) && st_options_lack(st_suite_list(n)) == NULL;
    unsigned rounds = (suites + st_options.jobs - 1) / st_options.jobs;
    double   all = rounds * st_options.seconds;
    if (suites > 1)
        st_say("talus-stress: %u suites, %u at once, will take about %.*f %s", suites,
               st_options.jobs, all < 10, all < 300 ? all : all / 60,
               all < 300 ? "seconds" : "minutes");
}

static int exit_status(bool written)
{
    if (st_results_count(&results, ST_OUTCOME_FAILED) != 0)
        return ST_FAILURE;
    if (interrupts > 0)
        return 128 + interrupt;
    if (st_results_count(&results, ST_OUTCOME_SKIPPED) == results.count) {
        st_say("talus-stress: no suite could run on target %s", st_options.target_name);
        return ST_USAGE;
    }
    return written && st_results_count(&results, ST_OUTCOME_ERROR) == 0 ? ST_PASSED : ST_USAGE;
}

int st_supervise(void)
{
    bool written = true;

    if (!st_results_can_save(st_options.junit) || !st_results_can_save(st_options.page))
        return ST_USAGE;
    handle_interrupts(on_interrupt);
    say_estimate();
    run_all();
    if (results.count > 1 || interrupts > 0)
        st_results_say(&results);
    if (st_options.junit != NULL)
        written = st_results_save(&results, st_options.junit, st_results_junit);
    if (st_options.page != NULL)
        written = st_results_save(&results, st_options.page, st_results_page) && written;
    return exit_status(written);
}
