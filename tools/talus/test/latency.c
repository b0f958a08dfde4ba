/* latency.c: quantiles of load/latency.h against values that are known exactly. */
#include "tools/talus/load/latency.h"

#include <inttypes.h>

static int problems;

static void expect(bool holds, const char *what, uint64_t value, uint64_t told)
{
    if (holds)
        return;
    fprintf(stderr, "%s: %" PRIu64 " for %" PRIu64 "\n", what, told, value);
    problems++;
}

/* One sample: every quantile of two samples, of which it is the lower one, is at or above it, and
 * by at most 1/32 too high. */
static void value_is_told_closely(uint64_t value)
{
    static struct tl_latency latency;
    latency = (struct tl_latency){ 0 };
    tl_latency_note(&latency, value);
    tl_latency_note(&latency, TL_LATENCY_NS_MAX);
    uint64_t told = tl_latency_quantile(&latency, 0.5);
    expect(told >= value && told - value <= value / 32, "not within 1/32", value, told);
    expect(value >= 64 || told == value, "not exact below 64", value, told);
}

static void quantiles_count_samples(void)
{
    static struct tl_latency evens, odds;
    for (uint64_t i = 1; i <= 60; i++)
        tl_latency_note(i % 2 == 0 ? &evens : &odds, i);
    tl_latency_add(&evens, &odds);
    expect(evens.samples == 60, "samples", 60, evens.samples);
    expect(tl_latency_quantile(&evens, 0.5) == 30, "median of 1..60", 30,
           tl_latency_quantile(&evens, 0.5));
    expect(tl_latency_quantile(&evens, 0.99) == 60, "p99 of 1..60", 60,
           tl_latency_quantile(&evens, 0.99));
    expect(tl_latency_quantile(&evens, 0) == 1, "least of 1..60", 1,
           tl_latency_quantile(&evens, 0));
    expect(evens.max == 60, "maximum", 60, evens.max);
}

static void longer_than_the_longest_counts_as_the_longest(void)
{
    static struct tl_latency latency;
    tl_latency_note(&latency, UINT64_MAX);
    expect(latency.max == TL_LATENCY_NS_MAX, "beyond the longest", TL_LATENCY_NS_MAX, latency.max);
    expect(tl_latency_quantile(&latency, 0.5) == TL_LATENCY_NS_MAX, "its quantile",
           TL_LATENCY_NS_MAX, tl_latency_quantile(&latency, 0.5));
}

int main(void)
{
    for (uint64_t value = 0; value < 5000; value++)
        value_is_told_closely(value);
    for (unsigned bit = 12; bit < 36; bit++) {
        for (int64_t by = -1; by <= 1; by++)
            value_is_told_closely((UINT64_C(1) << bit) + (uint64_t)by);
    }
    quantiles_count_samples();
    longer_than_the_longest_counts_as_the_longest();
    return problems != 0;
}
