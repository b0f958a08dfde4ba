/* replay.c: runs that are told what to do: repeated, shrunk, written and read as text. Theory:
 * search.h. */
#include "explore/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct replay {
    const struct ex_schedule *schedule;
    size_t                    at;
    uint32_t                  points; /* passed of segment `at` */
    bool                      begun;
};

static int choose_told(void *context, unsigned enabled, int self)
{
    struct replay *replay = context;
    for (; replay->at < replay->schedule->count; replay->at++) {
        const struct ex_segment *segment = &replay->schedule->segment[replay->at];
        bool                     can = (enabled & 1u << segment->thread) != 0;
        if (!replay->begun && can) {
            replay->begun = true;
            replay->points = 0;
            return segment->thread;
        }
        if (replay->begun && can && replay->points < segment->points)
            return segment->thread;
        replay->begun = false;
    }
    return self >= 0 && (enabled & 1u << self) != 0 ? self : __builtin_ctz(enabled);
}

static void count_point(void *context, int self)
{
    struct replay *replay = context;
    if (ex_pending(self)->kind != EX_START)
        replay->points++;
}

void ex_replay(const struct ex_schedule *schedule, struct ex_run *run, struct ex_schedule *done)
{
    struct replay            replay = { .schedule = schedule };
    const struct ex_strategy strategy = { choose_told, count_point, &replay, false };
    ex_engine_run(&strategy, run, done);
}

static void copy_schedule(struct ex_schedule *to, const struct ex_schedule *from)
{
    if (to->room < from->count) {
        to->room = from->count;
        to->segment = realloc(to->segment, to->room * sizeof to->segment[0]);
        if (to->segment == NULL)
            abort();
    }
    to->count = from->count;
    memcpy(to->segment, from->segment, from->count * sizeof from->segment[0]);
}

/* Failures are of one kind when their texts begin alike, up to the colon. */
static bool is_same_failure(const struct ex_run *a, const struct ex_run *b)
{
    size_t kind = strcspn(a->text, ":");
    return b->failed && strncmp(a->text, b->text, kind) == 0 && strcspn(b->text, ":") == kind;
}

static bool is_shorter(const struct ex_run *a, const struct ex_run *b)
{
    if (a->preemptions != b->preemptions)
        return a->preemptions < b->preemptions;
    if (a->switches != b->switches)
        return a->switches < b->switches;
    return a->points < b->points;
}

static bool try_changed(const struct ex_schedule *changed, struct ex_schedule *schedule,
                        struct ex_run *run)
{
    struct ex_schedule done = { 0 };
    struct ex_run      now;
    ex_replay(changed, &now, &done);
    bool better = is_same_failure(run, &now) && is_shorter(&now, run);
    if (better) {
        *run = now;
        copy_schedule(schedule, &done);
    }
    free(done.segment);
    return better;
}

/* With segment `at` left out, or with its thread going on until it waits or ends. */
static bool try_without(struct ex_schedule *schedule, struct ex_run *run, size_t at, bool leave_out)
{
    struct ex_schedule changed = { 0 };
    copy_schedule(&changed, schedule);
    if (leave_out) {
        changed.count--;
        memmove(&changed.segment[at], &changed.segment[at + 1],
                (changed.count - at) * sizeof changed.segment[0]);
    } else {
        changed.segment[at].points = UINT32_MAX;
    }
    bool better = try_changed(&changed, schedule, run);
    free(changed.segment);
    return better;
}

void ex_shrink(struct ex_schedule *schedule, struct ex_run *run)
{
    for (size_t at = 0; at < schedule->count; at++)
        if (try_without(schedule, run, at, false) || try_without(schedule, run, at, true))
            at = (size_t)-1; /* all over again: it is another run */
}

bool ex_schedule_read(const char *text, struct ex_schedule *schedule)
{
    schedule->count = 0;
    while (*text != '\0') {
        char         *end;
        unsigned long thread = strtoul(text, &end, 10);
        if (end == text || thread >= EX_THREADS_MAX || *end != '.')
            return false;
        text = end + 1;
        unsigned long points = strtoul(text, &end, 10);
        if (end == text || points > EX_POINTS_MAX || (*end != '-' && *end != '\0'))
            return false;
        if (*end == '-' && end[1] == '\0')
            return false;
        text = end + (*end == '-');
        if (schedule->count == schedule->room) {
            schedule->room = 2 * schedule->room + 16;
            schedule->segment =
                realloc(schedule->segment, schedule->room * sizeof schedule->segment[0]);
            if (schedule->segment == NULL)
                abort();
        }
        schedule->segment[schedule->count++] =
            (struct ex_segment){ .thread = (uint8_t)thread, .points = (uint32_t)points };
    }
    return schedule->count > 0;
}

void ex_schedule_write(const struct ex_schedule *schedule, char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < schedule->count && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s%u.%u", i > 0 ? "-" : "",
                                   schedule->segment[i].thread, schedule->segment[i].points);
}
