/* json.c: the JSON that the tools write, and the machine it was measured on; see tool.h. */
#define _GNU_SOURCE
#include "tools/talus/text.h"
#include "tools/talus/tool.h"

#include <math.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static void begin_item(struct tl_json *json, const char *key)
{
    if (!json->first)
        fputc(',', json->file);
    json->first = false;
    fputc('\n', json->file);
    for (unsigned i = 0; i < json->depth; i++)
        fputs("  ", json->file);
    if (key != NULL) {
        tl_text_json(json->file, key);
        fputs(": ", json->file);
    }
}

void tl_json_open(struct tl_json *json, const char *key, char bracket)
{
    begin_item(json, key);
    fputc(bracket, json->file);
    json->depth++;
    json->first = true;
}

void tl_json_close(struct tl_json *json, char bracket)
{
    json->depth--;
    if (!json->first) {
        fputc('\n', json->file);
        for (unsigned i = 0; i < json->depth; i++)
            fputs("  ", json->file);
    }
    fputc(bracket, json->file);
    json->first = false;
}

void tl_json_begin(struct tl_json *json, FILE *file)
{
    *json = (struct tl_json){ file, 1, true };
    fputc('{', file);
}

bool tl_json_end(struct tl_json *json)
{
    tl_json_close(json, '}');
    fputc('\n', json->file);
    return fflush(json->file) == 0 && ferror(json->file) == 0;
}

void tl_json_text(struct tl_json *json, const char *key, const char *text)
{
    begin_item(json, key);
    tl_text_json(json->file, text);
}

void tl_json_number(struct tl_json *json, const char *key, double number)
{
    begin_item(json, key);
    if (isfinite(number))
        fprintf(json->file, "%.6g", number);
    else
        fputs("null", json->file);
}

void tl_json_whole(struct tl_json *json, const char *key, uint64_t number)
{
    begin_item(json, key);
    fprintf(json->file, "%llu", (unsigned long long)number);
}

void tl_json_flag(struct tl_json *json, const char *key, bool flag)
{
    begin_item(json, key);
    fputs(flag ? "true" : "false", json->file);
}

/* The first line of `path` that starts with `key`, what follows it; "" when there is none. */
static void read_line(const char *path, const char *key, char *value, size_t size)
{
    char  line[512];
    FILE *file = fopen(path, "re");
    value[0] = '\0';
    if (file == NULL)
        return;
    while (value[0] == '\0' && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(value, size, "%s", line + strlen(key) + strspn(line + strlen(key), " \t:"));
        }
    }
    fclose(file);
}

void tl_json_machine(struct tl_json *json)
{
    char           text[256];
    struct utsname names;
    tl_json_open(json, "machine", '{');
    tl_json_whole(json, "cpus", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
    read_line("/proc/cpuinfo", "model name", text, sizeof text);
    tl_json_text(json, "model", text);
    tl_json_text(json, "kernel", uname(&names) == 0 ? names.release : "");
    read_line("/sys/kernel/mm/transparent_hugepage/enabled", "", text, sizeof text);
    tl_json_text(json, "huge_pages", text);
    tl_json_close(json, '}');
}

void tl_json_list(struct tl_json *json, const char *key, const double *numbers, size_t count)
{
    tl_json_open(json, key, '[');
    for (size_t i = 0; i < count; i++)
        tl_json_number(json, NULL, numbers[i]);
    tl_json_close(json, ']');
}

int tl_json_save(const char *path, bool (*write)(const void *what, FILE *to), const void *what)
{
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    bool  written = file != NULL && write(what, file);
    if (file != NULL && file != stdout)
        written = fclose(file) == 0 && written;
    return written ? TL_TOOL_OK : tl_tool_error("cannot write %s", path);
}
