/* search.c: runs up to a bound, without a bound, and by chance. Theory: search.h. */
#include "explore/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Runs by chance that a bounded search begins with, to learn most conflicts at once: each one that
 * it learns later begins it anew. */
enum { LEARNING_RUNS = 4096, LEARNING_DEPTH = 6 };

/* A choice that the present run made, and what else it could have been. */
struct node {
    uint8_t  option[EX_THREADS_MAX];
    uint8_t  count, at;
    unsigned options; /* the same as bits */
};

struct search {
    int          bound;
    bool         unbounded, sleep_sets;
    int          preemptions; /* of the present run */
    unsigned     asleep;
    size_t       depth; /* choices of the present run so far */
    size_t       nodes, room;
    struct node *node;
};

static double now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static unsigned bit(int thread)
{
    return 1u << thread;
}

/* ---- all runs ---- */

static struct node *add_node(struct search *search, unsigned options, int self)
{
    if (search->nodes == search->room) {
        search->room = search->room != 0 ? 2 * search->room : 256;
        search->node = realloc(search->node, search->room * sizeof search->node[0]);
        if (search->node == NULL)
            abort();
    }
    struct node *node = &search->node[search->nodes++];
    *node = (struct node){ .options = options };
    if (self >= 0 && (options & bit(self)) != 0)
        node->option[node->count++] = (uint8_t)self;
    for (int thread = 0; thread < EX_THREADS_MAX; thread++)
        if (thread != self && (options & bit(thread)) != 0)
            node->option[node->count++] = (uint8_t)thread;
    return node;
}

static unsigned options_of(struct search *search, unsigned enabled, int self)
{
    if (search->unbounded)
        return enabled & ~search->asleep;
    if (self < 0 || (enabled & bit(self)) == 0)
        return enabled;
    return search->preemptions < search->bound && ex_is_shared(self) ? enabled : bit(self);
}

static int choose(void *context, unsigned enabled, int self)
{
    struct search *search = context;
    unsigned       options = options_of(search, enabled, self);
    if (options == 0)
        return -1; /* all that could go on did so already, in another run */
    if ((options & (options - 1)) == 0)
        return __builtin_ctz(options);
    struct node *node = search->depth < search->nodes ? &search->node[search->depth]
                                                      : add_node(search, options, self);
    if (node->options != options) {
        fputs("explore: a run does not repeat: something in it depends on more than the order\n",
              stderr);
        _Exit(2);
    }
    search->depth++;
    int next = node->option[node->at];
    if (search->sleep_sets)
        for (unsigned tried = 0; tried < node->at; tried++)
            search->asleep |= bit(node->option[tried]);
    search->preemptions += self >= 0 && next != self && (enabled & bit(self)) != 0;
    return next;
}

static void passed(void *context, int self)
{
    struct search *search = context;
    for (int thread = 0; search->asleep >> thread != 0; thread++)
        if ((search->asleep & bit(thread)) != 0 && ex_depend(thread, self))
            search->asleep &= ~bit(thread);
}

/* To the choice made last that could have been another. False: there is none. */
static bool next_choice(struct search *search)
{
    while (search->nodes > 0) {
        struct node *last = &search->node[search->nodes - 1];
        if (++last->at < last->count)
            return true;
        search->nodes--;
    }
    return false;
}

static bool is_over(const struct ex_limits *limits, struct ex_found *found, double begin)
{
    if (limits->runs != 0 && found->all_runs >= limits->runs)
        return true;
    if (found->all_runs % 1024 != 0)
        return false;
    found->seconds = now(CLOCK_MONOTONIC) - begin;
    if (limits->progress != NULL)
        limits->progress(limits->context, found);
    return limits->seconds > 0 && found->seconds >= limits->seconds;
}

static void count_run(struct ex_found *found, const struct ex_run *run)
{
    found->runs++;
    found->all_runs++;
    found->redundant += run->given_up;
    found->points += run->points;
    if (run->points > found->longest)
        found->longest = run->points;
}

/* One search from its beginning. False: there is nothing more to do, one way or the other. */
static bool search_through(struct search *search, const struct ex_limits *limits,
                           struct ex_found *found, double begin)
{
    const struct ex_strategy strategy = { choose, search->sleep_sets ? passed : NULL, search,
                                          true };
    search->nodes = 0;
    found->runs = found->redundant = 0;
    do {
        search->depth = 0;
        search->preemptions = 0;
        search->asleep = 0;
        ex_engine_run(&strategy, &found->run, &found->schedule);
        count_run(found, &found->run);
        if (found->run.failed) {
            found->failed = true;
            return false;
        }
        if (is_over(limits, found, begin))
            return false;
        if (ex_conflicts_settle() && !search->unbounded)
            return true;
    } while (next_choice(search));
    found->exhausted = true;
    return false;
}

