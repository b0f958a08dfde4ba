/* exit_stats.c: the default heap's totals when the process ends. See stats.h. */
#include "arch/port.h"
#include "core/heap.h"
#include "core/report.h"
#include "core/stats.h"
#include <string.h>

static const char *file_path; /* NULL: standard error; written before write_table can run */

static void write_table(void)
{
    static const struct {
        const char *name;
        size_t      offset;
        size_t      width;
    } rows[] = {
#define ROW(field) \
    { #field, offsetof(talus_heap_stats_t, field), sizeof(((talus_heap_stats_t *)0)->field) }
        ROW(allocated), ROW(large),         ROW(mapped),          ROW(mapped_peak),
        ROW(limit),     ROW(free_pages),    ROW(dirty_pages),     ROW(largest_free_run),
        ROW(metadata),  ROW(spans),         ROW(caches),          ROW(caches_idle),
        ROW(adoptions), ROW(provider_maps), ROW(provider_unmaps), ROW(provider_failures),
        ROW(purges),    ROW(limit_hits),    ROW(remote_batches),
#undef ROW
    };
    talus_heap_stats_t stats;
    char               buffer[2048];
    struct tl_text     text = { .buffer = buffer, .size = sizeof buffer };
    tl_stats_fill(&tl_default_heap, &stats);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t    value = 0;
        const char *field = (const char *)&stats + rows[i].offset;
        if (rows[i].width == sizeof(uint32_t))
            value = *(const uint32_t *)field;
        else
            memcpy(&value, field, sizeof value);
        tl_text_add(&text, "talus %s %z\n", (uintptr_t)rows[i].name, (uintptr_t)value);
    }
    if (file_path == NULL)
        tl_port_write_error(buffer, text.length);
    else if (!tl_port_write_file(file_path, buffer, text.length))
        tl_report_line(
            "cannot write statistics to %s: check that its folder exists and is writable",
            (uintptr_t)file_path);
}

void tl_stats_at_exit(const char *path)
{
    file_path = path;
    tl_port_at_process_exit(write_table);
}
