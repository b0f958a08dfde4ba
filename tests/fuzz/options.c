/* options.c: the target `options`: the input is the text of TALUS_OPTIONS. A naive reader says what
 * it must come to, and which words must be named as wrong; what was read is written as text, and
 * must come to the same once more (R45). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hosted/options.h"
#include "fuzz/fuzz.h"

#define TEXT_BYTES_MAX  4096u
#define NAME_BYTES_MAX  31u  /* longer ones are no option's */
#define VALUE_BYTES_MAX 511u /* longer ones are refused */
#define SHOWN_BYTES_MAX 300u /* of a word, in a line */

enum kind { SIZE, FLAG, MISUSE, PATH };

static const struct known {
    const char *name;
    enum kind   kind;
    size_t      offset;
} known[] = {
    { "limit", SIZE, offsetof(struct tl_options, limit) },
    { "growth", SIZE, offsetof(struct tl_options, growth) },
    { "decay_ms", SIZE, offsetof(struct tl_options, decay_ms) },
    { "keep_pages", FLAG, offsetof(struct tl_options, keep_pages) },
    { "purge_thread", FLAG, offsetof(struct tl_options, purge_thread) },
    { "stats", FLAG, offsetof(struct tl_options, stats) },
    { "misuse", MISUSE, offsetof(struct tl_options, misuse) },
    { "stats_file", PATH, offsetof(struct tl_options, stats_file) },
};
#define KNOWN_COUNT (sizeof known / sizeof known[0])

static const char *const policies[] = { "report", "abort", "ignore" };

/* --- a reader that is as simple as can be ----------------------------------------------------- */

static bool expect_size(const char *value, void *field)
{
    size_t size = 0, unit = 1, digits = strspn(value, "0123456789");
    bool   fits = true;

    for (size_t i = 0; i < digits && fits; i++)
        fits = !__builtin_mul_overflow(size, (size_t)10, &size) &&
               !__builtin_add_overflow(size, (size_t)(value[i] - '0'), &size);
    if (value[digits] != '\0' && strchr("KkMmGg", value[digits]) != NULL) {
        unit <<= strchr("Kk", value[digits]) != NULL ? 10 : strchr("Mm", value[digits]) ? 20 : 30;
        value++;
    }
    if (digits == 0 || value[digits] != '\0' || !fits || __builtin_mul_overflow(size, unit, &size))
        return false;
    *(size_t *)field = size;
    return true;
}

static bool expect_value(enum kind kind, const char *value, void *field)
{
    switch (kind) {
    case SIZE:
        return expect_size(value, field);
    case FLAG:
        if (strlen(value) != 1 || (value[0] != '0' && value[0] != '1'))
            return false;
        *(bool *)field = value[0] == '1';
        return true;
    case MISUSE:
        for (unsigned i = 0; i < 3; i++)
            if (strcmp(value, policies[i]) == 0) {
                *(enum tl_misuse_policy *)field = (enum tl_misuse_policy)i;
                return true;
            }
        return false;
    default:
        if (value[0] == '\0')
            return false;
        memcpy(field, value, strlen(value) + 1);
        return true;
    }
}

static const char *line_at = fuzz_lines; /* behind the last line that was expected */
static unsigned    lines_expected;

/* A line about `word` comes next; what follows in it is returned. */
static const char *expect_named(const char *before, const char *word)
{
    char        text[SHOWN_BYTES_MAX + 64];
    const char *found;

    lines_expected++;
    snprintf(text, sizeof text, "talus: TALUS_OPTIONS: %s'%.*s", before, (int)SHOWN_BYTES_MAX,
             word);
    found = strstr(line_at, text);
    FUZZ_CHECK(found != NULL, "no line begins with \"%s\"", text);
    line_at = found + strlen(text);
    return line_at;
}

/* How many letters must be put in, left out or replaced. */
static size_t distance(const char *from, const char *to)
{
    static size_t table[NAME_BYTES_MAX + 2][NAME_BYTES_MAX + 2];
    size_t        rows = strlen(from), columns = strlen(to);

    for (size_t i = 0; i <= rows; i++)
        for (size_t j = 0; j <= columns; j++) {
            size_t best = i == 0 ? j : j == 0 ? i : SIZE_MAX;

            if (i > 0 && j > 0) {
                best = table[i - 1][j - 1] + (from[i - 1] != to[j - 1]);
                best = table[i - 1][j] + 1 < best ? table[i - 1][j] + 1 : best;
                best = table[i][j - 1] + 1 < best ? table[i][j - 1] + 1 : best;
            }
            table[i][j] = best;
        }
    return table[rows][columns];
}

