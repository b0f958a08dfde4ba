/* info.c: malloc_stats, malloc_info, mallinfo, mallopt and malloc_trim over the default heap.
 * Every figure comes from talus_heap_stats. What glibc has and talus has not (arenas, fast bins,
 * trim thresholds) reads as zero, and setting it succeeds without effect, so that programs that
 * tune glibc go on working. Contexts: thread. R40. */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>

#include "arch/port.h"
#include "talus/heap.h"

/* The default heap's totals; all zero when not even the heap itself could be had. */
static void default_stats(talus_heap_stats_t *stats)
{
    *stats = (talus_heap_stats_t){ 0 };
    talus_heap *heap = talus_heap_default();
    if (heap != NULL)
        talus_heap_stats(heap, stats);
}

static size_t unused_bytes(const talus_heap_stats_t *stats)
{
    return stats->mapped > stats->allocated ? stats->mapped - stats->allocated : 0;
}

/* 1: memory went back to the system; 0: none could. The padding, a matter of sbrk, is ignored. */
TALUS_API int malloc_trim(size_t pad)
{
    (void)pad;
    talus_heap *heap = talus_heap_default();
    return heap != NULL && talus_heap_trim(heap) > 0;
}

/* Accepts every parameter and returns 1, success: TALUS_OPTIONS and the heap options are where
 * talus is tuned. */
TALUS_API int mallopt(int parameter, int value)
{
    (void)parameter;
    (void)value;
    return 1;
}

/* A few lines on standard error, without allocating. */
TALUS_API void malloc_stats(void)
{
    talus_heap_stats_t stats;
    default_stats(&stats);
    char text[512];
    int  length = snprintf(text, sizeof text,
                           "talus %s\n"
                            "mapped      %zu bytes, peak %zu\n"
                            "allocated   %zu bytes, of these large %zu\n"
                            "free pages  %zu bytes, of these dirty %zu, largest run %zu\n"
                            "metadata    %zu bytes\n"
                            "caches      %u, of these idle %u; spans %u\n",
                           talus_version(), stats.mapped, stats.mapped_peak, stats.allocated,
                           stats.large, stats.free_pages, stats.dirty_pages, stats.largest_free_run,
                           stats.metadata, stats.caches, stats.caches_idle, stats.spans);
    if (length > 0)
        tl_port_write_error(text, (size_t)length);
}

#if defined(__GLIBC__)

/* XML with glibc's root element, so that readers of it find the totals they know. */
TALUS_API int malloc_info(int options, FILE *stream)
{
    if (options != 0) {
        errno = EINVAL;
        return -1;
    }
    talus_heap_stats_t stats;
    default_stats(&stats);
    int written = fprintf(stream,
                          "<malloc version=\"1\">\n"
                          "<heap nr=\"0\">\n"
                          "<allocated size=\"%zu\"/>\n"
                          "<large size=\"%zu\"/>\n"
                          "<free size=\"%zu\" largest=\"%zu\"/>\n"
                          "<metadata size=\"%zu\"/>\n"
                          "<caches count=\"%u\" idle=\"%u\"/>\n"
                          "</heap>\n"
                          "<total type=\"rest\" count=\"%u\" size=\"%zu\"/>\n"
                          "<system type=\"current\" size=\"%zu\"/>\n"
                          "<system type=\"max\" size=\"%zu\"/>\n"
                          "</malloc>\n",
                          stats.allocated, stats.large, stats.free_pages, stats.largest_free_run,
                          stats.metadata, stats.caches, stats.caches_idle, stats.spans,
                          unused_bytes(&stats), stats.mapped, stats.mapped_peak);
    return written < 0 ? -1 : 0;
}

TALUS_API struct mallinfo2 mallinfo2(void)
{
    talus_heap_stats_t stats;
    default_stats(&stats);
    return (struct mallinfo2){
        .arena = stats.mapped,
        .ordblks = stats.spans,
        .hblkhd = stats.large,
        .uordblks = stats.allocated,
        .fordblks = unused_bytes(&stats),
        .keepcost = stats.dirty_pages,
    };
}

static int at_most_int_max(size_t value)
{
    return value > INT_MAX ? INT_MAX : (int)value;
}

/* As mallinfo2, in ints: a figure that does not fit reads as INT_MAX. */
TALUS_API struct mallinfo mallinfo(void)
{
    struct mallinfo2 wide = mallinfo2();
    return (struct mallinfo){
        .arena = at_most_int_max(wide.arena),
        .ordblks = at_most_int_max(wide.ordblks),
        .hblkhd = at_most_int_max(wide.hblkhd),
        .uordblks = at_most_int_max(wide.uordblks),
        .fordblks = at_most_int_max(wide.fordblks),
        .keepcost = at_most_int_max(wide.keepcost),
    };
}

#endif
