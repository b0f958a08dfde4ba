#include "property/runner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/process.h"
#include "lib/reference.h"
#include "lib/rng.h"

#define SHRINK_RUNS_MAX 400u

size_t shortest_failing;

struct run {
    const struct subject *subject;
    void                 *context;
    struct reference      reference;
    char                  problem[256];
};

static struct operation draw(struct rng *rng, const struct subject *subject)
{
    static const enum operation_kind kinds[] = {
        ALLOC,   ALLOC,   ALLOC,   ALLOC,   ALLOC,   ALLOC,   ALLOC_ALIGNED, ALLOC_ALIGNED,
        ZALLOC,  ZALLOC,  RESIZE,  RESIZE,  RESIZE,  RESIZE,  RELEASE,       RELEASE,
        RELEASE, RELEASE, RELEASE, RELEASE, RELEASE, RELEASE,
    };
    struct operation operation = { .kind = kinds[rng_below(rng, sizeof kinds / sizeof kinds[0])] };
    size_t           rare = rng_below(rng, 2000);

    if (rare < 8)
        operation.kind = CHECK_ALL;
    else if (rare < 12)
        operation.kind = TIDY;
    else if (rare < 13)
        operation.kind = EMPTY;
    operation.size = rng_below(rng, 100) == 0 ? 0 : rng_size(rng, subject->largest);
    operation.align = (size_t)1 << rng_below(rng, 17);
    operation.pick = rng_next(rng);
    return operation;
}

static bool broken(struct run *run, const char *what)
{
    snprintf(run->problem, sizeof run->problem, "%s", what);
    return false;
}

static bool refusal_is_right(struct run *run, size_t size)
{
    const struct subject *subject = run->subject;

    if (errno != ENOMEM)
        return broken(run, "NULL with an errno that is not ENOMEM");
    if (!subject->may_refuse)
        return broken(run, "refused although there is no limit");
    if (run->reference.count == 0 && size <= subject->surely)
        return broken(run, "refused although the heap is empty");
    return true;
}

static bool do_alloc(struct run *run, const struct operation *operation)
{
    const struct subject *subject = run->subject;
    size_t                align = operation->kind == ALLOC_ALIGNED ? operation->align : 0;
    bool                  zeroed = operation->kind == ZALLOC;
    void                 *block;

    errno = 0;
    block = zeroed ? subject->zalloc(run->context, operation->size, align)
                   : subject->alloc(run->context, operation->size, align);
    if (block == NULL)
        return refusal_is_right(run, operation->size + align);
    return zeroed ? reference_add_zeroed(&run->reference, block, operation->size,
                                         subject->usable(block), align)
                  : reference_add(&run->reference, block, operation->size, subject->usable(block),
                                  align);
}

static bool do_resize(struct run *run, const struct operation *operation)
{
    size_t index = operation->pick % run->reference.count;
    void  *old = run->reference.blocks[index].start;
    void  *block;

    errno = 0;
    block = run->subject->resize(run->context, old, operation->size);
    if (block == NULL)
        /* the old block is live still: the reference goes on checking it */
        return refusal_is_right(run, SIZE_MAX);
    return reference_resized(&run->reference, index, block, operation->size,
                             run->subject->usable(block));
}

static bool do_release(struct run *run, size_t index)
{
    struct reference_block block = run->reference.blocks[index];

    if (!reference_remove(&run->reference, index))
        return false;
    run->subject->release(run->context, block.start, block.size);
    return true;
}

static bool do_empty(struct run *run)
{
    const struct subject *subject = run->subject;

    while (run->reference.count > 0)
        if (!do_release(run, run->reference.count - 1))
            return false;
    if (subject->may_refuse) {
        const struct operation all = { .kind = ALLOC, .size = subject->surely };

        if (subject->tidy != NULL)
            subject->tidy(run->context);
        return do_alloc(run, &all) && (run->reference.count == 0 || do_release(run, 0));
    }
    return true;
}

static bool step(struct run *run, const struct operation *operation)
{
    enum operation_kind kind = operation->kind;

    if (kind <= ZALLOC && run->reference.bytes + operation->size > run->subject->live_max)
        kind = RELEASE;
    if ((kind == RESIZE || kind == RELEASE) && run->reference.count == 0)
        return true;
    switch (kind) {
    case ALLOC:
    case ALLOC_ALIGNED:
    case ZALLOC:
        return do_alloc(run, operation);
    case RESIZE:
        return do_resize(run, operation);
    case RELEASE:
        return do_release(run, operation->pick % run->reference.count);
    case CHECK_ALL:
        return reference_check_all(&run->reference);
    case TIDY:
        if (run->subject->tidy != NULL)
            run->subject->tidy(run->context);
        return true;
    default:
        return do_empty(run);
    }
}