/* An unknown name is named, and a known one offered: no other is nearer. */
static void expect_unknown(const char *name)
{
    const char *rest = expect_named("there is no option ", name);
    size_t      best = SIZE_MAX, offered = SIZE_MAX;

    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        char   text[64];
        size_t now = distance(name, known[i].name);

        snprintf(text, sizeof text, "'; did you mean '%s' (", known[i].name);
        best = now < best ? now : best;
        if (strncmp(rest, text, strlen(text)) == 0)
            offered = now;
    }
    FUZZ_CHECK(offered == best, "for '%s' a name is offered at a distance of %zu, not %zu", name,
               offered, best);
}

static void expect_item(char *item, struct tl_options *options)
{
    char *equals = strchr(item, '=');
    char *value = equals != NULL ? equals + 1 : item + strlen(item);

    if (equals != NULL)
        *equals = '\0';
    else if (*item == '\0')
        return;
    if (strlen(item) > NAME_BYTES_MAX) {
        item[NAME_BYTES_MAX] = '\0';
        expect_unknown(item);
        return;
    }
    if (strlen(value) > VALUE_BYTES_MAX) {
        expect_named("the value of ", item);
        return;
    }
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        if (strcmp(item, known[i].name) == 0) {
            if (!expect_value(known[i].kind, value, (char *)options + known[i].offset))
                expect_named("", value);
            return;
        }
    expect_unknown(item);
}

static void expect_text(char *text, struct tl_options *options)
{
    line_at = fuzz_lines;
    lines_expected = 0;
    memset(options, 0, sizeof *options);
    while (text != NULL) {
        char *comma = strchr(text, ',');

        if (comma != NULL)
            *comma = '\0';
        expect_item(text, options);
        text = comma != NULL ? comma + 1 : NULL;
    }
}

/* --- what was read --------------------------------------------------------------------------- */

static void check_same(const struct tl_options *read, const struct tl_options *expected,
                       const char *when)
{
    FUZZ_CHECK(read->limit == expected->limit && read->growth == expected->growth &&
                   read->decay_ms == expected->decay_ms,
               "%s: limit %zu, %zu expected; growth %zu, %zu; decay_ms %zu, %zu", when, read->limit,
               expected->limit, read->growth, expected->growth, read->decay_ms, expected->decay_ms);
    FUZZ_CHECK(read->keep_pages == expected->keep_pages &&
                   read->purge_thread == expected->purge_thread && read->stats == expected->stats,
               "%s: keep_pages %d, %d expected; purge_thread %d, %d; stats %d, %d", when,
               read->keep_pages, expected->keep_pages, read->purge_thread, expected->purge_thread,
               read->stats, expected->stats);
    FUZZ_CHECK(read->misuse == expected->misuse &&
                   strcmp(read->stats_file, expected->stats_file) == 0,
               "%s: misuse %d, %d expected; stats_file '%s', '%s'", when, (int)read->misuse,
               (int)expected->misuse, read->stats_file, expected->stats_file);
}

static void check_round_trip(const struct tl_options *options)
{
    char              text[1024];
    struct tl_options again;
    int               length =
        snprintf(text, sizeof text,
                 "limit=%zu,growth=%zu,decay_ms=%zu,keep_pages=%d,purge_thread=%d,stats=%d,"
                 "misuse=%s",
                 options->limit, options->growth, options->decay_ms, options->keep_pages,
                 options->purge_thread, options->stats, policies[options->misuse]);

    if (options->stats_file[0] != '\0')
        snprintf(text + length, sizeof text - (size_t)length, ",stats_file=%s",
                 options->stats_file);
    fuzz_lines_clear();
    tl_options_read(text, &again);
    FUZZ_CHECK(fuzz_lines_count == 0, "'%s' is right and was complained about", text);
    check_same(&again, options, "once more");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tl_options read, expected;
    char             *text = malloc(size + 1); /* so that a sanitizer sees what is read beyond it */

    if (text == NULL || size > TEXT_BYTES_MAX) {
        free(text);
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    fuzz_say("TALUS_OPTIONS=%s", text);
    fuzz_lines_clear();
    tl_options_read(text, &read);
    expect_text(text, &expected);
    FUZZ_CHECK(fuzz_lines_count == lines_expected, "%u lines, %u expected", fuzz_lines_count,
               lines_expected);
    check_same(&read, &expected, "read");
    check_round_trip(&read);
    free(text);
    return 0;
}
