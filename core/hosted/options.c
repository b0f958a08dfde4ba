/* options.c: reading TALUS_OPTIONS. See options.h. */
#include "core/hosted/options.h"
#include "arch/mutants.h"
#include <stddef.h>
#include <string.h>

#define NAME_BYTES_MAX  32u
#define VALUE_BYTES_MAX 512u

static bool read_size(const char *value, void *field)
{
    size_t size = 0;
    if (*value < '0' || *value > '9')
        return false;
    for (; *value >= '0' && *value <= '9'; value++)
        if (__builtin_mul_overflow(size, (size_t)10, &size) ||
            __builtin_add_overflow(size, (size_t)(*value - '0'), &size))
            return false;
    unsigned shift = *value == 'K' || *value == 'k'   ? 10
                     : *value == 'M' || *value == 'm' ? 20
                     : *value == 'G' || *value == 'g' ? 30
                                                      : 0;
    if (shift != 0)
        value++;
    if (*value != '\0' || (size > SIZE_MAX >> shift && !TL_MUTANT_options_overflow))
        return false;
    *(size_t *)field = size << shift;
    return true;
}

static bool read_flag(const char *value, void *field)
{
    if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
        return false;
    *(bool *)field = value[0] == '1';
    return true;
}

static bool read_misuse(const char *value, void *field)
{
    static const char *const names[] = { "report", "abort", "ignore" };
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(value, names[i]) == 0) {
            *(enum tl_misuse_policy *)field = (enum tl_misuse_policy)i;
            return true;
        }
    return false;
}

static bool read_path(const char *value, void *field)
{
    if (*value == '\0')
        return false;
    memcpy(field, value, strlen(value) + 1);
    return true;
}

static const struct option {
    const char *name;
    const char *expects;
    size_t      offset;
    bool (*read)(const char *value, void *field);
} known[] = {
    { "limit", "a size like 512M; 0 for none", offsetof(struct tl_options, limit), read_size },
    { "growth", "a size like 4M", offsetof(struct tl_options, growth), read_size },
    { "decay_ms", "milliseconds", offsetof(struct tl_options, decay_ms), read_size },
    { "keep_pages", "0 or 1", offsetof(struct tl_options, keep_pages), read_flag },
    { "purge_thread", "0 or 1", offsetof(struct tl_options, purge_thread), read_flag },
    { "stats", "0 or 1", offsetof(struct tl_options, stats), read_flag },
    { "stats_file", "the path of a file", offsetof(struct tl_options, stats_file), read_path },
    { "misuse", "report, abort or ignore", offsetof(struct tl_options, misuse), read_misuse },
};
#define KNOWN_COUNT (sizeof known / sizeof known[0])

/* Letters to insert, delete or replace to get from one name to the other. */
static unsigned distance(const char *from, const char *to)
{
    unsigned row[NAME_BYTES_MAX + 1];
    size_t   width = strlen(to);
    for (unsigned j = 0; j <= width; j++)
        row[j] = j;
    for (unsigned i = 0; from[i] != '\0'; i++) {
        unsigned corner = row[0];
        row[0] = i + 1;
        for (unsigned j = 0; j < width; j++) {
            unsigned replaced = corner + (from[i] != to[j]);
            corner = row[j + 1];
            unsigned other = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            row[j + 1] = replaced < other ? replaced : other;
        }
    }
    return row[width];
}

static void report_unknown(const char *name)
{
    const struct option *nearest = &known[0];
    for (size_t i = 1; i < KNOWN_COUNT; i++)
        if (distance(name, known[i].name) < distance(name, nearest->name))
            nearest = &known[i];
    tl_report_line("TALUS_OPTIONS: there is no option '%s'; did you mean '%s' (%s)?",
                   (uintptr_t)name, (uintptr_t)nearest->name, (uintptr_t)nearest->expects);
}

static void set(struct tl_options *options, const char *name, const char *value)
{
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        if (strcmp(name, known[i].name) != 0)
            continue;
        if (!known[i].read(value, (char *)options + known[i].offset))
            tl_report_line("TALUS_OPTIONS: '%s' is no value for '%s', which takes %s",
                           (uintptr_t)value, (uintptr_t)name, (uintptr_t)known[i].expects);
        return;
    }
    report_unknown(name);
}

/* Copies up to one of `ends` or the text's end. Returns what follows; false in *fits when it was
 * too long. */
static const char *copy_until(const char *text, const char *ends, char *buffer, size_t size,
                              bool *fits)
{
    size_t length = strcspn(text, ends);
    *fits = length < size;
    memcpy(buffer, text, *fits ? length : size - 1);
    buffer[*fits ? length : size - 1] = '\0';
    return text + length;
}

void tl_options_read(const char *text, struct tl_options *options)
{
    *options = (struct tl_options){ 0 };
    while (text != NULL && *text != '\0') {
        char name[NAME_BYTES_MAX], value[VALUE_BYTES_MAX];
        bool name_fits, value_fits;
        text = copy_until(text, "=,", name, sizeof name, &name_fits);
        value[0] = '\0';
        value_fits = true;
        bool assigned = *text == '=';
        if (assigned)
            text = copy_until(text + 1, ",", value, sizeof value, &value_fits);
        if (name[0] == '\0' && !assigned)
            ; /* an empty item, as between two commas */
        else if (!name_fits)
            report_unknown(name);
        else if (!value_fits)
            tl_report_line("TALUS_OPTIONS: the value of '%s' is longer than %z bytes",
                           (uintptr_t)name, (uintptr_t)VALUE_BYTES_MAX - 1);
        else
            set(options, name, value);
        if (*text == ',')
            text++;
    }
}
