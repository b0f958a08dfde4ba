/* main.c: talus-litmus: runs the litmus shapes on this CPU. R30.
 *
 *   talus-litmus [--ms N] [--seed N] [--only GROUP] [--outcomes]
 *   talus-litmus-twins [--seed N] [--only GROUP] [--emulated]
 *
 * Each shape N milliseconds long, one line each. Fails when an outcome came that the orders forbid,
 * or when the threads hardly overlapped. The second program, compiled with LITMUS_WITH_TWINS, runs
 * the twins that this build claims to see, each in a process of its own until it is seen, and fails
 * when one is not. --emulated: those that need loads to overtake stores may be left out, since
 * emulators of some CPUs make full barriers of their stores. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "litmus/harness.h"
#include "litmus/shapes.h"

#include "lib/process.h"

#if defined(LITMUS_WITH_TWINS)
enum litmus_twin litmus_broken;
#endif

struct options {
    unsigned    ms;
    uint64_t    seed;
    const char *only;
    bool        outcomes;
    bool        emulated;
};

enum { MORE_MS = 30000, TWIN_MS_MAX = 30000, DELAY_MS_MAX = 3000 };

#if !defined(LITMUS_WITH_TWINS)
static void print_outcomes(const struct litmus_shape *shape, const struct litmus_found *found,
                           bool all)
{
    static const char *const verdicts[] = { "", "  weak", "  FORBIDDEN" };

    for (unsigned i = 0; i < found->outcomes; i++) {
        const struct litmus_count *count = &found->count[i];
        if (!all && count->verdict != LITMUS_FORBIDDEN)
            continue;
        printf("    seen");
        for (unsigned role = 0; role < shape->threads; role++) {
            printf(" ");
            for (unsigned r = 0; r < LITMUS_REGISTERS; r++)
                printf("%x", (unsigned)count->outcome.seen[role][r]);
        }
        printf("  last %x: %llu times%s\n", (unsigned)count->outcome.last,
               (unsigned long long)count->times, verdicts[count->verdict]);
    }
}

static bool run_shape(const struct litmus_shape *shape, const struct options *options)
{
    struct litmus_bounds bounds = { options->ms, options->ms + MORE_MS, false, options->seed };
    struct litmus_found  found;
    const char          *failure = "";

    if (!litmus_run(shape, &bounds, &found)) {
        printf("%-24s FAILED: no threads or no memory\n", shape->name);
        exit(1);
    }
    if (found.forbidden > 0)
        failure = "  FAILED: a forbidden outcome";
    else if (found.overlaps < LITMUS_OVERLAPS_MIN)
        failure = "  FAILED: no pressure, the threads hardly overlapped";
    printf("%-24s %9llu cells %2u%s outcomes %8llu weak %llu forbidden %8llu overlaps %5.2f s%s\n",
           shape->name, (unsigned long long)found.cells, found.outcomes, found.more ? "+" : "",
           (unsigned long long)found.weak, (unsigned long long)found.forbidden,
           (unsigned long long)found.overlaps, found.seconds, failure);
    print_outcomes(shape, &found, options->outcomes);
    return *failure == '\0';
}
#else

struct trial {
    const struct litmus_shape *shape;
    enum litmus_twin           twin;
    struct litmus_bounds       bounds;
};

enum { CAUGHT = 3, MISSED = 4, NOT_RUN = 5 };

static int try_twin(void *context)
{
    struct trial       *trial = context;
    struct litmus_found found;

    litmus_broken = trial->twin;
    if (!litmus_run(trial->shape, &trial->bounds, &found))
        return NOT_RUN;
    return found.forbidden > 0 ? CAUGHT : MISSED;
}

/* One twin, in a process of its own: a race report ends it. */
static bool run_twin(const struct litmus_shape *shape, enum litmus_twin twin, bool may_miss,
                     const struct options *options)
{
    struct litmus_bounds bounds = { 0, may_miss ? DELAY_MS_MAX : TWIN_MS_MAX, true, options->seed };
    struct trial         trial = { shape, twin, bounds };
    struct process_result result;
    uint64_t              start = process_now_ms();
    bool                  caught;

    fflush(stdout); /* or the child would print it again */
    result = process_run_child(try_twin, &trial);
    if (TL_TSAN)
        caught = strstr(result.output, "ThreadSanitizer: data race") != NULL;
    else
        caught = result.exit_code == CAUGHT;
    may_miss = may_miss && result.exit_code == MISSED;
    printf("%-24s %-22s %s after %.2f s\n", shape->name, litmus_twin_name(twin),
           caught     ? TL_TSAN ? "race reported" : "forbidden outcome"
           : may_miss ? "left out: no load overtook a store in this emulator,"
                      : "FAILED: not seen",
           (double)(process_now_ms() - start) / 1000);
    if (!caught && !may_miss)
        printf("    ended with %d, signal %d\n%s\n", result.exit_code, result.signal,
               result.output);
    return caught || may_miss;
}

static bool run_shape(const struct litmus_shape *shape, const struct options *options)
{
    bool passed = true;

    for (unsigned i = 0; i < LITMUS_TWINS_MAX && shape->twins[i].twin != LITMUS_sound; i++) {
        unsigned layers =
            shape->twins[i].layers & (TL_TSAN ? LITMUS_RACE : LITMUS_RUN | LITMUS_DELAY);
        bool may_miss = options->emulated && layers == LITMUS_DELAY;
        if (layers != 0)
            passed = run_twin(shape, shape->twins[i].twin, may_miss, options) && passed;
    }
    return passed;
}
#endif

static unsigned long long number(const char *option, const char *text)
{
    char              *end = NULL;
    unsigned long long n = text != NULL ? strtoull(text, &end, 0) : 0;

    if (text == NULL || end == text || *end != '\0') {
        fprintf(stderr, "talus-litmus: %s takes a number\n", option);
        exit(2);
    }
    return n;
}

int main(int argc, char **argv)
{
    struct options options = { 100, 1, "", false, false };
    unsigned       ran = 0, failed = 0;

    for (int i = 1; i < argc; i++) {
        const char *value = argv[i + 1]; /* NULL behind the last */
        if (strcmp(argv[i], "--outcomes") == 0) {
            options.outcomes = true;
            continue;
        }
        if (strcmp(argv[i], "--emulated") == 0) {
            options.emulated = true;
            continue;
        }
        if (strcmp(argv[i], "--ms") == 0) {
            options.ms = (unsigned)number(argv[i], value);
        } else if (strcmp(argv[i], "--seed") == 0) {
            options.seed = number(argv[i], value);
        } else if (strcmp(argv[i], "--only") == 0 && value != NULL) {
            options.only = value;
        } else {
            fprintf(stderr,
                    "usage: %s [--ms N] [--seed N] [--only GROUP] [--outcomes] [--emulated]\n",
                    argv[0]);
            return 2;
        }
        i++;
    }
    printf("atomics: %s, seed %llu\n", TL_ARCH_NAME, (unsigned long long)options.seed);
    for (unsigned i = 0; i < LITMUS_SHAPES; i++) {
        if (strncmp(litmus_shapes[i].name, options.only, strlen(options.only)) != 0)
            continue;
        ran++;
        failed += !run_shape(&litmus_shapes[i], &options);
        fflush(stdout);
    }
    printf("%u shapes, %u failed\n", ran, failed);
    return ran == 0 || failed > 0;
}
