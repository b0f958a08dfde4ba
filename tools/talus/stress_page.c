/* stress_page.c: the page of `talus stress --report`: one file, which needs no other.
 * 1 Parts       What ran where; a table of the suites; for each suite its rates over time; for each
 *               failure its text and the line that repeats it.
 * 2 Pictures    Operations a second, and cuts that fell inside of the heap a second, each to a
 *               scale of its own that begins at 0: a suite that stood still, or was not cut, shows
 *               at a glance. */
#include "stress/hosted/options.h"
#include "stress/hosted/results.h"
#include "tools/talus/svg.h"
#include "tools/talus/text.h"

#include <inttypes.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define WIDTH  420.0
#define HEIGHT 130.0
#define LEFT   12.0
#define RIGHT  12.0
#define TOP    34.0
#define BOTTOM 24.0
#define TEXT   "#24292f"
#define FAINT  "#6e7781"
#define GRID   "#d8dee4"

/* What one picture shows of two samples that follow each other. */
typedef double (*rate_fn)(const struct st_sample *before, const struct st_sample *after);

static double span_of(const struct st_sample *before, const struct st_sample *after)
{
    return after->seconds > before->seconds ? after->seconds - before->seconds : 1;
}

static double operations_rate(const struct st_sample *before, const struct st_sample *after)
{
    return (double)(after->operations - before->operations) / span_of(before, after);
}

static double inside_rate(const struct st_sample *before, const struct st_sample *after)
{
    return (double)(after->inside - before->inside) / span_of(before, after);
}

static void draw(FILE *file, const struct st_record *record, const char *title, const char *colour,
                 rate_fn rate)
{
    const struct tl_svg_font head = { 13, TEXT, true, 's' }, scale = { 11, FAINT, false, 'e' };
    const struct st_sample  *samples = record->samples;
    double                   high = 0, end = samples[record->sample_count - 1].seconds;
    double                   bottom = HEIGHT - BOTTOM;
    char                     text[96];

    for (uint32_t i = 1; i < record->sample_count; i++)
        high =
            rate(&samples[i - 1], &samples[i]) > high ? rate(&samples[i - 1], &samples[i]) : high;
    tl_svg_begin(file, WIDTH, HEIGHT, title);
    tl_svg_text(file, LEFT, 18, &head, title);
    if (high >= 1e6)
        snprintf(text, sizeof text, "at most %.2f million", high / 1e6);
    else
        snprintf(text, sizeof text, "at most %.0f", high);
    tl_svg_text(file, WIDTH - RIGHT, 18, &scale, text);
    tl_svg_line(file, LEFT, TOP, WIDTH - RIGHT, TOP, GRID, 1);
    tl_svg_line(file, LEFT, bottom, WIDTH - RIGHT, bottom, TEXT, 1);
    snprintf(text, sizeof text, "%.4g s", end);
    tl_svg_text(file, WIDTH - RIGHT, HEIGHT - 8, &scale, text);
    tl_svg_path_begin(file, colour, 1.6);
    for (uint32_t i = 1; i < record->sample_count; i++) {
        double value = rate(&samples[i - 1], &samples[i]);
        tl_svg_path_point(file, LEFT + samples[i].seconds / end * (WIDTH - LEFT - RIGHT),
                          bottom - (high > 0 ? value / high : 0) * (bottom - TOP));
    }
    tl_svg_path_end(file, title);
    tl_svg_end(file);
}

static void write_row(FILE *file, const char *key, const char *value)
{
    fprintf(file, "<tr><th>%s</th><td>", key);
    tl_text_xml(file, value);
    fprintf(file, "</td></tr>\n");
}