/* Returns the number of the operation that broke a promise, or `count` when none did; `problem`
 * gets what was broken. */
static size_t run_operations(const struct subject *subject, const struct operation *operations,
                             size_t count, char problem[256])
{
    struct run run = { .subject = subject };
    size_t     i = 0;

    run.context = subject->open();
    if (run.context == NULL) {
        snprintf(problem, 256, "the heap cannot be opened");
        return 0;
    }
    reference_open(&run.reference);
    while (i < count && step(&run, &operations[i]))
        i++;
    if (i == count && !do_empty(&run))
        i = count > 0 ? count - 1 : 0;
    snprintf(problem, 256, "%s", run.problem[0] != '\0' ? run.problem : run.reference.problem);
    while (run.reference.count > 0) {
        struct reference_block block = run.reference.blocks[run.reference.count - 1];

        /* a heap that broke a promise is left alone */
        (void)reference_remove(&run.reference, run.reference.count - 1);
        if (problem[0] == '\0')
            subject->release(run.context, block.start, block.size);
    }
    reference_close(&run.reference);
    subject->close(run.context);
    return i;
}

struct trial {
    const struct subject   *subject;
    const struct operation *operations;
    size_t                  count;
};

static int trial_body(void *context)
{
    const struct trial *trial = context;
    char                problem[256] = "";

    run_operations(trial->subject, trial->operations, trial->count, problem);
    return problem[0] != '\0';
}

/* In a child, so that a heap that is broken by now, or a crash, is the child's alone. */
static bool still_fails(const struct trial *trial)
{
    struct process_result result = process_run_child(trial_body, (void *)(uintptr_t)trial);

    return result.exit_code != 0;
}

/* Leaves out pieces of halving length while what is left still fails. Returns how many operations
 * are left. */
static size_t shrink(const struct subject *subject, struct operation *operations, size_t count)
{
    struct operation *shorter = malloc(count * sizeof *shorter);
    unsigned          runs = 0;

    if (shorter == NULL)
        return count;
    for (size_t piece = count / 2; piece > 0 && runs < SHRINK_RUNS_MAX; piece /= 2) {
        for (size_t at = 0; at + piece <= count && runs < SHRINK_RUNS_MAX;) {
            struct trial trial = { subject, shorter, count - piece };

            memcpy(shorter, operations, at * sizeof *shorter);
            memcpy(shorter + at, operations + at + piece, (count - piece - at) * sizeof *shorter);
            runs++;
            if (still_fails(&trial)) {
                memcpy(operations, shorter, (count - piece) * sizeof *shorter);
                count -= piece;
            } else {
                at += piece;
            }
        }
    }
    free(shorter);
    return count;
}

static void print_operations(const struct operation *operations, size_t count)
{
    static const char *const names[KINDS] = { "alloc",   "alloc_aligned", "zalloc", "resize",
                                              "release", "check_all",     "tidy",   "empty" };

    for (size_t i = 0; i < count && i < 40; i++)
        printf("  %zu %s size %zu align %zu pick %llu\n", i, names[operations[i].kind],
               operations[i].size, operations[i].align, (unsigned long long)operations[i].pick);
    if (count > 40)
        printf("  ... %zu more\n", count - 40);
}

bool run_sequence(const struct subject *subject, uint64_t seed, size_t count)
{
    struct operation *operations = malloc(count * sizeof *operations);
    struct rng        rng = rng_seeded(seed);
    char              problem[256] = "";
    size_t            failed_at;

    if (operations == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        operations[i] = draw(&rng, subject);
    failed_at = run_operations(subject, operations, count, problem);
    if (problem[0] != '\0') {
        printf("%s, seed %llu, operation %zu of %zu: %s\n", subject->name, (unsigned long long)seed,
               failed_at, count, problem);
        shortest_failing = shrink(subject, operations, failed_at + 1);
        printf("shortest sequence found that fails: %zu operations\n", shortest_failing);
        print_operations(operations, shortest_failing);
    }
    free(operations);
    return problem[0] == '\0';
}
