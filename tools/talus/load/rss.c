/* rss.c: resident size over time; see rss.h. */
#define _GNU_SOURCE
#include "tools/talus/load/rss.h"
#include "tools/talus/load/load.h"

#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#define SAMPLES_MAX 1024u /* even */

/* Written by the one thread that looks. */
static struct {
    uint64_t ns; /* since begin */
    uint64_t kib;
} samples[SAMPLES_MAX];
static unsigned sample_count;
static uint64_t began, due, distance_ns = 10000000;
static int      statm = -1;

static void sample(uint64_t now)
{
    char    text[128];
    ssize_t got = pread(statm, text, sizeof text - 1, 0);
    char   *resident;
    if (got <= 0)
        tl_load_die(5, "cannot read /proc/self/statm");
    text[got] = '\0';
    strtoull(text, &resident, 10); /* the first number is the size of the address space */
    if (sample_count == SAMPLES_MAX) {
        for (unsigned i = 0; i < SAMPLES_MAX / 2; i++)
            samples[i] = samples[2 * i];
        sample_count = SAMPLES_MAX / 2;
        distance_ns *= 2;
    }
    samples[sample_count].ns = now - began;
    samples[sample_count].kib =
        strtoull(resident, NULL, 10) * ((uint64_t)sysconf(_SC_PAGESIZE) / 1024);
    sample_count++;
    due = now + distance_ns;
}

void tl_rss_begin(void)
{
    statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    began = tl_load_now();
    sample(began);
}

void tl_rss_look(void)
{
    uint64_t now = tl_load_now();
    if (statm >= 0 && now >= due)
        sample(now);
}

void tl_rss_print(FILE *to)
{
    for (unsigned i = 0; i < sample_count; i++)
        fprintf(to, "rss %" PRIu64 " %" PRIu64 "\n", samples[i].ns / 1000000, samples[i].kib);
}
