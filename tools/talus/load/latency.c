/* latency.c: quantiles of calls, and the clock's own cost; see latency.h. */
#include "tools/talus/load/latency.h"

#include <inttypes.h>

void tl_latency_add(struct tl_latency *sum, const struct tl_latency *more)
{
    for (unsigned c = 0; c < TL_LATENCY_CELLS; c++)
        sum->cells[c] += more->cells[c];
    sum->samples += more->samples;
    sum->max = sum->max > more->max ? sum->max : more->max;
}

uint64_t tl_latency_quantile(const struct tl_latency *latency, double share)
{
    double   wanted = share * (double)latency->samples;
    uint64_t seen = 0;
    for (unsigned c = 0; c < TL_LATENCY_CELLS; c++) {
        seen += latency->cells[c];
        if (seen == 0 || (double)seen < wanted)
            continue;
        unsigned shift = c < 64 ? 0 : c / 32 - 1;
        uint64_t highest = ((uint64_t)(c - shift * 32 + 1) << shift) - 1;
        return highest < latency->max ? highest : latency->max;
    }
    return latency->max;
}

void tl_latency_print(const struct tl_latency *latency, const char *call, FILE *to)
{
    fprintf(to,
            "latency %s p50 %" PRIu64 " p99 %" PRIu64 " p999 %" PRIu64 " max %" PRIu64
            " samples %" PRIu64 "\n",
            call, tl_latency_quantile(latency, 0.5), tl_latency_quantile(latency, 0.99),
            tl_latency_quantile(latency, 0.999), latency->max, latency->samples);
}

uint64_t tl_latency_clock(void)
{
    static struct tl_latency latency; /* too large for a small stack; main thread, once */
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t start = tl_load_now();
        tl_latency_note(&latency, tl_load_now() - start);
    }
    return tl_latency_quantile(&latency, 0.5);
}