/* ---- by chance ---- */

struct pct {
    uint64_t random;
    unsigned depth;
    unsigned priority[EX_THREADS_MAX]; /* the higher goes first */
    uint32_t change[EX_THREADS_MAX];   /* points of the run, of which the first depth - 1 count */
    uint32_t point;
};

static uint64_t draw(struct pct *pct)
{
    pct->random ^= pct->random << 13;
    pct->random ^= pct->random >> 7;
    pct->random ^= pct->random << 17;
    return pct->random * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

static int choose_highest(void *context, unsigned enabled, int self)
{
    const struct pct *pct = context;
    int               best = -1;
    (void)self;
    for (int thread = 0; thread < EX_THREADS_MAX; thread++)
        if ((enabled & bit(thread)) != 0 &&
            (best < 0 || pct->priority[thread] > pct->priority[best]))
            best = thread;
    return best;
}

static void pass_and_lower(void *context, int self)
{
    struct pct *pct = context;
    pct->point++;
    for (unsigned i = 0; i + 1 < pct->depth; i++)
        if (pct->change[i] == pct->point)
            pct->priority[self] = pct->depth - 2 - i;
}

static void draw_run(struct pct *pct, unsigned threads, uint32_t points)
{
    for (unsigned i = 0; i < threads; i++) {
        unsigned at = (unsigned)(draw(pct) % (i + 1));
        pct->priority[i] = pct->priority[at];
        pct->priority[at] = pct->depth + i;
    }
    for (unsigned i = 0; i + 1 < pct->depth; i++)
        pct->change[i] = 1 + (uint32_t)(draw(pct) % points);
    pct->point = 0;
}

void ex_search_pct(unsigned depth, uint64_t seed, const struct ex_limits *limits,
                   struct ex_found *found)
{
    struct pct               pct = { .random = seed * 2 + 1, .depth = depth };
    const struct ex_strategy strategy = { choose_highest, pass_and_lower, &pct, false };
    double                   begin = now(CLOCK_MONOTONIC);
    *found = (struct ex_found){ .longest = 1 };
    while (!found->exhausted && !found->failed) {
        draw_run(&pct, ex_threads(), ex_pct_points(found));
        ex_engine_run(&strategy, &found->run, &found->schedule);
        count_run(found, &found->run);
        found->failed = found->run.failed;
        found->exhausted = !found->failed && limits->runs != 0 && found->all_runs >= limits->runs;
        if (is_over(limits, found, begin))
            break;
    }
    found->seconds = now(CLOCK_MONOTONIC) - begin;
    found->cpu_seconds = now(CLOCK_PROCESS_CPUTIME_ID);
}

uint32_t ex_pct_points(const struct ex_found *found)
{
    return found->longest + ex_threads();
}

double ex_pct_guarantee(unsigned threads, uint32_t points, unsigned depth)
{
    double runs = threads;
    for (unsigned i = 1; i < depth; i++)
        runs *= points;
    return 1 / runs;
}

/* ---- up to a bound ---- */

void ex_search_bounded(int bound, const struct ex_limits *limits, struct ex_found *found)
{
    const struct ex_limits few = { .runs = LEARNING_RUNS };
    struct search          search = { 0 };
    struct ex_found        learning;
    double                 begin = now(CLOCK_MONOTONIC);
    ex_search_pct(LEARNING_DEPTH, 1, &few, &learning);
    (void)ex_conflicts_settle();
    *found = (struct ex_found){ .all_runs = learning.all_runs };
    for (int b = 0; b <= bound; b++) {
        search.bound = found->bound = b;
        found->exhausted = false;
        while (search_through(&search, limits, found, begin))
            ;
        if (!found->exhausted)
            break;
    }
    found->exhausted = found->exhausted && found->bound == bound;
    if (learning.failed && !found->failed) { /* by more preemptions */
        struct ex_schedule unused = found->schedule;
        found->failed = true;
        found->run = learning.run;
        found->schedule = learning.schedule;
        learning.schedule = unused;
    }
    free(learning.schedule.segment);
    found->seconds = now(CLOCK_MONOTONIC) - begin;
    found->cpu_seconds = now(CLOCK_PROCESS_CPUTIME_ID);
    free(search.node);
}

void ex_search_unbounded(bool sleep_sets, const struct ex_limits *limits, struct ex_found *found)
{
    struct search search = { .unbounded = true, .sleep_sets = sleep_sets };
    double        begin = now(CLOCK_MONOTONIC);
    *found = (struct ex_found){ .bound = EX_UNBOUNDED };
    (void)search_through(&search, limits, found, begin);
    found->seconds = now(CLOCK_MONOTONIC) - begin;
    found->cpu_seconds = now(CLOCK_PROCESS_CPUTIME_ID);
    free(search.node);
}