static void write_environment(FILE *file)
{
    struct utsname names;
    time_t         now = time(NULL);
    struct tm      date;
    char           text[256];

    fprintf(file, "<table>\n");
    write_row(file, "heap", st_options.target_name);
    snprintf(text, sizeof text,
             "seed %" PRIu64 ", %u threads, %g s for each suite, preempt %s, %u us between cuts",
             st_options.seed, st_options.threads, st_options.seconds,
             st_preempt_name(st_options.preempt.modes), st_options.preempt.period_us);
    write_row(file, "run", text);
    if (uname(&names) == 0) {
        snprintf(text, sizeof text, "%ld CPUs, %s, %s %s", sysconf(_SC_NPROCESSORS_ONLN),
                 names.machine, names.sysname, names.release);
        write_row(file, "machine", text);
    }
    if (gmtime_r(&now, &date) != NULL && strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &date))
        write_row(file, "date", text);
    fprintf(file, "</table>\n");
}

static void write_result(FILE *file, const struct st_result *result)
{
    const char *name = st_outcome_name(result->outcome);

    fprintf(file, "<tr class=\"%s\"><td>%s</td><td>%s%s%s</td><td>%.1f</td>", name,
            result->suite->name, name, result->kind[0] != '\0' ? ": " : "", result->kind,
            result->took);
    if (result->record != NULL && result->record->passed) {
        struct st_counts n = result->record->total;
        fprintf(file,
                "<td>%" PRIu64 "</td><td>%" PRIu64 "</td><td>%" PRIu64 "</td><td>%" PRIu64
                "</td><td>%" PRIu64 "</td>",
                st_count_read(&n.operations), st_count_read(&n.remote), st_count_read(&n.threads),
                st_count_read(&n.preemptions), st_count_read(&n.inside));
    } else {
        fprintf(file, "<td colspan=\"5\">");
        if (result->lacks != NULL)
            fprintf(file, "the target has no %s", result->lacks);
        fprintf(file, "</td>");
    }
    fprintf(file, "<td>%s</td></tr>\n", result->suite->hunts);
}

static void write_details(FILE *file, const struct st_result *result)
{
    const struct st_record *record = result->record;

    if (record == NULL)
        return;
    fprintf(file, "<h2>%s</h2>\n<p>", result->suite->name);
    if (record->sample_count > 1) {
        draw(file, record, "operations a second", "#0969da", operations_rate);
        draw(file, record, "cuts inside of the heap a second", "#bc4c00", inside_rate);
    }
    fprintf(file, "</p>\n");
    if (record->failure[0] != '\0') {
        fprintf(file, "<pre>");
        tl_text_xml(file, record->failure);
        fprintf(file, "</pre>\n");
    }
    fprintf(file, "<p>again: <code>");
    tl_text_xml(file, record->replay);
    fprintf(file, "</code></p>\n");
}

bool st_results_page(const struct st_results *results, FILE *file)
{
    fprintf(file,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
            "<title>talus stress</title>\n<style>\n"
            "body{font:14px Helvetica,Arial,sans-serif;color:" TEXT ";margin:2em;max-width:80em}\n"
            "table{border-collapse:collapse;margin:1em 0}th,td{border:1px solid " GRID
            ";padding:.3em .6em;text-align:left}\n"
            "tr.failed,tr.error{background:#ffebe9}tr.passed{background:#dafbe1}\n"
            "pre{background:#f6f8fa;padding:1em;overflow:auto}svg{max-width:49%%}\n"
            "</style></head><body>\n<h1>talus stress: %zu of %zu suites passed, %zu failed</h1>\n",
            st_results_count(results, ST_OUTCOME_PASSED), results->count,
            st_results_count(results, ST_OUTCOME_FAILED));
    write_environment(file);
    fprintf(file, "<table>\n<tr><th>suite</th><th>result</th><th>s</th><th>operations</th>"
                  "<th>remote frees</th><th>threads started</th><th>cuts</th>"
                  "<th>inside of the heap</th><th>hunts</th></tr>\n");
    for (size_t i = 0; i < results->count; i++)
        write_result(file, &results->suites[i]);
    fprintf(file, "</table>\n");
    for (size_t i = 0; i < results->count; i++)
        write_details(file, &results->suites[i]);
    fprintf(file, "</body></html>\n");
    return fflush(file) == 0 && ferror(file) == 0;
}
